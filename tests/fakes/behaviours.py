"""What a server on a raw socket may answer to a whole request: bytes, and how it ends.

Well-formed, odd, broken and hostile, as seen from servers, proxies and audits of HTTP clients.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

BODY = b'{"application_id": 91, "email": "ada@example.com", "name": "Ada", "track_id": 6578}'
LENGTH = b"content-length: %d\r\n" % len(BODY)
MEGABYTE = 1024 * 1024


class End(Enum):
    """What the server does after its bytes."""

    CLOSES = "closes"
    RESETS = "resets"
    KEEPS = "keeps"
    """It reads the next request, and answers it well."""


@dataclass(frozen=True)
class Behaviour:
    """The bytes sent as the reply to the first request, and what follows."""

    reply: bytes
    end: End = End.CLOSES


def _whole(line: bytes = b"HTTP/1.1 200 OK", headers: bytes = LENGTH, body: bytes = BODY) -> bytes:
    return line + b"\r\n" + headers + b"\r\n" + body


def _with(*headers: bytes, body: bytes = BODY) -> bytes:
    return _whole(headers=b"".join(line + b"\r\n" for line in headers), body=body)


def _beside(*headers: bytes) -> bytes:
    """A good reply with more headers."""
    return _with(*headers, LENGTH.strip())


def _encoded(encoding: bytes, body: bytes) -> bytes:
    return _with(b"content-encoding:" + encoding, b"content-length: %d" % len(body), body=body)


def _chunked(body: bytes, *headers: bytes) -> bytes:
    return _with(*headers, b"transfer-encoding: chunked", body=body)


def _chunks(body: bytes = BODY) -> bytes:
    return b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


STATUS_LINES = {
    "http-1.0": b"HTTP/1.0 200 OK",
    "http-0.9": b"HTTP/0.9 200 OK",
    "http-1.2": b"HTTP/1.2 200 OK",
    "http-1.9": b"HTTP/1.9 200 OK",
    "http-2.0": b"HTTP/2.0 200 OK",
    "http-3.7": b"HTTP/3.7 200 OK",
    "http-9.9": b"HTTP/9.9 200 OK",
    "http-1": b"HTTP/1 200 OK",
    "http-11.1": b"HTTP/11.1 200 OK",
    "http-1.10": b"HTTP/1.10 200 OK",
    "lower-case": b"http/1.1 200 OK",
    "mixed-case": b"Http/1.1 200 OK",
    "no-reason": b"HTTP/1.1 200",
    "empty-reason": b"HTTP/1.1 200 ",
    "two-blanks": b"HTTP/1.1  200 OK",
    "two-blanks-behind": b"HTTP/1.1 200  OK",
    "tab": b"HTTP/1.1\t200\tOK",
    "tab-in-reason": b"HTTP/1.1 200 O\tK",
    "latin-reason": b"HTTP/1.1 200 G\xfctig",
    "utf-8-reason": "HTTP/1.1 200 Gültig".encode(),
    "nul-in-reason": b"HTTP/1.1 200 O\x00K",
    "cr-in-reason": b"HTTP/1.1 200 O\rK",
    "control-in-reason": b"HTTP/1.1 200 O\x01K",
    "long-reason": b"HTTP/1.1 200 " + b"x" * 5000,
    "endless-reason": b"HTTP/1.1 200 " + b"x" * 90_000,
    "two-digits": b"HTTP/1.1 20 OK",
    "four-digits": b"HTTP/1.1 2000 OK",
    "no-number": b"HTTP/1.1 2x0 OK",
    "status-000": b"HTTP/1.1 000 OK",
    "status-099": b"HTTP/1.1 099 OK",
    "no-status": b"HTTP/1.1 OK",
    "icy": b"ICY 200 OK",
    "rtsp": b"RTSP/1.0 200 OK",
    "no-version": b"HTTP 200 OK",
    "blank-first": b" HTTP/1.1 200 OK",
    "crlf-first": b"\r\nHTTP/1.1 200 OK",
    "two-crlf-first": b"\r\n\r\nHTTP/1.1 200 OK",
    "lf-first": b"\nHTTP/1.1 200 OK",
    "byte-order-mark": b"\xef\xbb\xbfHTTP/1.1 200 OK",
}
STATUSES = (
    *(200, 201, 202, 203, 206, 207, 226, 299),
    *(300, 301, 302, 303, 307, 308, 310),
    *(400, 401, 402, 403, 404, 405, 407, 408, 409, 410, 411, 412, 413, 415, 418, 421, 422, 425),
    *(426, 428, 429, 431, 451, 499, 500, 501, 502, 503, 504, 505, 511, 520, 522, 530, 599),
    *(600, 700, 999),
)
LENGTHS = {
    "twice": LENGTH * 2,
    "twice-differing": LENGTH + b"content-length: 5\r\n",
    "listed-twice": b"content-length: %d, %d\r\n" % (len(BODY), len(BODY)),
    "listed-differing": b"content-length: %d, 5\r\n" % len(BODY),
    "plus": b"content-length: +%d\r\n" % len(BODY),
    "minus": b"content-length: -1\r\n",
    "hexadecimal": b"content-length: 0x53\r\n",
    "blank-behind": b"content-length: %d \r\n" % len(BODY),
    "blanks-before": b"content-length:   %d\r\n" % len(BODY),
    "tab-before": b"content-length:\t%d\r\n" % len(BODY),
    "no-blank": b"content-length:%d\r\n" % len(BODY),
    "zeros-before": b"content-length: 000%d\r\n" % len(BODY),
    "empty": b"content-length: \r\n",
    "word": b"content-length: many\r\n",
    "float": b"content-length: 83.0\r\n",
    "blank-inside": b"content-length: 8 3\r\n",
    "semicolon": b"content-length: 83;\r\n",
    "2-to-63": b"content-length: 9223372036854775808\r\n",
    "2-to-64": b"content-length: 18446744073709551616\r\n",
    "30-digits": b"content-length: 1%030d\r\n" % 0,
    "underscore": b"content-length: 8_3\r\n",
    "other-digits": "content-length: ８３\r\n".encode(),
}
CODINGS = {
    "chunked": b"chunked",
    "upper-case": b"CHUNKED",
    "blank-behind": b"chunked ",
    "tab-before": b"\tchunked",
    "twice-listed": b"chunked, chunked",
    "gzip-chunked": b"gzip, chunked",
    "chunked-gzip": b"chunked, gzip",
    "identity": b"identity",
    "identity-chunked": b"identity, chunked",
    "x": b"x",
    "gzip": b"gzip",
    "empty": b"",
    "parameter": b"chunked;q=1",
    "comma-behind": b"chunked,",
    "comma-before": b", chunked",
    "quoted": b'"chunked"',
    "xchunked": b"xchunked",
    "chunkedx": b"chunkedx",
    "control": b"chunked\x0b",
}
HEADERS = {
    "folded": b"x-a: b\r\n c\r\n",
    "folded-by-tab": b"x-a: b\r\n\tc\r\n",
    "folded-empty": b"x-a:\r\n b\r\n",
    "folded-first": b" x-a: b\r\n",
    "folded-content-type": b"content-type: text/html;\r\n charset=utf-8\r\n",
    "folded-retry-after": b"retry-after:\r\n 7\r\n",
    "bare-lf": b"x-a: b\n",
    "bare-cr": b"x-a: b\rx-c: d\r\n",
    "cr-cr-lf": b"x-a: b\r\r\n",
    "blank-before-colon": b"x-a : b\r\n",
    "tab-before-colon": b"x-a\t: b\r\n",
    "blank-in-name": b"x a: b\r\n",
    "no-name": b": b\r\n",
    "no-colon": b"x-a\r\n",
    "two-colons": b"x-a:: b\r\n",
    "no-value": b"x-a:\r\n",
    "blank-value": b"x-a:   \r\n",
    "nul-in-value": b"x-a: b\x00c\r\n",
    "control-in-value": b"x-a: b\x01c\r\n",
    "delete-in-value": b"x-a: b\x7fc\r\n",
    "tab-in-value": b"x-a: b\tc\r\n",
    "form-feed-in-value": b"x-a: b\x0cc\r\n",
    "latin-value": b"x-a: \xfc\r\n",
    "nul-in-name": b"x\x00a: b\r\n",
    "latin-name": b"x\xfc: b\r\n",
    "quote-in-name": b'x"a: b\r\n',
    "paren-in-name": b"x(a): b\r\n",
    "underscore-in-name": b"x_a: b\r\n",
    "upper-case-name": b"CONTENT-TYPE: text/plain\r\n",
    "long-value": b"x-a: " + b"b" * 10_000 + b"\r\n",
    "hundred": b"x-a: b\r\n" * 100,
    "many": b"x-a: b\r\n" * 3000,
    "more-than-64-kib": b"x-a: " + b"b" * 1000 + b"\r\n" + b"x-b: " + b"c" * 70_000 + b"\r\n",
    "content-type-twice": b"content-type: text/plain\r\ncontent-type: text/html\r\n",
    "retry-after-twice": b"retry-after: 7\r\nretry-after: 8\r\n",
    "date-twice": b"date: Mon, 23 Nov 2026 12:00:00 GMT\r\n" * 2,
    "blanks-around-value": b"retry-after: \t 7 \t \r\n",
    "latin-content-type": b"content-type: text/\xfc\r\n",
    "connection-close": b"connection: close\r\n",
    "connection-keep-alive": b"connection: keep-alive\r\n",
    "connection-listed": b"connection: x, close\r\n",
    "connection-upgrade": b"connection: upgrade\r\nupgrade: h2c\r\n",
    "upgrade-alone": b"upgrade: h2c\r\n",
    "proxy-connection": b"proxy-connection: close\r\n",
    "set-cookie": b"set-cookie: a=b\r\nset-cookie: c=d\r\n",
    "trailer": b"trailer: x-a\r\n",
}
CHUNKS = {
    "one": _chunks(),
    "two": b"5\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (BODY[:5], len(BODY) - 5, BODY[5:]),
    "upper-case-size": b"%X\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY),
    "zeros-before-size": b"000%x\r\n%b\r\n000\r\n\r\n" % (len(BODY), BODY),
    "extension": b"%x;a=b\r\n%b\r\n0;c\r\n\r\n" % (len(BODY), BODY),
    "quoted-extension": b'%x;a="b;c"\r\n%b\r\n0\r\n\r\n' % (len(BODY), BODY),
    "blank-before-extension": b"%x ;a=b\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY),
    "blank-behind-size": b"%x  \r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY),
    "blank-before-size": b" %x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY),
    "lf-in-extension": b"%x;a\nb\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY),
    "nul-in-extension": b"%x;a\x00b\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY),
    "long-extension": b"%x;%b\r\n%b\r\n0\r\n\r\n" % (len(BODY), b"a" * 5000, BODY),
    "bare-lf-behind-size": b"%x\n%b\r\n0\r\n\r\n" % (len(BODY), BODY),
    "bare-lf-behind-data": b"%x\r\n%b\n0\r\n\r\n" % (len(BODY), BODY),
    "bare-lf-at-the-end": b"%x\r\n%b\r\n0\n\n" % (len(BODY), BODY),
    "nothing-behind-data": b"%x\r\n%b0\r\n\r\n" % (len(BODY), BODY),
    "more-behind-data": b"%x\r\n%bxx\r\n0\r\n\r\n" % (len(BODY), BODY),
    "0x": b"0x%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY),
    "minus": b"-%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY),
    "plus": b"+%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY),
    "no-size": b"\r\n%b\r\n0\r\n\r\n" % BODY,
    "no-number": b"zz\r\n%b\r\n0\r\n\r\n" % BODY,
    "17-digits": b"1%016x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY),
    "21-digits": b"%021x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY),
    "no-end": b"%x\r\n%b\r\n" % (len(BODY), BODY),
    "half-an-end": b"%x\r\n%b\r\n0\r\n" % (len(BODY), BODY),
    "cut-in-data": b"%x\r\n%b" % (len(BODY), BODY[:9]),
    "cut-in-size": b"5\r\n%b\r\n1" % BODY[:5],
    "nothing": b"",
    "empty": b"0\r\n\r\n",
    "trailers": b"%x\r\n%b\r\n0\r\nx-a: b\r\n\r\n" % (len(BODY), BODY),
    "trailer-length": b"%x\r\n%b\r\n0\r\ncontent-length: 1\r\n\r\n" % (len(BODY), BODY),
    "trailer-type": b"%x\r\n%b\r\n0\r\ncontent-type: a/b\r\n\r\n" % (len(BODY), BODY),
    "broken-trailer": b"%x\r\n%b\r\n0\r\nx a\r\n\r\n" % (len(BODY), BODY),
    "folded-trailer": b"%x\r\n%b\r\n0\r\nx-a: b\r\n c\r\n\r\n" % (len(BODY), BODY),
    "long-trailers": b"%x\r\n%b\r\n0\r\n%b\r\n" % (len(BODY), BODY, b"x-a: b\r\n" * 20_000),
}
PACKED = gzip.compress(BODY)
ENCODINGS = {
    "gzip": (b" gzip", PACKED),
    "blank-behind": (b" gzip ", PACKED),
    "no-blank": (b"gzip", PACKED),
    "upper-case": (b" GZIP", PACKED),
    "x-gzip": (b" x-gzip", PACKED),
    "gzip-twice": (b" gzip, gzip", gzip.compress(PACKED)),
    "gzip-identity": (b" gzip, identity", PACKED),
    "identity": (b" identity", BODY),
    "empty": (b"", BODY),
    "deflate": (b" deflate", zlib.compress(BODY)),
    "raw-deflate": (b" deflate", zlib.compress(BODY, wbits=-15)),
    "br": (b" br", BODY),
    "zstd": (b" zstd", BODY),
    "unknown": (b" rot13", BODY),
    "plain": (b" gzip", BODY),
    "truncated": (b" gzip", PACKED[:-12]),
    "no-checksum": (b" gzip", PACKED[:-8] + b"\0" * 8),
    "two-members": (b" gzip", gzip.compress(BODY[:9]) + gzip.compress(BODY[9:])),
    "more-behind": (b" gzip", PACKED + b"more"),
    "bomb": (b" gzip", gzip.compress(b" " * 3 * MEGABYTE)),
    "two-headers": (b" gzip\r\ncontent-encoding: gzip", gzip.compress(PACKED)),
}
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"
OTHERS = {
    "continue": Behaviour(INTERIM + _whole(), End.KEEPS),
    "continue-twice": Behaviour(INTERIM * 2 + _whole(), End.KEEPS),
    "continue-twenty-times": Behaviour(INTERIM * 20 + _whole(), End.KEEPS),
    "early-hints": Behaviour(b"HTTP/1.1 103 Hints\r\nlink: </a>\r\n\r\n" + _whole(), End.KEEPS),
    "processing": Behaviour(b"HTTP/1.1 102 Processing\r\n\r\n" + _whole(), End.KEEPS),
    "interim-199": Behaviour(b"HTTP/1.1 199 X\r\n\r\n" + _whole(), End.KEEPS),
    "interim-with-length": Behaviour(
        b"HTTP/1.1 100 Continue\r\ncontent-length: 0\r\n\r\n" + _whole()
    ),
    "interim-with-body": Behaviour(
        b"HTTP/1.1 100 Continue\r\ncontent-length: 2\r\n\r\n{}" + _whole()
    ),
    "interim-alone": Behaviour(INTERIM),
    "interim-chunked": Behaviour(
        b"HTTP/1.1 103 X\r\ntransfer-encoding: chunked\r\n\r\n" + _whole()
    ),
    "interim-close": Behaviour(b"HTTP/1.1 103 X\r\nconnection: close\r\n\r\n" + _whole()),
    "switching": Behaviour(b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"),
    "switching-without-upgrade": Behaviour(b"HTTP/1.1 101 Switching\r\n\r\n"),
    "switching-then-reply": Behaviour(
        b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n" + _whole()
    ),
    "204": Behaviour(b"HTTP/1.1 204 No Content\r\n\r\n", End.KEEPS),
    "204-with-length": Behaviour(_whole(b"HTTP/1.1 204 No Content", b"content-length: 0\r\n", b"")),
    "204-with-body": Behaviour(_whole(b"HTTP/1.1 204 No Content"), End.KEEPS),
    "204-chunked": Behaviour(
        _whole(b"HTTP/1.1 204 X", b"transfer-encoding: chunked\r\n", _chunks())
    ),
    "205-with-body": Behaviour(_whole(b"HTTP/1.1 205 Reset"), End.KEEPS),
    "304": Behaviour(b"HTTP/1.1 304 Not Modified\r\n\r\n", End.KEEPS),
    "304-with-length": Behaviour(_whole(b"HTTP/1.1 304 Not Modified", body=b""), End.KEEPS),
    "304-with-body": Behaviour(_whole(b"HTTP/1.1 304 Not Modified"), End.KEEPS),
    "until-close": Behaviour(_whole(headers=b"")),
    "until-reset": Behaviour(_whole(headers=b""), End.RESETS),
    "until-close-1.0": Behaviour(_whole(b"HTTP/1.0 200 OK", b"")),
    "until-close-empty": Behaviour(b"HTTP/1.1 200 OK\r\n\r\n"),
    "until-close-megabyte": Behaviour(_whole(headers=b"", body=b" " * MEGABYTE)),
    "until-close-more": Behaviour(_whole(headers=b"", body=b" " * (MEGABYTE + 1))),
    "kept": Behaviour(_whole(), End.KEEPS),
    "kept-1.0": Behaviour(_whole(b"HTTP/1.0 200 OK"), End.KEEPS),
    "kept-1.0-by-header": Behaviour(
        _whole(b"HTTP/1.0 200 OK", LENGTH + b"connection: keep-alive\r\n"), End.KEEPS
    ),
    "kept-chunked": Behaviour(_chunked(_chunks()), End.KEEPS),
    "kept-empty": Behaviour(_with(b"content-length: 0", body=b""), End.KEEPS),
    "close-but-kept": Behaviour(_beside(b"connection: close"), End.KEEPS),
    "short-body": Behaviour(_whole(body=BODY[:-9])),
    "short-body-reset": Behaviour(_whole(body=BODY[:-9]), End.RESETS),
    "no-body": Behaviour(_whole(body=b"")),
    "more-behind-body": Behaviour(_whole(body=BODY + b"more"), End.KEEPS),
    "crlf-behind-body": Behaviour(_whole(body=BODY + b"\r\n"), End.KEEPS),
    "second-reply": Behaviour(_whole() * 2, End.KEEPS),
    "half-a-second-reply": Behaviour(_whole() + b"HTTP/1.1 2", End.KEEPS),
    "bytes-behind-chunks": Behaviour(_chunked(_chunks() + b"x"), End.KEEPS),
    "megabyte": Behaviour(_with(b"content-length: %d" % MEGABYTE, body=b" " * MEGABYTE)),
    "more-than-a-megabyte": Behaviour(
        _with(b"content-length: %d" % (MEGABYTE + 1), body=b" " * (MEGABYTE + 1))
    ),
    "chunked-megabyte": Behaviour(_chunked(_chunks(b" " * MEGABYTE))),
    "more-than-a-chunked-megabyte": Behaviour(_chunked(_chunks(b" " * (MEGABYTE + 1)))),
    "length-and-chunked": Behaviour(_chunked(_chunks(), b"content-length: %d" % len(BODY))),
    "chunked-and-length": Behaviour(
        _with(b"transfer-encoding: chunked", b"content-length: 3", body=_chunks()), End.KEEPS
    ),
    "chunked-in-1.0": Behaviour(
        _whole(b"HTTP/1.0 200 OK", b"transfer-encoding: chunked\r\n", _chunks())
    ),
    "chunked-by-two-headers": Behaviour(
        _with(b"transfer-encoding: gzip", b"transfer-encoding: chunked", body=_chunks())
    ),
    "chunked-twice": Behaviour(
        _with(b"transfer-encoding: chunked", b"transfer-encoding: chunked", body=_chunks())
    ),
    "lf-everywhere": Behaviour(_whole().replace(b"\r\n", b"\n")),
    "lf-behind-status-line": Behaviour(_whole().replace(b"\r\n", b"\n", 1)),
    "lf-behind-headers": Behaviour(_whole().replace(b"\r\n\r\n", b"\r\n\n")),
    "cr-everywhere": Behaviour(_whole().replace(b"\r\n", b"\r")),
    "nothing": Behaviour(b""),
    "nothing-reset": Behaviour(b"", End.RESETS),
    "crlf-alone": Behaviour(b"\r\n"),
    "h": Behaviour(b"H"),
    "half-a-status-line": Behaviour(b"HTTP/1.1 20"),
    "status-line-alone": Behaviour(b"HTTP/1.1 200 OK\r\n"),
    "status-line-alone-reset": Behaviour(b"HTTP/1.1 200 OK\r\n", End.RESETS),
    "half-a-head": Behaviour(b"HTTP/1.1 200 OK\r\ncontent-le"),
    "head-without-end": Behaviour(b"HTTP/1.1 200 OK\r\n" + LENGTH),
    "garbage": Behaviour(b"220 mail.example ESMTP\r\n" * 9),
    "zero-bytes": Behaviour(b"\0" * 99),
    "tls-alert": Behaviour(b"\x15\x03\x01\x00\x02\x02\x46"),
    "page": Behaviour(b"<html><body>It works!</body></html>"),
    "json": Behaviour(BODY),
    "http-2-settings": Behaviour(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + b"\0" * 18),
    "request": Behaviour(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"),
}


def _all() -> Iterator[tuple[str, Behaviour]]:
    for name, line in STATUS_LINES.items():
        yield f"line-{name}", Behaviour(_whole(line))
    for status in STATUSES:
        yield f"status-{status}", Behaviour(_whole(b"HTTP/1.1 %d Status" % status), End.KEEPS)
    for name, headers in LENGTHS.items():
        yield f"length-{name}", Behaviour(_whole(headers=headers))
    for name, coding in CODINGS.items():
        header = b"transfer-encoding: " + coding
        yield f"coding-{name}", Behaviour(_with(header, body=_chunks()))
        yield f"coding-{name}-unchunked", Behaviour(_with(header))
        yield f"coding-{name}-and-length", Behaviour(_with(header, LENGTH.strip()))
    for name, headers in HEADERS.items():
        yield f"header-{name}", Behaviour(_whole(headers=headers + LENGTH), End.KEEPS)
    for name, chunks in CHUNKS.items():
        yield f"chunk-{name}", Behaviour(_chunked(chunks))
    for name, (encoding, body) in ENCODINGS.items():
        yield f"encoding-{name}", Behaviour(_encoded(encoding, body), End.KEEPS)
    yield from OTHERS.items()


BEHAVIOURS = dict(_all())
