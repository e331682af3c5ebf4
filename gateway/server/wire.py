"""Requests that are answered without ASGI in between, and the bytes of their answers.

That is the way of every mutation. As an ASGI application's, a request and its answer would be
taken apart into messages and put together again, twice each, and leave in two writes.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, Protocol, TypeAlias, runtime_checkable

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from gateway.http.asgi import Respond
from gateway.http.errors import Header
from gateway.http.requests import RequestHead
from gateway.http.responses import Response

_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")

Routes: TypeAlias = Mapping[bytes, Respond]
"""Who answers POSTs, by the request target as it is sent."""

CLOSE: Final = (b"connection", b"close")
LONGEST_BODY: Final = 65_536
"""A longer one is for the application, which can refuse it unread."""


@runtime_checkable
class Direct(Protocol):
    """An ASGI application that can also do without."""

    direct: Routes


class WholeRequest(RequestResponseCycle):
    """A POST that is answered once all of it has come."""

    # What the connection asks of every request; nobody waits for this one's body.
    more_body = True
    disconnected = response_started = response_complete = False
    message_event = asyncio.Event()

    def __init__(self, respond: Respond, head: RequestHead, *, keep_alive: bool) -> None:
        self.respond = respond
        self.head = head
        self.body = bytearray()
        self.keep_alive = keep_alive
        self.task: asyncio.Task[None] | None = None


def written(response: Response, *, before: bytes, keep_alive: bool) -> bytes:
    """The answer as it goes over the wire; `before` are header lines that all answers have."""
    own = _lines(response.own)
    if not keep_alive and CLOSE not in response.own:
        own += b"connection: close\r\n"
    return b"%b%b%b%bcontent-length: %d\r\n\r\n%b" % (
        STATUS_LINE[response.status],
        before,
        lines_of(response.headers),
        own,
        len(response.body),
        response.body,
    )


@lru_cache(maxsize=64)
def lines_of(headers: tuple[Header, ...]) -> bytes:
    """The headers as they are written; those of many answers are put together once."""
    return _lines(headers)


def _lines(headers: tuple[Header, ...]) -> bytes:
    # A line break within a header would begin another one, or another answer: it is left out.
    return b"".join([b"%b: %b\r\n" % one for one in headers if not _CONTROL.search(one[1])])
