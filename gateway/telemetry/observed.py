"""Stands between the parts of the gateway and notes on the request's trail what passes.

The parts know nothing of it: each of these has the interface of what it stands before.
"""

from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias

import orjson
from graphql import ExecutionResult

from gateway.graphql.documents import CachedDocument, Operation
from gateway.graphql.execution import Executor
from gateway.http.asgi import Respond
from gateway.http.requests import RequestHead
from gateway.http.responses import Response
from gateway.invites.bulk import BulkInviter
from gateway.invites.failures import stumbled
from gateway.invites.inputs import InviteDraft
from gateway.invites.invite import Inviter
from gateway.invites.models import ANYONE, InputIssue, InviteRequest, InviteResult, Origin
from gateway.telemetry.trail import TRAIL, Trail, is_replayed, told
from gateway.upstream.call import Call, CallEnded, CallObserver, Route
from gateway.upstream.wire import Exchange, Reply

LOGGER = logging.getLogger("gateway.telemetry")

RequestSeen: TypeAlias = Callable[[Trail], None]
"""Called once a request has been answered, or given up by its caller."""
InviteSeen: TypeAlias = Callable[[InviteDraft, InviteResult, Trail | None, str], None]
"""Called once an invite has ended, with its caller's scope."""
CallSeen: TypeAlias = Callable[[Exchange, float, Trail | None], None]
"""Called after an invite was posted to the upstream, with its seconds."""
ReadSeen: TypeAlias = Callable[[Exchange], None]
"""Called after a look at the upstream's list."""

# Letters and digits alone: an address or a line break is no request id.
_REQUEST_ID = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ERRORS = b'{"errors"'
_INVITE = Route.INVITE


class ObservedEndpoint:
    """Gives each request an id and a trail, and the answer the header `X-Request-Id`."""

    def __init__(
        self,
        respond: Respond,
        seen: Sequence[RequestSeen],
        *,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._respond = respond
        self._seen = tuple(seen)
        self._clock = clock

    async def respond(self, head: RequestHead, body: bytes) -> Response:
        trail = Trail(request_id_of(head), self._clock(), head.method)
        before = TRAIL.set(trail)
        try:
            response = await self._respond(head, body)
            note_answer(trail, response)
        finally:
            TRAIL.reset(before)
            trail.seconds = self._clock() - trail.started
            _tell(self._seen, trail)
        return response.adding((b"x-request-id", trail.request_id.encode()))


def note_answer(trail: Trail, response: Response) -> None:
    """Note what the request was answered."""
    trail.status = response.status
    if response.body.startswith(_ERRORS):
        trail.error_code = _first_code(response.body)


def request_id_of(head: RequestHead) -> str:
    """The caller's own id of the request if it is one, or a new one."""
    value = head.headers.get(b"x-request-id")
    if value is not None and _REQUEST_ID.fullmatch(value):
        return value.decode()
    return f"{random.getrandbits(64):016x}"


def _tell(seen: Sequence[Callable[..., None]], *what: object) -> None:
    """Tell all of them; one that fails, say on a full disk, changes nothing about the answer."""
    for one in seen:
        try:
            one(*what)
        except Exception as error:  # noqa: BLE001 - an invite is not lost for a line in a log
            LOGGER.debug("an observer failed: %s", type(error).__qualname__)


def _first_code(body: bytes) -> str | None:
    """The code of an answer's first error; the gateway's own words, never a caller's."""
    try:
        code: str = orjson.loads(body)["errors"][0]["extensions"]["code"]
    except (ValueError, LookupError, TypeError):
        return None
    return code


class ObservedExecutor:
    """Notes which operation of which document is run."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def execute(
        self,
        document: CachedDocument,
        operation: Operation,
        variables: Mapping[str, Any] | None,
        context: Any,
    ) -> Awaitable[ExecutionResult]:
        trail = TRAIL.get()
        if trail is not None:
            trail.document, trail.operation = document.text, operation.name
        return self._executor.execute(document, operation, variables, context)


class ObservedInviter:
    """Notes how an invite ended."""

    def __init__(self, inviter: Inviter, seen: Sequence[InviteSeen]) -> None:
        self._inviter = inviter
        self._seen = tuple(seen)

    def check(self, draft: InviteDraft) -> InviteRequest | tuple[InputIssue, ...]:
        """Nothing is noted: nobody is invited."""
        return self._inviter.check(draft)

    async def invite(
        self,
        draft: InviteDraft,
        origin: Origin = ANYONE,
    ) -> InviteResult:
        trail, scope = TRAIL.get(), origin.scope
        try:
            result = await self._inviter.invite(draft, origin)
        except BaseException:
            # A bug, or the end of the process: the candidate may have been invited all the same.
            _tell(self._seen, draft, stumbled(retryable=False), trail, scope)
            raise
        if trail is not None:
            what = told(result)
            trail.result_type, trail.code, trail.outcome = what.type, what.code, what.outcome
            trail.replayed = is_replayed(result)
        _tell(self._seen, draft, result, trail, scope)
        return result


class ObservedBulk:
    """Notes how each invite of a list ended."""

    def __init__(self, bulk: BulkInviter, seen: Sequence[InviteSeen]) -> None:
        self._bulk = bulk
        self._seen = tuple(seen)

    async def invite_all(
        self, drafts: Sequence[InviteDraft], origin: Origin = ANYONE
    ) -> list[InviteResult]:
        results = await self._bulk.invite_all(drafts, origin)
        trail = TRAIL.get()
        for draft, result in zip(drafts, results, strict=True):
            _tell(self._seen, draft, result, trail, origin.scope)
        return results


def noting_calls(
    seen: Sequence[CallSeen], read: Sequence[ReadSeen], *, clock: Callable[[], float]
) -> CallObserver:
    """Notes how long the platform took for each invite, and its replies, to a read too."""

    def begun(call: Call) -> CallEnded:
        trail, started, is_invite = TRAIL.get(), clock(), call.route is _INVITE

        def ended(exchange: Exchange | None) -> None:
            if exchange is None:
                return
            if not is_invite:
                if trail is not None:
                    trail.upstream_reads += 1
                _tell(read, exchange)
                return
            seconds = clock() - started
            if trail is not None:
                trail.upstream_calls += 1
                trail.upstream_seconds += seconds
                _note(exchange, trail)
            _tell(seen, exchange, seconds, trail)

        return ended

    return begun


def _note(exchange: Exchange, trail: Trail) -> None:
    if isinstance(exchange, Reply):
        trail.upstream_status, trail.upstream_fault = exchange.status, None
    else:
        trail.upstream_status, trail.upstream_fault = None, exchange.fault.value
