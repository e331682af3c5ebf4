"""Reads the reply to one request from the bytes of an HTTP/1.1 connection (RFC 9112).

Both clients use it, so that the same bytes give the same facts. It is strict: what can be read in
two ways, such as Content-Length together with chunks, is not a reply, and proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import httptools

from gateway.upstream.bounds import LARGEST_BODY, LARGEST_HEAD, decoded
from gateway.upstream.wire import Exchange, Fault, NoReply, Reply

_BEGINNING: Final = b"HTTP/1."
_BEGINNING_OCTETS: Final = len(_BEGINNING)
_NO_REASON: Final = re.compile(rb"[\x00\x0b\x0c]")
_FINAL: Final = 200
"""The lowest final status; those below it are interim."""
_SWITCHING_PROTOCOLS: Final = 101
_COLON_BLANK_AND_END: Final = 4
# Heads and chunked bodies end with two line ends; a third one is surplus.
_SURPLUS_LINE: Final = b"\r\n\r\n\r\n"
# The chunks' framing counts too, so that an endless series of small chunks is cut off.
_LARGEST_REPLY: Final = LARGEST_HEAD + 2 * LARGEST_BODY


class ReplyReader:
    """The part of a reply that has arrived so far; interim responses before it are skipped."""

    complete: bool
    broken: bool
    """Whether it is not HTTP, or exceeds a limit."""
    reusable: bool
    """Whether the connection may carry another exchange."""
    _refused: bool
    _status: int | None
    _headers: dict[bytes, bytes]
    """Values by lowercased name; repeated headers are joined by commas."""
    _line_octets: int
    """The octets of reason phrases, headers and trailers."""
    _body: list[bytes]
    _body_octets: int
    _octets: int
    _tail: bytes
    _parser: httptools.HttpResponseParser

    __slots__ = tuple(__annotations__)

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self.begin()

    def begin(self) -> None:
        """Forget the last reply; only for a reusable connection."""
        self.complete = self.broken = self.reusable = self._refused = False
        self._status = None
        self._headers = {}
        self._body = []
        self._tail = b""
        self._body_octets = self._octets = self._line_octets = 0

    def feed(self, data: bytes) -> None:
        is_over, octets = self.complete, self._octets
        if is_over:
            self.reusable = False
            return
        # The parser would accept an empty line before it, and other protocols and versions.
        if octets < _BEGINNING_OCTETS and not _agree(data, _BEGINNING[octets:]):
            self.broken = True
            return
        self._octets = octets + len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.reusable = False
            self.broken = not self.complete
            return
        if self.complete:
            self.reusable = self.reusable and self._ends_with(data)
        else:
            self.broken = self._refused or self._is_too_large()
            self._tail = data[-len(_SURPLUS_LINE) :]

    def end_of_connection(self) -> None:
        """The server closed the connection, which may be the end of the body (section 6.3)."""
        if self._status is not None and not (
            b"content-length" in self._headers or b"transfer-encoding" in self._headers
        ):
            self.complete = True

    def facts(self, fault: Fault) -> Exchange:
        """The exchange if nothing more arrives; `fault` is its cause if no status has arrived."""
        if self._status is None:
            return NoReply(fault, possibly_sent=True)
        headers, body, whole = self._headers, b"".join(self._body), self.complete
        if self._body_octets > LARGEST_BODY:
            body, whole = body[:LARGEST_BODY], False
        if b"content-encoding" in headers:
            body, ended = decoded(body, headers[b"content-encoding"])
            whole = whole and ended
        return Reply(
            self._status,
            body,
            whole,
            _text(headers, b"content-type"),
            _text(headers, b"retry-after"),
            _text(headers, b"date"),
        )

    # Called by the parser; after the reply's end too, if more bytes follow it.

    def on_message_begin(self) -> None:
        if self.complete:
            self.reusable = False

    def on_status(self, reason: bytes) -> None:
        if reason != b"OK":
            self._line_octets += len(reason)
            self._refused = self._refused or _NO_REASON.search(reason) is not None

    def on_header(self, name: bytes, value: bytes) -> None:
        self._line_octets += len(name) + len(value) + _COLON_BLANK_AND_END
        # What follows the head, or goes beyond the limit, is not kept.
        if self._status is None and self._line_octets <= LARGEST_HEAD:
            small, headers = name.lower(), self._headers
            headers[small] = headers[small] + b", " + value if small in headers else value

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if self._status is not None or self._refused:
            return
        if status < _FINAL and status != _SWITCHING_PROTOCOLS:
            self._headers.clear()
            return
        coding = self._headers.get(b"transfer-encoding")
        if (
            status == _SWITCHING_PROTOCOLS
            # No other protocol was requested, and a body in one could not be read.
            or (coding is not None and coding.strip().lower() != b"chunked")
            or self._line_octets > LARGEST_HEAD
        ):
            self._refused = True
        else:
            self._status = status

    def on_body(self, body: bytes) -> None:
        if not self.complete:
            self._body.append(body)
            self._body_octets += len(body)

    def on_message_complete(self) -> None:
        if self._status is not None and not self.complete:
            self.complete = True
            self.reusable = self._parser.should_keep_alive()

    def _ends_with(self, data: bytes) -> bool:
        """Whether the reply ends where the data does: the parser skips empty lines after it.

        h11, which reads the same bytes in the other client, rejects them.
        """
        if self._body and b"content-length" in self._headers:
            return data.endswith(self._body[-1])
        return not (self._tail + data).endswith(_SURPLUS_LINE)

    def _is_too_large(self) -> bool:
        if self._status is None and self._octets > LARGEST_HEAD:
            return True
        return (
            self._line_octets > LARGEST_HEAD
            or self._body_octets > LARGEST_BODY
            or self._octets > _LARGEST_REPLY
        )


def _agree(data: bytes, expected: bytes) -> bool:
    """Whether the two are the same, as far as the shorter one goes."""
    return data.startswith(expected) or expected.startswith(data)


def _text(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    value = headers.get(name)
    return None if value is None else value.decode("latin-1").strip(" \t")
