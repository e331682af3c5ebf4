"""The stand-in as an ASGI app; `gateway.sandbox.server` serves it."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Literal, TypeAlias, assert_never

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gateway.sandbox.applicants import details_of, page_of, read_query, stats_of
from gateway.sandbox.bodies import InviteBody, read_invite
from gateway.sandbox.connections import reset, transport_of, until_disconnect
from gateway.sandbox.failures import READ_REFUSALS, Mishap, Page, Refusal, failure_for
from gateway.sandbox.ledger import MOST_KEPT, Accepted, Ledger
from gateway.sandbox.pages import MOST_SHOWN, invite_page, list_page, missing_page, page_in_between
from gateway.sandbox.platform import Platform, SecondInvite
from gateway.sandbox.rate_limit import RateLimit

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
InvitedMishap: TypeAlias = Literal[Mishap.SLOW, Mishap.DROPPED, Mishap.TRUNCATED, Mishap.GARBAGE]

API_KEY = "sandbox-key"
MISSING_TRACK = 404404
SLOW_SECONDS = 30.0
LONGEST_KEY = 255


def create_sandbox(
    platform: Platform | None = None,
    *,
    slow_seconds: float = SLOW_SECONDS,
    most_kept: int = MOST_KEPT,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Starlette:
    """The stand-in for the platform, the same under `/` and under `/api/v2`."""
    ledger = Ledger(now=now, most_kept=most_kept, platform=platform)
    sandbox = Sandbox(ledger, slow_seconds=slow_seconds, limit=_limit_of(ledger.platform, now))
    app = Starlette(
        routes=[*sandbox.routes(""), *sandbox.routes("/api/v2")],
        exception_handlers={HTTPException: _refused, ClientDisconnect: _client_gone},
    )
    app.router.redirect_slashes = False
    return app


def _limit_of(platform: Platform, now: Callable[[], datetime]) -> RateLimit | None:
    if platform.rate_limit is None:
        return None
    return RateLimit(platform.rate_limit, seconds=platform.rate_seconds, now=now)


class Sandbox:
    """Replies as the platform's documentation says, or fails as a candidate's address asks."""

    def __init__(self, ledger: Ledger, *, slow_seconds: float, limit: RateLimit | None) -> None:
        self._ledger = ledger
        self._limit = limit
        self._platform = ledger.platform
        self._slow_seconds = slow_seconds

    def routes(self, prefix: str) -> list[Route]:
        track = prefix + "/tracks/{track_id}"
        return [
            Route(prefix + "/tracks/invite", self._behind_page(self._invite), methods=["POST"]),
            Route(track + "/stats", self._behind_page(self._stats)),
            Route(track + "/applicants", self._behind_page(self._applicants)),
            Route(track + "/applicants/{application_id}", self._behind_page(self._applicant)),
            Route(prefix + "/", self._to_list),
            Route(prefix + "/sandbox/invites", self._accepted, methods=["GET", "DELETE"]),
            Route(prefix + "/sandbox/invites/{application_id}", self._page),
        ]

    def _behind_page(self, endpoint: Endpoint) -> Endpoint:
        status = self._platform.page
        if status is None:
            return endpoint

        async def page(_: Request) -> Response:
            return page_in_between(status)

        return page

    async def _invite(self, request: Request) -> Response:
        _check_api_key(request)
        body = await read_invite(request)
        if self._limit is not None and (seconds := self._limit.seconds_to_wait()):
            raise HTTPException(429, "Too many requests", {"retry-after": str(seconds)})
        _check_track(body.track_id)
        return await self._outcome(request, body)

    async def _outcome(self, request: Request, body: InviteBody) -> Response:
        match failure_for(body.candidate_email):
            case Refusal(status, error, headers):
                return _json(error, status, headers)
            case Page(status):
                return page_in_between(status)
            case Mishap.RESET:
                return CutConnection(reset=True)
            case None:
                return self._reply(request, body)
            case mishap:
                return await self._mishap(mishap, request, self._reply(request, body))

    async def _mishap(self, mishap: InvitedMishap, request: Request, reply: Response) -> Response:
        """What the client gets instead of the reply to an invite that was accepted."""
        match mishap:
            case Mishap.SLOW:
                await until_disconnect(request.receive, seconds=self._slow_seconds)
                return reply
            case Mishap.DROPPED:
                return CutConnection()
            case Mishap.TRUNCATED:
                return TruncatedResponse(reply.body, media_type="application/json")
            case Mishap.GARBAGE:
                return HTMLResponse("<!doctype html>\n<title>Welcome</title>\n<p>It works!</p>\n")
            case _:
                assert_never(mishap)

    def _reply(self, request: Request, body: InviteBody) -> Response:
        earlier = self._ledger.earlier(body)
        if earlier is not None:
            match self._platform.towards(body.candidate_email).second_invite:
                case SecondInvite.SAME:
                    return _invited(request, earlier)
                case SecondInvite.ACCEPTED:
                    return _invited(request, earlier, status=202)
                case SecondInvite.INVALID:
                    return _json({"error": "Candidate is already invited"}, 400)
                case SecondInvite.CONFLICT:
                    return _json({"error": "Applicant already exists"}, 409)
        key = request.headers.get("idempotency-key")
        return _invited(
            request, self._ledger.accept(body, idempotency_key=key and key[:LONGEST_KEY])
        )

    async def _applicants(self, request: Request) -> Response:
        track_id = _check_readable(request)
        query = read_query(request.query_params)
        return _json(page_of(self._ledger.listed(track_id), query, self._platform))

    async def _stats(self, request: Request) -> Response:
        track_id = _check_readable(request)
        return _json(stats_of(track_id, self._ledger.listed(track_id)))

    async def _applicant(self, request: Request) -> Response:
        track_id = _check_readable(request)
        application_id = _id(request, "application_id")
        accepted = self._ledger.find(application_id)
        if accepted is None or not self._ledger.lists(accepted, track_id):
            raise HTTPException(404, "Applicant not found")
        return _json(details_of(accepted, self._platform))

    async def _accepted(self, request: Request) -> Response:
        ledger = self._ledger
        if request.method == "DELETE":
            ledger.clear()
            return Response(status_code=204)
        if "text/html" in request.headers.get("accept", "").lower():
            latest = islice(reversed(ledger), MOST_SHOWN)
            return list_page(latest, count=ledger.count, emailed=ledger.emailed)
        invites = [_shown(accepted) for accepted in ledger]
        return _json({"count": ledger.count, "emails": ledger.emailed, "invites": invites})

    async def _to_list(self, _: Request) -> Response:
        # Relative, so that the Host header is not echoed.
        return Response(status_code=303, headers={"location": "sandbox/invites"})

    async def _page(self, request: Request) -> Response:
        accepted = self._ledger.find(_id(request, "application_id"))
        if accepted is None:
            return missing_page()
        accepted.is_opened = True
        return invite_page(accepted)


class CutConnection(Response):
    """Ends the connection without a reply: closes it, or resets it as a crashed server does."""

    def __init__(self, *, reset: bool = False) -> None:
        super().__init__()
        self._reset = reset

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = transport_of(scope)
        if self._reset:
            reset(transport)
        else:
            transport.close()
        await until_disconnect(receive)
        # The server expects a response, although the connection is closed.
        await super().__call__(scope, receive, send)


class TruncatedResponse(Response):
    """Declares the full Content-Length, sends half of the body and closes the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = [b"HTTP/1.1 200 OK", *(b"%b: %b" % header for header in self.raw_headers), b"", b""]
        half = bytes(self.body)[: len(self.body) // 2]
        transport = transport_of(scope)
        transport.write(b"\r\n".join(head) + half)
        transport.close()
        await until_disconnect(receive)
        # The server expects a response, although the connection is closed.
        await super().__call__(scope, receive, send)


def _check_api_key(request: Request) -> None:
    key = request.headers.get("apikey", "")
    if not secrets.compare_digest(key.encode(), API_KEY.encode()):
        raise HTTPException(401, "API key missing or invalid")


def _check_track(track_id: int) -> int:
    if track_id == MISSING_TRACK:
        raise HTTPException(404, "Track not found")
    return track_id


def _check_readable(request: Request) -> int:
    """The track whose applicants are requested; HTTPException if they may not be read."""
    _check_api_key(request)
    track_id = _check_track(_id(request, "track_id"))
    if refusal := READ_REFUSALS.get(track_id):
        raise HTTPException(refusal.status, refusal.body["error"], refusal.headers)
    return track_id


def _id(request: Request, name: str) -> int:
    text: str = request.path_params[name]
    if text.isascii() and text.isdecimal() and len(text) <= len(str(2**63)):
        return int(text)
    raise HTTPException(404, "Not found")


def _link(request: Request, accepted: Accepted) -> str:
    # The address of the connection: a Host header could name anything.
    host, port = request.scope["server"]
    host = f"[{host}]" if ":" in host else host
    return f"http://{host}:{port}/sandbox/invites/{accepted.application_id}"


def _invited(request: Request, accepted: Accepted, *, status: int = 200) -> Response:
    return _json(
        {
            "application_id": accepted.application_id,
            "email": accepted.body.candidate_email,
            "invite_link": _link(request, accepted),
            "invite_status": "invited",
            "name": accepted.body.candidate_name,
            "track_id": accepted.body.track_id,
        },
        status,
    )


def _shown(accepted: Accepted) -> dict[str, object]:
    return {
        "application_id": accepted.application_id,
        "candidate_name": accepted.body.candidate_name,
        "candidate_email": accepted.body.candidate_email,
        "track_id": accepted.body.track_id,
        "invite_format": accepted.body.invite_format,
        "emailed": accepted.emailed,
        "idempotency_key": accepted.idempotency_key,
        "accepted_at": accepted.accepted_at.isoformat(timespec="milliseconds"),
    }


def _json(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(content), status, headers, "application/json")


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - Starlette types handlers too widely
    return _json({"error": error.detail}, error.status_code, error.headers)


async def _client_gone(_: Request, __: Exception) -> Response:
    """A reply for a client that left while it was sending; the server drops it."""
    return Response()
