"""Reads whole requests from a client's bytes, within limits.

The parser refuses what two readers could understand differently (request smuggling): bare line
feeds, folded headers, Content-Length together with chunks, misplaced white space.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import unquote

import httptools

from gateway.http.errors import Header
from gateway.http.requests import RequestHead, joined
from gateway.server.refusals import HEAD_TOO_LARGE, MALFORMED
from gateway.settings.limits import MAX_CHUNKS, MAX_OVERHEAD_BYTES, MAX_PIPELINED, ConnectionLimits

_VERSIONS: Final = frozenset({"1.1", "1.0"})
_PUNCTUATION: Final = len(b": \r\n")


class Phase(Enum):
    """The part of a request that the client's next byte belongs to."""

    BETWEEN = "between requests"
    HEAD = "head"
    BODY = "body"


BETWEEN, HEAD, BODY = Phase


class Target(NamedTuple):
    """A request's target; `path` is decoded, `raw_path` is not."""

    path: str
    raw_path: bytes
    query: bytes


class Refused(Exception):  # noqa: N818 - the bytes are at fault
    """Nothing more can be read; `response` is the refusal, if there is one to send."""

    def __init__(self, response: bytes | None) -> None:
        super().__init__()
        self.response = response


class _Cut(Exception):  # noqa: N818 - stops the parser
    """Stops the parser: the rest of the data is not needed."""


class Request(RequestHead):
    """A whole request; a body that is too long is cut off or left out."""

    __slots__ = ("body", "keep_alive", "lines", "target", "version")

    def __init__(
        self,
        method: str,
        target: Target,
        version: str,
        lines: list[Header],
        headers: Mapping[bytes, bytes],
        *,
        keep_alive: bool,
    ) -> None:
        self.method = method
        self.query_string = target.query
        self.client = None
        self.caller = None
        self.target = target
        self.version = version
        self.lines = lines
        self.headers = headers
        self.keep_alive = keep_alive
        self.body = b""


