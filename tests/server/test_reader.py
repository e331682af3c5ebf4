"""Which bytes make which requests: whoever stands in front must not see others in them."""

from __future__ import annotations

from collections import deque

import pytest

from gateway.server.reader import BETWEEN, Refused, Request, RequestReader
from gateway.server.refusals import HEAD_TOO_LARGE, MALFORMED
from gateway.settings.limits import MAX_PIPELINED, ConnectionLimits
from tests.fakes.connections import GET, chunked, post

LIMITS = ConnectionLimits(max_header_bytes=1_000)
NEXT = b"GET /next HTTP/1.1\r\nhost: x\r\n\r\n"


def read(*parts: bytes) -> tuple[list[tuple[str, str, bytes]], bytes | None]:
    """The requests in the bytes, and how they are refused if they are."""
    requests: deque[Request] = deque()
    reader = RequestReader(LIMITS, requests)
    refusal = None
    try:
        for part in parts:
            reader.feed(part)
    except Refused as refused:
        refusal = refused.response
    return [(one.method, one.target.path, one.body) for one in requests], refusal


def head(*lines: str, version: str = "1.1") -> bytes:
    return "\r\n".join([f"POST /p HTTP/{version}", "host: x", *lines, "", ""]).encode()


# Two readers could take each of these for different requests. A proxy that does hides a request of
# a stranger in somebody else's connection.
SMUGGLING = {
    "length-and-chunks": head("content-length: 4", "transfer-encoding: chunked")
    + b"0\r\n\r\n"
    + NEXT,
    "chunks-and-length": head("transfer-encoding: chunked", "content-length: 4")
    + b"0\r\n\r\n"
    + NEXT,
    "two-lengths": head("content-length: 0", "content-length: 32") + NEXT,
    "equal-lengths": head("content-length: 2", "content-length: 2") + b"hi" + NEXT,
    "list-of-lengths": head("content-length: 2, 2") + b"hi" + NEXT,
    "signed-length": head("content-length: +2") + b"hi" + NEXT,
    "empty-length": head("content-length: ") + NEXT,
    "spaced-length": head("content-length: 2 0") + b"hi" + NEXT,
    "hexadecimal-length": head("content-length: 0x2") + b"hi" + NEXT,
    "space-before-colon": head("transfer-encoding : chunked") + b"0\r\n\r\n" + NEXT,
    "space-before-name": head(" transfer-encoding: chunked") + b"0\r\n\r\n" + NEXT,
    "folded": head("x: a\r\n b") + NEXT,
    "folded-coding": head("transfer-encoding:\r\n chunked") + b"0\r\n\r\n" + NEXT,
    "folded-length": head("content-length:\r\n\t2") + b"hi" + NEXT,
    "coding-twice": head("transfer-encoding: chunked, chunked") + b"0\r\n\r\n" + NEXT,
    "coding-in-two-lines": head("transfer-encoding: chunked", "transfer-encoding: identity")
    + b"0\r\n\r\n"
    + NEXT,
    "coding-unknown": head("transfer-encoding: xchunked") + b"0\r\n\r\n" + NEXT,
    "coding-identity": head("transfer-encoding: identity") + NEXT,
    "coding-with-vertical-tab": head("transfer-encoding: \x0bchunked") + b"0\r\n\r\n" + NEXT,
    "coding-in-quotes": head('transfer-encoding: "chunked"') + b"0\r\n\r\n" + NEXT,
    "coding-in-old-http": head("transfer-encoding: chunked", version="1.0") + b"0\r\n\r\n" + NEXT,
    "bare-line-feed": head("x: y").replace(b"x: y\r\n", b"x: y\n") + NEXT,
    "bare-line-feeds": head().replace(b"\r\n", b"\n") + NEXT,
    "bare-return": head("x: y\rcontent-length: 32") + NEXT,
    "return-twice": head("x: y\r") + NEXT,
    "nul": head("x: a\0b") + NEXT,
    "no-colon": head("x") + NEXT,
    "no-name": head(": x") + NEXT,
    "two-hosts": head("host: y") + NEXT,
    "no-host": head().replace(b"host: x\r\n", b"") + NEXT,
    "chunk-size-with-space": chunked(b"2 \r\nhi\r\n0\r\n\r\n") + NEXT,
    "chunk-size-with-prefix": chunked(b"0x2\r\nhi\r\n0\r\n\r\n") + NEXT,
    "chunk-size-signed": chunked(b"+2\r\nhi\r\n0\r\n\r\n") + NEXT,
    "chunk-size-too-large": chunked(b"10000000000000002\r\nhi\r\n0\r\n\r\n") + NEXT,
    "chunk-size-empty": chunked(b"\r\nhi\r\n0\r\n\r\n") + NEXT,
    "chunk-lines-end-in-line-feeds": chunked(b"2\nhi\n0\n\n") + NEXT,
    "chunk-longer-than-its-size": chunked(b"2\r\nhim\r\n0\r\n\r\n") + NEXT,
    "chunk-without-an-end": chunked(b"2\r\nhi0\r\n\r\n") + NEXT,
    "chunk-extension-with-line-feed": chunked(b"2;a\nxx\r\nhi\r\n0\r\n\r\n") + NEXT,
    "trailer-with-length": chunked(b"0\r\ncontent-length: 40\r\n\r\n") + NEXT,
    "trailer-folded": chunked(b"0\r\nx: a\r\n b\r\n\r\n") + NEXT,
    "trailer-with-line-feed": chunked(b"0\r\nx: a\n\r\n") + NEXT,
}


