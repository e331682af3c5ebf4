"""What a stranger may send to the real server, and what comes back.

Each row says the status and the code of the answer. After each, an ordinary mutation is answered,
and the stand-in has accepted that one alone.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import pytest

GRAPHQL = "application/graphql-response+json"
INVITE = (
    'inviteCandidate(input:{candidateName:"Eve",candidateEmail:"eve@example.com",trackId:1})'
    "{__typename}"
)
INVALID = "GRAPHQL_VALIDATION_FAILED"


def http(
    body: bytes = b"", *, method: str = "POST", target: str = "/graphql", **headers: str | None
) -> bytes:
    """The bytes of a request; a header that is None is left out."""
    given: dict[str, str | None] = {
        "host": "gateway.example",
        "content-type": "application/json",
        "accept": GRAPHQL,
        "content-length": str(len(body)),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    lines = [f"{method} {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in given.items() if value is not None]
    return "\r\n".join([*lines, "", ""]).encode() + body


def query(text: str, **more: object) -> bytes:
    return http(json.dumps({"query": text, **more}).encode())


def rows() -> Iterator[tuple[str, bytes, int, str]]:
    yield from bodies()
    yield from documents()
    yield from heads()
    yield from malformed()


def bodies() -> Iterator[tuple[str, bytes, int, str]]:
    bad = "BAD_REQUEST"
    yield "body-empty", http(), 400, bad
    yield "body-null", http(b"null"), 400, bad
    yield "body-number", http(b"5"), 400, bad
    yield "body-string", http(b'"{__typename}"'), 400, bad
    yield "body-cut", http(b'{"query":"{__type'), 400, bad
    yield "body-utf8", http(b'{"query":"\xff\xfe"}'), 400, bad
    yield "body-utf16", http('{"query":"{__typename}"}'.encode("utf-16")), 400, bad
    yield "body-surrogate", http(b'{"query":"\\ud800"}'), 400, "GRAPHQL_PARSE_FAILED"
    yield "body-nul", http(b"\0" * 100), 400, bad
    yield "body-nan", http(b'{"query":NaN}'), 400, bad
    yield "body-deep", http(b"[" * 100_000), 400, bad
    yield "body-deep-variables", query("{__typename}", variables=nested(50)), 400, bad
    yield "body-deep-extensions", query("{__typename}", extensions=nested(50)), 400, bad
    yield "body-5000-digits", http(b'{"variables":{"a":' + b"9" * 5_000 + b"}}"), 400, bad
    yield "body-too-long", http(b" " * 200_000), 413, bad
    yield "body-announced-too-long", http(content_length="99999999999"), 413, bad
    yield "body-chunked-too-long", chunked(b" " * 50_000, 10), 413, bad
    yield "body-gzip", http(b"\x1f\x8b", content_encoding="gzip"), 415, bad
    yield "body-batch", http(b'[{"query":"{__typename}"}]'), 400, bad
    yield "body-batch-empty", http(b"[]"), 400, bad
    yield "query-missing", http(b"{}"), 400, bad
    yield "query-list", http(b'{"query":["{__typename}"]}'), 400, bad
    yield "variables-list", query("{__typename}", variables=[1]), 400, bad
    yield "variables-text", query("{__typename}", variables="{}"), 400, bad
    yield "operation-name-list", query("{__typename}", operationName=["a"]), 400, bad
    yield "hash-wrong", query("{__typename}", extensions=persisted("0" * 64)), 400, bad
    yield "hash-short", query("{__typename}", extensions=persisted("0")), 400, bad
    yield (
        "hash-unknown",
        http(json.dumps({"extensions": persisted("0" * 64)}).encode()),
        400,
        "PERSISTED_QUERY_NOT_FOUND",
    )


def documents() -> Iterator[tuple[str, bytes, int, str]]:
    parse = "GRAPHQL_PARSE_FAILED"
    yield "document-empty", query(""), 400, "BAD_REQUEST"
    yield "document-blank", query(" "), 400, parse
    yield "document-cut", query("{"), 400, parse
    yield "document-braces", query("{" * 10_000), 400, parse
    yield "document-tokens", query("{" + "a " * 4_000 + "}"), 400, INVALID
    yield "document-comments", query("{__typename}" + "#\n" * 5_000), 400, INVALID
    yield "document-nul", query("{__typename\0}"), 400, parse
    yield "document-too-long", query("{__typename}" + "," * 40_000), 413, "BAD_REQUEST"
    yield "document-no-operation", query("fragment A on Query{__typename}"), 400, INVALID
    yield "document-types", query("type A{b:Int}"), 400, INVALID
    yield "document-subscription", query("subscription{a}"), 400, INVALID
    yield (
        "operations-unnamed",
        query(f"query A{{__typename}} mutation B{{{INVITE}}}"),
        400,
        ("BAD_REQUEST"),
    )
    yield "operation-unknown", query("query A{__typename}", operationName="B"), 400, "BAD_REQUEST"
    yield "introspection", query("{__schema{types{name}}}"), 400, INVALID
    yield "introspection-type", query('{__type(name:"Query"){name}}'), 400, INVALID
    yield "invites-aliased", query(f"mutation{{a:{INVITE} b:{INVITE}}}"), 400, INVALID
    yield (
        "invites-many",
        query("mutation{" + " ".join(f"a{n}:{INVITE}" for n in range(40)) + "}"),
        400,
        INVALID,
    )
    yield (
        "invites-fragments",
        query(
            f"mutation{{...A ...B}} fragment A on Mutation{{a:{INVITE}}}"
            f" fragment B on Mutation{{b:{INVITE}}}"
        ),
        400,
        INVALID,
    )
    yield (
        "invites-inline",
        query(f"mutation{{a:{INVITE} ... on Mutation{{b:{INVITE}}}}}"),
        400,
        INVALID,
    )
    yield (
        "depth",
        query("{gateway{" + "... on GatewayInfo{" * 25 + "version" + "}" * 27),
        400,
        (INVALID),
    )
    yield "input-depth", query("{gateway(a:" + "[" * 50 + "]" * 50 + "){version}}"), 400, INVALID
    yield "aliases", query(aliases(160)), 400, INVALID
    yield "root-fields", query("{" + "__typename " * 11 + "}"), 400, INVALID
    yield "directives", query("{__typename " + "@include(if:true)" * 50 + "}"), 400, INVALID
    yield "directive-without-arguments", query("{__typename @skip}"), 400, INVALID
    yield "fragments", query("{...F0}" + fragments(40)), 400, INVALID
    yield "fragments-in-a-circle", query("{...F0}" + circle()), 400, INVALID
    yield "fragments-doubling", query("{...F0}" + doubling()), 400, INVALID
    yield "overlapping-fields", query("{gateway{" + "version " * 400 + "}}"), 400, INVALID
    yield "variable-missing", query("query($a:Int!){__typename @skip(if:$b)}"), 400, INVALID
    yield "variable-wrong", query("query($a:InviteFormat!){__typename}"), 400, INVALID
    yield "variable-null", query(invite_variable(), variables={"i": None}), 400, "BAD_USER_INPUT"
    yield "variable-list", query(invite_variable(), variables={"i": [[]]}), 400, "BAD_USER_INPUT"
    yield (
        "variable-float-id",
        query(
            invite_variable(),
            variables={
                "i": {"candidateName": "Eve", "candidateEmail": "eve@example.com", "trackId": 6.5}
            },
        ),
        400,
        "BAD_USER_INPUT",
    )
    yield (
        "variable-number",
        query(invite_variable(), variables={"i": 2**70}),
        400,
        ("BAD_USER_INPUT"),
    )


def heads() -> Iterator[tuple[str, bytes, int, str]]:
    bad, ok = "BAD_REQUEST", b'{"query":"{__typename}"}'
    text = f"mutation{{{INVITE}}}"
    yield "get-mutation", http(method="GET", target=f"/graphql?query={quote(text)}"), 405, bad
    yield "get-nothing", http(method="GET"), 400, bad
    yield "get-bad-utf8", http(method="GET", target="/graphql?query=%ff"), 400, bad
    yield "get-twice", http(method="GET", target="/graphql?query=a&query=b"), 400, bad
    yield "get-many", http(method="GET", target="/graphql?" + "a=b&" * 500), 400, bad
    yield "get-long", http(method="GET", target="/graphql?query=" + "a" * 20_000), 431, bad
    yield "method-put", http(ok, method="PUT"), 405, bad
    yield "method-trace", http(method="TRACE"), 405, bad
    yield "type-missing", http(ok, content_type=None), 415, bad
    yield "type-form", http(ok, content_type="application/x-www-form-urlencoded"), 415, bad
    yield "type-text", http(ok, content_type="text/plain"), 415, bad
    yield "type-multipart", http(ok, content_type="multipart/form-data; boundary=x"), 415, bad
    yield "type-alike", http(ok, content_type="application/jsonx"), 415, bad
    yield "type-charset", http(ok, content_type="application/json;charset=latin-1"), 415, bad
    yield "accept-html", http(ok, accept="text/html"), 406, bad
    yield "accept-nonsense", http(ok, accept=",;q=,;;=" * 100), 406, bad
    yield "origin-null", http(ok, origin="null"), 403, "FORBIDDEN"
    yield "path-below", http(ok, target="/graphql/x"), 404, bad
    yield "path-dots", http(ok, target="/../graphql"), 404, bad
    yield "path-encoded", http(ok, target="/%2e%2e/%00"), 404, bad
    yield "header-long", http(ok, x="a" * 20_000), 431, bad
    yield "header-many", http(ok).replace(b"\r\n", b"\r\na:b\r\n" + b"a:b\r\n" * 5_000, 1), 431, bad


def malformed() -> Iterator[tuple[str, bytes, int, str]]:
    bad, ok = "BAD_REQUEST", b'{"query":"{__typename}"}'
    yield "http-none", b"hello\r\n\r\n", 400, bad
    yield "http-tls", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, bad
    yield "http-2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, bad
    yield "http-0.9", b"GET /graphql\r\n\r\n", 400, bad
    yield "length-negative", http(content_length="-1"), 400, bad
    yield "length-word", http(content_length="ten"), 400, bad
    yield "length-and-chunked", http(b"0\r\n\r\n", transfer_encoding="chunked"), 400, bad
    yield "chunk-size", http(b"zz\r\n", transfer_encoding="chunked", content_length=None), 400, bad
    yield (
        "chunk-overrun",
        http(b"2\r\nabcdef\r\n", transfer_encoding="chunked", content_length=None),
        400,
        bad,
    )
    yield "transfer-encoding", http(transfer_encoding="gzip", content_length=None), 400, bad
    yield (
        "transfer-encoding-gzip",
        http(b"2\r\n{}\r\n0\r\n\r\n", transfer_encoding="gzip, chunked", content_length=None),
        415,
        bad,
    )
    yield "host-missing", http(ok, host=None), 400, bad
    yield "host-twice", http(ok).replace(b"host:", b"host: other\r\nhost:"), 400, bad
    yield "header-nul", http(x="a\0b"), 400, bad
    yield "header-folded", http(x="a\r\n b\x01"), 400, bad
    yield "connect", http(method="CONNECT", target="evil.example:443"), 400, bad


def nested(depth: int) -> dict[str, object]:
    value: object = 1
    for _ in range(depth):
        value = [value]
    return {"a": value}


def persisted(sha256: str) -> dict[str, object]:
    return {"persistedQuery": {"version": 1, "sha256Hash": sha256}}


def aliases(count: int) -> str:
    return "{gateway{" + " ".join(f"a{n}:version" for n in range(count)) + "}}"


def fragments(count: int) -> str:
    return " ".join(f"fragment F{n} on Query{{__typename}}" for n in range(count))


def circle() -> str:
    return "fragment F0 on Query{...F1} fragment F1 on Query{...F0}"


def doubling() -> str:
    return " ".join(
        f"fragment F{n} on Query{{gateway{{version}} ...F{n + 1} ...F{n + 1}}}" for n in range(29)
    )


def invite_variable() -> str:
    return "mutation($i:InviteCandidateInput!){inviteCandidate(input:$i){__typename}}"


def chunked(chunk: bytes, count: int) -> bytes:
    head = http(transfer_encoding="chunked", content_length=None)
    return head + b"%x\r\n%s\r\n" % (len(chunk), chunk) * count + b"0\r\n\r\n"


def exchange(address: str, raw: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the first answer to the bytes."""
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30) as client:
        client.sendall(raw)
        with client.makefile("rb") as stream:
            status = int(stream.readline().split()[1])
            headers: dict[str, str] = {}
            while line := stream.readline().strip():
                name, _, value = line.decode().partition(": ")
                headers[name] = value
            return status, headers, stream.read(int(headers.get("content-length", "0")))


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [pytest.param(*row[1:], id=row[0]) for row in rows()],
)
def test_hostile_request_is_refused(pair, raw, status, code):
    """It gets its status and code in GraphQL's shape, and hurts nobody else."""
    answer, headers, body = exchange(pair.gateway, raw)

    assert answer == status, body
    errors = json.loads(body)["errors"]
    assert {error["extensions"]["code"] for error in errors} == {code}
    assert "data" not in json.loads(body)
    assert "evil.example" not in body.decode() + str(headers)
    assert "server" not in headers
    assert pair.invite()["type"] == "InviteCandidateSuccess"
    assert [invite["candidate_email"] for invite in pair.accepted()] == ["ada@example.com"]


@pytest.mark.parametrize("protocol", ["websocket", "h2c"])
def test_upgrade_is_ignored(pair, protocol):
    """An ordinary query that offers another protocol is answered in this one."""
    raw = http(b'{"query":"{__typename}"}', connection="upgrade", upgrade=protocol)

    status, _, body = exchange(pair.gateway, raw)

    assert (status, json.loads(body)) == (200, {"data": {"__typename": "Query"}})
