"""Hooks that fill a request's trail and pass it to observers."""

from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import Callable, Sequence
from typing import TypeAlias

import orjson

from gateway.http.asgi import Respond
from gateway.http.requests import RequestHead
from gateway.http.responses import Response
from gateway.invites.inputs import InviteDraft, InviteEnded
from gateway.invites.models import InviteResult, Origin
from gateway.telemetry.trail import TRAIL, Trail, is_replayed, summary_of
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

# Only safe characters, so that no address or line break passes as a request id.
_REQUEST_ID = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ERRORS = b'{"errors"'
_INVITE = Route.INVITE


def observed(
    respond: Respond,
    seen: Sequence[RequestSeen],
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> Respond:
    """`respond`, with an id and a trail for each request, and the header `X-Request-Id`."""

    async def noted(head: RequestHead, body: bytes) -> Response:
        trail = Trail(request_id_of(head), clock(), head.method)
        before = TRAIL.set(trail)
        try:
            response = await respond(head, body)
            note_response(trail, response)
        finally:
            TRAIL.reset(before)
            trail.seconds = clock() - trail.started
            _notify(seen, trail)
        response.own += ((b"x-request-id", trail.request_id.encode()),)
        return response

    return noted


def note_response(trail: Trail, response: Response) -> None:
    trail.status = response.status
    if response.body.startswith(_ERRORS):
        trail.error_code = _first_code(response.body)


def request_id_of(head: RequestHead) -> str:
    """The caller's request id if it is valid, else a new one."""
    value = head.headers.get(b"x-request-id")
    if value is not None and _REQUEST_ID.fullmatch(value):
        return value.decode()
    return random.getrandbits(64).to_bytes(8).hex()


def _notify(seen: Sequence[Callable[..., None]], *what: object) -> None:
    """Call all observers; if one fails, say on a full disk, the response stays the same."""
    for one in seen:
        try:
            one(*what)
        except Exception as error:  # noqa: BLE001 - a failed log line must not lose an invite
            LOGGER.debug("an observer failed: %s", type(error).__qualname__)


def _first_code(body: bytes) -> str | None:
    """The code of a response's first error; never text from a caller."""
    try:
        code: str = orjson.loads(body)["errors"][0]["extensions"]["code"]
    except (ValueError, LookupError, TypeError):
        return None
    return code


def noting_invites(seen: Sequence[InviteSeen], *, in_list: bool) -> InviteEnded:
    """Notes an invite's result; in a request with many, none is the request's result."""

    def ended(draft: InviteDraft, result: InviteResult, origin: Origin) -> None:
        trail = TRAIL.get()
        if trail is not None and not in_list:
            found = summary_of(result)
            trail.result_type, trail.code, trail.outcome = found.type, found.code, found.outcome
            trail.replayed = is_replayed(result)
        _notify(seen, draft, result, trail, origin.scope)

    return ended


def noting_calls(
    seen: Sequence[CallSeen], read: Sequence[ReadSeen], *, clock: Callable[[], float]
) -> CallObserver:
    """Notes the platform's time for each invite, and its replies, also to reads."""

    def begun(call: Call) -> CallEnded:
        trail, started, is_invite = TRAIL.get(), clock(), call.route is _INVITE

        def ended(exchange: Exchange | None) -> None:
            if exchange is None:
                return
            if not is_invite:
                if trail is not None:
                    trail.upstream_reads += 1
                _notify(read, exchange)
                return
            seconds = clock() - started
            if trail is not None:
                trail.upstream_calls += 1
                trail.upstream_seconds += seconds
                _note(exchange, trail)
            _notify(seen, exchange, seconds, trail)

        return ended

    return begun


def _note(exchange: Exchange, trail: Trail) -> None:
    if isinstance(exchange, Reply):
        trail.upstream_status, trail.upstream_fault = exchange.status, None
    else:
        trail.upstream_status, trail.upstream_fault = None, exchange.fault.value
