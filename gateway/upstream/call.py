"""Calls to the platform as values: path, body, API key and time limit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias
from urllib.parse import urlencode

from gateway.upstream.wire import Exchange, Reply

INVITE_PATH: Final = "/tracks/invite"
# A list from a cache may be older than the invite that is looked up in it.
_FRESH: Final = ((b"cache-control", b"no-cache"),)


class Route(Enum):
    """The platform's endpoints; the values are method and path, without any id."""

    INVITE = "POST /tracks/invite"
    APPLICANTS = "GET /tracks/{track_id}/applicants"
    APPLICANT = "GET /tracks/{track_id}/applicants/{application_id}"
    STATS = "GET /tracks/{track_id}/stats"


# Looking up an enum's member takes longer than everything else done with it here.
_INVITE: Final = Route.INVITE


# Not frozen, and without a repr: see CONTRIBUTING, "The hot path".
@dataclass(slots=True, repr=False)
class Call:
    """One request to the platform, sent at most once: a POST if it has a body, else a GET.

    `path` follows the base URL and includes the query. `timeout_seconds` bounds the whole call.
    `may_send` is called just before the first byte is sent; if it returns False, nothing is sent.
    `api_key` replaces the client's own. `headers` are sent in addition.

    `trusts_connection` is called with the reply; if it returns False, the connection is closed.
    """

    route: Route
    path: str
    timeout_seconds: float
    body: bytes | None = None
    api_key: str | None = None
    idempotency_key: str | None = None
    may_send: Callable[[], bool] | None = None
    trusts_connection: Callable[[Reply], bool] | None = None
    headers: tuple[tuple[bytes, bytes], ...] = ()

    @property
    def method(self) -> str:
        return "GET" if self.body is None else "POST"


CallEnded: TypeAlias = Callable[[Exchange | None], None]
CallObserver: TypeAlias = Callable[[Call], CallEnded]
"""Called before each call, to which it may add headers. The function it returns is called with the
exchange when the call ends, or with None if the call was cancelled.
"""


def invite_call(
    body: bytes,
    *,
    timeout_seconds: float,
    api_key: str | None = None,
    idempotency_key: str | None = None,
    may_send: Callable[[], bool] | None = None,
    trusts_connection: Callable[[Reply], bool] | None = None,
) -> Call:
    """Posts an invite."""
    return Call(
        _INVITE,
        INVITE_PATH,
        timeout_seconds,
        body,
        api_key,
        idempotency_key,
        may_send,
        trusts_connection,
    )


def applicants_call(
    track_id: int, query: Mapping[str, str], *, timeout_seconds: float, api_key: str | None = None
) -> Call:
    """Reads one page of a track's applicants list."""
    path = f"/tracks/{track_id}/applicants?{urlencode(query)}"
    return Call(Route.APPLICANTS, path, timeout_seconds, api_key=api_key, headers=_FRESH)


def applicant_call(
    track_id: int, application_id: int, *, timeout_seconds: float, api_key: str | None = None
) -> Call:
    """Reads one application with all its details."""
    path = f"/tracks/{track_id}/applicants/{application_id}"
    return Call(Route.APPLICANT, path, timeout_seconds, api_key=api_key)


def stats_call(track_id: int, *, timeout_seconds: float, api_key: str | None = None) -> Call:
    """Reads a track's name and whether it accepts invites."""
    return Call(Route.STATS, f"/tracks/{track_id}/stats", timeout_seconds, api_key=api_key)


def keyed_and_trusted(exchange: Exchange, call: Call, api_key: str) -> bool:
    """Note the call's key in its reply; False if the connection must not be kept."""
    if not isinstance(exchange, Reply):
        return True
    exchange.api_key = api_key
    return call.trusts_connection is None or call.trusts_connection(exchange)


def fits_header(text: str) -> bool:
    """Whether the text is safe as a header's value: no line breaks, so no injected headers."""
    return text.isascii() and text.isprintable()
