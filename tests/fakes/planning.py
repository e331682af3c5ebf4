"""Operations run by a plan and by the general executor, before a core that is made up."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLSchema

from gateway.applications.reads import Applications
from gateway.graphql.allowance import Allowance
from gateway.graphql.context import RequestContext
from gateway.graphql.endpoint import GraphQLEndpoint
from gateway.graphql.execution import Executor, GeneralExecutor, PlanningExecutor
from gateway.graphql.schema import executable_schema
from gateway.http.requests import RequestHead
from gateway.invites.bulk import TooManyCandidatesError
from gateway.invites.inputs import InviteDraft, check
from gateway.invites.models import (
    InputIssue,
    Invite,
    InviteErrorCode,
    InviteFailure,
    InviteOutcome,
    InviteRequest,
    InviteResult,
    InviteSuccess,
)
from gateway.settings.limits import Limits
from gateway.upstream.wire import Exchange
from tests.fakes.applications import FakeTrack, a_reader

SCHEMA = executable_schema()
WIDE = Limits(
    max_body_bytes=10**7,
    max_document_bytes=10**6,
    max_tokens=10**5,
    max_aliases=10**4,
    max_fields=10**4,
    max_root_fields=50,
    max_invites=50,
)
GENERAL = GeneralExecutor(SCHEMA, hide_suggestions=False)
PLANNING = PlanningExecutor(SCHEMA, general=GENERAL)
ERROR_ID = re.compile(rb"[0-9a-f]{16}")

INVITE = Invite("7", "ada@example.com", "https://t.example/i/1", "invited", "Ada", "6578")
RESULTS: list[InviteResult] = [
    InviteSuccess(INVITE),
    InviteSuccess(Invite("7", "é@example.com", None, None, "\ud800", "1"), replayed=True),
    *(
        InviteFailure(
            code,
            "Words.",
            InviteOutcome.UNKNOWN,
            retryable=True,
            issues=(InputIssue("candidate_name", "a"), InputIssue("track_id", "b")),
            track_id="6578",
            retry_after_seconds=3,
            upstream_status=503,
        )
        for code in InviteErrorCode
    ),
    InviteFailure(InviteErrorCode.UPSTREAM_FAULT, "", InviteOutcome.INVITED, retryable=False),
]


def name_of(result: InviteResult) -> str:
    return result.code.value if isinstance(result, InviteFailure) else "SUCCESS"


SELECTION = """
  __typename
  ... on InviteCandidateSuccess { invite { applicationId email inviteLink inviteStatus name trackId } replayed }
  ... on InviteError { code message outcome retryable }
  ... on InvalidInputError { issues { field message } }
  ... on TrackNotFoundError { trackId }
  ... on RateLimitedError { retryAfterSeconds }
  ... on UpstreamError { upstreamStatus retryAfterSeconds }
"""
WHOLE = f"mutation M($input: InviteCandidateInput!) {{ inviteCandidate(input: $input) {{ {SELECTION} }} }}"
ADA = {"candidateName": "Ada", "candidateEmail": "ada@example.com", "trackId": "6578"}


@dataclass
class FakeInviter:
    """Gives one result, or raises it, and keeps what it was asked for."""

    result: InviteResult | Exception
    most: int = 3
    drafts: list[InviteDraft] = field(default_factory=list)

    async def invite(self, draft: InviteDraft, *_: object) -> InviteResult:
        self.drafts.append(draft)
        if isinstance(self.result, Exception):
            raise self.result
        return self.result

    def check(self, draft: InviteDraft) -> InviteRequest | tuple[InputIssue, ...]:
        return check(draft)

    async def invite_all(self, drafts: list[InviteDraft], *_: object) -> list[InviteResult]:
        if len(drafts) > self.most:
            raise TooManyCandidatesError(self.most)
        return [await self.invite(draft) for draft in drafts]


class Core:
    """An endpoint before an inviter with one result, and a track of `size` applications."""

    def __init__(
        self,
        executor: Executor,
        result: InviteResult | Exception = RESULTS[0],
        *,
        schema: GraphQLSchema = SCHEMA,
        size: int = 5,
        exchanges: tuple[Exchange, ...] = (),
        values: int = 5_000,
        may_read: bool = True,
        limits: Limits = WIDE,
    ) -> None:
        self.inviter = FakeInviter(result)
        self.track = FakeTrack(size)
        self.track.answers.extend(exchanges)
        reads = Applications(a_reader(self.track), most=30, timeout_seconds=20)
        context = RequestContext(
            self.inviter,  # type: ignore[arg-type]
            self.inviter,  # type: ignore[arg-type]
            reads if may_read else None,
            allowance=Allowance(values),
        )
        # By itself, the general executor does not begin to read.
        begins = isinstance(executor, GeneralExecutor)
        self.endpoint = GraphQLEndpoint(
            schema,
            make_context=lambda _: context.reading() if begins else context,
            limits=limits,
            executor=executor,
        )

    async def answer(self, request: dict[str, Any]) -> tuple[int, bytes]:
        """Status and body, without random ids."""
        response = await self.endpoint.respond(
            RequestHead("POST", {b"content-type": b"application/json"}),
            json.dumps(request).encode(),
        )
        return response.status, ERROR_ID.sub(b"id", response.body)

    @property
    def asked(self) -> tuple[list[InviteDraft], list[object]]:
        """All that was asked of the core since it was looked at last."""
        drafts, reads = self.inviter.drafts, [*self.track.queries, *self.track.asked_for]
        self.inviter.drafts, self.track.queries, self.track.asked_for = [], [], []
        return drafts, reads


async def answered(
    executor: Executor,
    result: InviteResult | Exception,
    request: dict[str, Any],
    schema: GraphQLSchema = SCHEMA,
) -> tuple[int, bytes, list[InviteDraft]]:
    """Status and body without random ids, and what was asked of the core."""
    core = Core(executor, result, schema=schema)
    return (*await core.answer(request), core.asked[0])
