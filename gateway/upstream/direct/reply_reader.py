"""Reads the reply to one request from the bytes of an HTTP/1.1 connection (RFC 9112)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import httptools

from gateway.upstream.bounds import LARGEST_BODY, LARGEST_HEAD, decoded
from gateway.upstream.wire import Exchange, Fault, NoReply, Reply

_NONE: Mapping[bytes, bytes] = {}
_FINAL = 200
"""The first of the final statuses; those below it are interim."""
_SWITCHING_PROTOCOLS = 101
# Chunk headers and trailers count too, so that an endless row of them is cut short.
_LARGEST_REPLY = LARGEST_HEAD + 2 * LARGEST_BODY


class ReplyReader:
    """What has come of a reply so far; interim responses before it are passed over."""

    complete: bool
    broken: bool
    """It is not HTTP, or longer than anything that is read."""
    reusable: bool
    """The connection may carry another exchange."""
    _status: int | None
    _lines: list[tuple[bytes, bytes]]
    _headers: Mapping[bytes, bytes]
    _body: list[bytes]
    _body_octets: int
    _octets: int
    _parser: httptools.HttpResponseParser

    __slots__ = tuple(__annotations__)

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self.begin()

    def begin(self) -> None:
        """Forget the last reply, after which the connection was found to be reusable."""
        self.complete = self.broken = self.reusable = False
        self._status = None
        self._lines = []
        self._headers = _NONE
        self._body = []
        self._body_octets = self._octets = 0

    def feed(self, data: bytes) -> None:
        self._octets += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.reusable = False
            self.broken = not self.complete
        else:
            self.broken = not self.complete and self._is_too_large()

    def end_of_connection(self) -> None:
        """The upstream closed the connection, which ends a body of no other end (section 6.3)."""
        if self._status is not None and not (
            b"content-length" in self._headers or b"transfer-encoding" in self._headers
        ):
            self.complete = True

    def facts(self, fault: Fault) -> Exchange:
        """What is known if nothing more comes; `fault` says why, unless a status has come."""
        if self._status is None:
            return NoReply(fault, possibly_sent=True)
        headers, body, whole = self._headers, b"".join(self._body), self.complete
        if self._body_octets > LARGEST_BODY:
            body, whole = body[:LARGEST_BODY], False
        if b"content-encoding" in headers:
            body = decoded(body, headers[b"content-encoding"].decode("latin-1"))
        return Reply(
            self._status,
            body,
            whole,
            _text(headers, b"content-type"),
            _text(headers, b"retry-after"),
            _text(headers, b"date"),
        )

    # What the parser calls; after the reply's end, for bytes that no request has asked for.

    def on_message_begin(self) -> None:
        if self.complete:
            self.reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self._lines.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if self._status is not None:
            return
        if status < _FINAL and status != _SWITCHING_PROTOCOLS:
            self._lines.clear()
            return
        # Now, because trailers come the same way and are of no interest.
        self._status, self._headers = status, _joined(self._lines)

    def on_body(self, body: bytes) -> None:
        if not self.complete:
            self._body.append(body)
            self._body_octets += len(body)

    def on_message_complete(self) -> None:
        if self._status is not None and not self.complete:
            self.complete = True
            self.reusable = (
                self._parser.should_keep_alive() and self._status != _SWITCHING_PROTOCOLS
            )

    def _is_too_large(self) -> bool:
        if self._status is None:
            return self._octets > LARGEST_HEAD
        return self._body_octets > LARGEST_BODY or self._octets > _LARGEST_REPLY


def _joined(lines: Sequence[tuple[bytes, bytes]]) -> Mapping[bytes, bytes]:
    """Values by the names in small letters; those of one name joined by commas."""
    headers: dict[bytes, bytes] = {}
    for name, value in lines:
        headers[name.lower()] = value
    if len(headers) != len(lines):
        headers = {}
        for written, value in lines:
            small = written.lower()
            headers[small] = headers[small] + b", " + value if small in headers else value
    return headers


def _text(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    return headers[name].decode("latin-1") if name in headers else None
