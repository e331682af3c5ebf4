"""Reads the answer to one request from the bytes of an HTTP/1.1 connection (RFC 9112)."""

from __future__ import annotations

import httptools

from gateway.upstream.bounds import LARGEST_BODY, LARGEST_HEAD, decoded
from gateway.upstream.wire import Exchange, Fault, NoReply, Reply

_WANTED = frozenset(
    (
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"date",
        b"retry-after",
        b"transfer-encoding",
    )
)
_INFORMATIONAL = range(100, 200)
_SWITCHING_PROTOCOLS = 101
# Chunk headers and trailers count too, so that an endless row of them is cut short.
_LARGEST_ANSWER = LARGEST_HEAD + 2 * LARGEST_BODY


class AnswerReader:
    """What has come of an answer so far; informational answers before it are passed over."""

    complete: bool
    broken: bool
    """It is not HTTP, or longer than anything that is read."""
    reusable: bool
    """The connection may carry another exchange."""
    _status: int | None
    _headers: dict[bytes, str]
    _body: bytearray
    _octets: int
    _parser: httptools.HttpResponseParser

    __slots__ = tuple(__annotations__)

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Forget the last answer."""
        self.complete = self.broken = self.reusable = False
        self._status = None
        self._headers = {}
        self._body = bytearray()
        self._octets = 0
        self._parser = httptools.HttpResponseParser(self)

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
        headers, body = self._headers, bytes(self._body[:LARGEST_BODY])
        return Reply(
            self._status,
            decoded(body, headers.get(b"content-encoding")),
            self.complete and len(self._body) <= LARGEST_BODY,
            headers.get(b"content-type"),
            headers.get(b"retry-after"),
            headers.get(b"date"),
        )

    # What the parser calls; after the answer's end, for bytes that nobody asked for.

    def on_message_begin(self) -> None:
        if self.complete:
            self.reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        # Trailers come after the status is known, and are of no interest.
        if self._status is None and (name := name.lower()) in _WANTED:
            text = value.decode("latin-1")
            known = self._headers.get(name)
            self._headers[name] = text if known is None else f"{known}, {text}"

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if self._status is not None:
            return
        if status in _INFORMATIONAL and status != _SWITCHING_PROTOCOLS:
            self._headers.clear()
        else:
            self._status = status

    def on_body(self, body: bytes) -> None:
        if not self.complete:
            self._body += body

    def on_message_complete(self) -> None:
        if self._status is not None and not self.complete:
            self.complete = True
            self.reusable = (
                self._parser.should_keep_alive() and self._status != _SWITCHING_PROTOCOLS
            )

    def _is_too_large(self) -> bool:
        if self._status is None:
            return self._octets > LARGEST_HEAD
        return len(self._body) > LARGEST_BODY or self._octets > _LARGEST_ANSWER