class RequestReader:
    """Parses the bytes fed to it, and appends whole requests to `requests`."""

    def __init__(self, limits: ConnectionLimits, requests: deque[Request]) -> None:
        self.phase = BETWEEN
        self.phases = 0
        """The number of heads and bodies that have begun."""
        self.expects_continue = False
        self._requests = requests
        self._max_header_bytes = limits.max_header_bytes
        self._max_body_bytes = limits.max_body_bytes
        self._parser = httptools.HttpRequestParser(self)
        self._url = b""
        self._lines: list[Header] = []
        self._request: Request | None = None
        self._parts: list[bytes] = []
        self._body_bytes = 0
        self._chunks = 0
        self._trailer_bytes = 0
        self._refusal: bytes | None = None
        self._bytes_at_hand = 0
        # An upper bound: while it is within the limit, the head need not be measured.
        self._head_bytes_at_most = 0
        # Bytes received that belong to neither a complete head nor a body.
        self._overhead_bytes = 0

    def feed(self, data: bytes) -> None:
        """Read more bytes. Raises Refused, after which nothing more may be fed."""
        size = self._bytes_at_hand = len(data)
        self._overhead_bytes += size
        if self.phase is HEAD:
            self._head_bytes_at_most += size
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._read_without_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            if isinstance(error.__context__, _Cut):
                raise Refused(self._refusal) from None
            raise Refused(HEAD_TOO_LARGE if self._is_head_too_large() else MALFORMED) from None
        if self._overhead_bytes > self._max_header_bytes or self.phase is HEAD:
            self._check_overhead()

    def _read_without_upgrade(self, rest: bytes) -> None:
        """Read a request with an Upgrade header as if it had none.

        The parser assumes that such a request has no body, so it is fed it without the header.
        """
        head = [b"%s %s HTTP/%s\r\n" % (self._parser.get_method(), self._url, self._version())]
        head += [b"%s: %s\r\n" % line for line in self._lines if line[0] != b"upgrade"]
        self._parser = httptools.HttpRequestParser(self)
        self.feed(b"".join((*head, b"\r\n", rest)))

    def _version(self) -> bytes:
        return self._parser.get_http_version().encode()

    def _is_head_too_large(self) -> bool:
        """Whether an incomplete head is too long already."""
        return self.phase is HEAD and (
            self._overhead_bytes > self._max_header_bytes or self._measures_too_large()
        )

    def _measures_too_large(self) -> bool:
        most = self._max_header_bytes
        return self._head_bytes_at_most > most and _octets_of_head(self._url, self._lines) > most

    def _check_overhead(self) -> None:
        if self._is_head_too_large():
            raise Refused(HEAD_TOO_LARGE)
        if self._overhead_bytes > MAX_OVERHEAD_BYTES:
            raise Refused(MALFORMED)

    # Called by the parser

    def on_message_begin(self) -> None:
        if len(self._requests) > MAX_PIPELINED:
            raise _Cut
        self._url = b""
        self._lines = []
        self.phase = HEAD
        self.phases += 1
        self._head_bytes_at_most = self._bytes_at_hand

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.phase is HEAD:
            self._lines.append((name.lower(), value))
            return
        self._trailer_bytes += len(name) + len(value)
        if self._trailer_bytes > self._max_header_bytes:
            self._refuse(HEAD_TOO_LARGE)

    def on_headers_complete(self) -> None:
        parser = self._parser
        version, method = parser.get_http_version(), parser.get_method()
        if self._measures_too_large():
            self._refuse(HEAD_TOO_LARGE)
        headers = joined(self._lines)
        if (
            version not in _VERSIONS
            or method == b"CONNECT"
            or not _names_one_host(self._lines, headers, version)
            or (version == "1.0" and b"transfer-encoding" in headers)
        ):
            self._refuse(MALFORMED)
        if parser.should_upgrade():
            return
        self.phase = BODY
        self.phases += 1
        self._overhead_bytes = 0
        self._request = Request(
            method.decode(),
            _target_of(self._url),
            version,
            self._lines,
            headers,
            keep_alive=version == "1.1" and parser.should_keep_alive(),
        )
        if b"content-length" in headers and int(headers[b"content-length"]) > self._max_body_bytes:
            self._hand_over_cut(self._request)
        self.expects_continue = (
            b"expect" in headers
            and version == "1.1"
            and headers[b"expect"].lower() == b"100-continue"
        )

    def on_chunk_header(self) -> None:
        self._chunks += 1
        if self._chunks > MAX_CHUNKS:
            self._refuse(MALFORMED)

    def on_body(self, part: bytes) -> None:
        self._overhead_bytes = max(0, self._overhead_bytes - len(part))
        self._parts.append(part)
        self._body_bytes += len(part)
        if self._body_bytes > self._max_body_bytes and self._request is not None:
            self._hand_over_cut(self._request)

    def on_message_complete(self) -> None:
        if self._request is None:
            # A request with an Upgrade header: it is parsed again without it.
            return
        self._hand_over(self._request)
        self.phase = BETWEEN
        self.expects_continue = False
        self._overhead_bytes = self._chunks = self._trailer_bytes = 0

    def _hand_over_cut(self, request: Request) -> None:
        """Pass on a request whose body is too long; its handler refuses it."""
        request.keep_alive = False
        self._hand_over(request)
        raise _Cut

    def _hand_over(self, request: Request) -> None:
        request.body = b"".join(self._parts)
        self._requests.append(request)
        # An idle connection keeps no personal data.
        self._request = None
        self._parts.clear()
        self._body_bytes = 0

    def _refuse(self, response: bytes) -> None:
        self._refusal = response
        raise _Cut


def _octets_of_head(url: bytes, lines: Sequence[Header]) -> int:
    return len(url) + sum(len(name) + len(value) + _PUNCTUATION for name, value in lines)


def _names_one_host(lines: Sequence[Header], headers: Mapping[bytes, bytes], version: str) -> bool:
    """Whether there is one Host, or none in HTTP/1.0 (RFC 9112, section 3.2)."""
    if b"host" not in headers:
        return version == "1.0"
    return len(headers) == len(lines) or sum(name == b"host" for name, _ in lines) == 1


@lru_cache(maxsize=64)
def _target_of(url: bytes) -> Target:
    parts = httptools.parse_url(url)
    path = parts.path.decode("ascii")
    return Target(unquote(path) if "%" in path else path, parts.path, parts.query or b"")
