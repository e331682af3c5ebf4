"""The context that resolvers get."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field, replace

from gateway.applications.reads import Applications, Reads
from gateway.graphql.allowance import Allowance
from gateway.http.requests import RequestHead
from gateway.invites.bulk import BulkInviter
from gateway.invites.inputs import LONGEST_KEY, InviteDraft
from gateway.invites.invite import Inviter
from gateway.invites.models import ANYONE, InputIssue, InviteRequest, InviteResult, Origin

_HASH_DIGITS = hashlib.sha256().digest_size * 2


@dataclass(frozen=True, slots=True)
class RequestContext:
    """One request's access to the core.

    `idempotency_key` is the request's header. `applications` is None if the caller may not read
    any; `reads` and `allowance` belong to one request and are set by `reading`. `platform` names
    the platform that invites go through.
    """

    inviter: Inviter
    bulk: BulkInviter
    applications: Applications | None = None
    reads: Reads | None = None
    allowance: Allowance = field(default_factory=Allowance)
    origin: Origin = ANYONE
    idempotency_key: str | None = None
    platform: str = ""

    def reading(self) -> RequestContext:
        """A copy with the reads of one request, whose time begins now."""
        if self.applications is None:
            return self
        reads = self.applications.reads(self.origin)
        return replace(self, reads=reads, allowance=Allowance(self.allowance.values))

    def invite(self, draft: InviteDraft) -> Awaitable[InviteResult]:
        """The invite or a typed failure, under the draft's own key or the header's.

        If a request with the header's key has several invites, the first uses the key and the
        others are refused as reusing it: none is sent without protection.
        """
        if self.idempotency_key is not None:
            draft = self._keyed(draft)
        return self.inviter.invite(draft, self.origin)

    def check(self, draft: InviteDraft) -> InviteRequest | tuple[InputIssue, ...]:
        """What `invite` would send, or all problems of the draft; nothing is sent."""
        return self.inviter.check(self._keyed(draft))

    def _keyed(self, draft: InviteDraft) -> InviteDraft:
        if draft.idempotency_key is None and self.idempotency_key is not None:
            return replace(draft, idempotency_key=self.idempotency_key)
        return draft

    async def invite_all(self, drafts: Sequence[InviteDraft]) -> list[InviteResult]:
        """One result for each draft; raises TooManyCandidatesError.

        Drafts without a key get the header's key with their position added.
        """
        key = self.idempotency_key
        if key is not None:
            drafts = [
                replace(draft, idempotency_key=key and _key_at(position, key))
                if draft.idempotency_key is None
                else draft
                for position, draft in enumerate(drafts, 1)
            ]
        return await self.bulk.invite_all(drafts, self.origin)


def _key_at(position: int, key: str) -> str:
    """The key of the candidate at `position` in a list; never longer than a key may be."""
    own = f"{key}/{position}"
    if len(key) <= LONGEST_KEY < len(own):
        # If the position does not fit, a hash replaces the key's end.
        return key[:-_HASH_DIGITS] + hashlib.sha256(own.encode()).hexdigest()
    return own


def idempotency_key_of(head: RequestHead) -> str | None:
    """The header `Idempotency-Key`: a quoted string, as in its draft standard, or bare."""
    text = head.header(b"idempotency-key")
    if text is None:
        return None
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1]
    return text


def timeout_of(head: RequestHead) -> float | None:
    """The header `Request-Timeout` in seconds; None if absent or invalid."""
    text = head.header(b"request-timeout")
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds > 0 else None