@pytest.mark.parametrize("sent", SMUGGLING.values(), ids=SMUGGLING)
@pytest.mark.parametrize("each", [None, 1], ids=["at-once", "bytewise"])
def test_what_is_unclear_is_no_request(sent, each):
    """Neither it nor what may be hidden behind it, however the bytes come."""
    parts = [sent] if each is None else [sent[n : n + 1] for n in range(len(sent))]

    assert read(GET, *parts) == ([("GET", "/a", b"")], MALFORMED)


CLEAR = {
    "length": (post(), [("POST", "/graphql", b"hi")]),
    "no-length": (head(), [("POST", "/p", b"")]),
    "body-of-a-get": (post().replace(b"POST", b"GET"), [("GET", "/graphql", b"hi")]),
    "body-like-a-request": (post(NEXT), [("POST", "/graphql", NEXT)]),
    "chunks": (chunked(b"1\r\nh\r\n1\r\ni\r\n0\r\n\r\n"), [("POST", "/c", b"hi")]),
    "chunk-extensions": (
        chunked(b'1;a\r\nh\r\n1;b="c;d"\r\ni\r\n0;e\r\n\r\n'),
        [("POST", "/c", b"hi")],
    ),
    "chunk-like-a-request": (
        chunked(b"%x\r\n%b\r\n0\r\n\r\n" % (len(NEXT), NEXT)),
        [("POST", "/c", NEXT)],
    ),
    "trailers": (
        chunked(b"2\r\nhi\r\n0\r\nx: y\r\nhost: y\r\n\r\n"),
        [("POST", "/c", b"hi")],
    ),
    "empty-lines-before": (b"\r\n\r\n" + post(), [("POST", "/graphql", b"hi")]),
    "pipelined": (
        post() + chunked(b"0\r\n\r\n") + GET,
        [("POST", "/graphql", b"hi"), ("POST", "/c", b""), ("GET", "/a", b"")],
    ),
    "upgrade": (
        post(b"hi", "connection: upgrade", "upgrade: h2c"),
        [("POST", "/graphql", b"hi")],
    ),
    "upgrade-with-chunks": (
        chunked(b"2\r\nhi\r\n0\r\n\r\n", "connection: upgrade", "upgrade: websocket"),
        [("POST", "/c", b"hi")],
    ),
}


@pytest.mark.parametrize(("sent", "requests"), CLEAR.values(), ids=CLEAR)
@pytest.mark.parametrize("each", [None, 1, 7], ids=["at-once", "bytewise", "in-sevens"])
def test_what_is_clear_is_read(sent, requests, each):
    """As it was sent, however the bytes come; and what follows too."""
    sent += NEXT
    parts = [sent] if each is None else [sent[n : n + each] for n in range(0, len(sent), each)]

    assert read(*parts) == ([*requests, ("GET", "/next", b"")], None)


@pytest.mark.parametrize(
    "more", [("connection: upgrade", "upgrade: h2c"), ()], ids=["upgrade", "plain"]
)
def test_old_http_stays_old(more):
    """An offer of another protocol makes no HTTP/1.1 of it (RFC 9110, section 7.8)."""
    requests: deque[Request] = deque()
    RequestReader(LIMITS, requests).feed(post(b"hi", *more, version="1.0"))

    ((request,)) = requests
    assert (request.version, request.keep_alive, request.body) == ("1.0", False, b"hi")


def test_nothing_is_read_behind_the_last_request():
    """A client that says that it closes is taken at its word."""
    requests, _ = read(post(b"hi", "connection: close") + NEXT)

    assert requests == [("POST", "/graphql", b"hi")]


def test_pipeline_is_bounded():
    """Those before the bound are read."""
    requests, refusal = read(GET * 100)

    assert (len(requests), refusal) == (MAX_PIPELINED + 1, None)


@pytest.mark.parametrize("behind", [b"", GET], ids=["alone", "behind-another"])
@pytest.mark.parametrize("each", [1, 300, 5_000])
def test_long_head_is_refused(behind, each):
    """However it comes, after about as many bytes as are allowed."""
    sent = behind + b"GET / HTTP/1.1\r\nhost: x\r\n" + b"a: b\r\n" * 300
    parts = [sent[n : n + each] for n in range(0, len(sent), each)]

    assert read(*parts)[1] == HEAD_TOO_LARGE


def test_body_is_kept_no_longer_than_its_request():
    """Of a candidate, nothing stays with the connection."""
    requests: deque[Request] = deque()
    reader = RequestReader(LIMITS, requests)
    reader.feed(post(b"ada@example.com"))
    requests.clear()

    assert reader.phase is BETWEEN
    assert not any(b"ada" in repr(value).encode() for value in vars(reader).values())
