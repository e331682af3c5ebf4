"""Both clients report the same facts of the same bytes, and the right ones."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime
from typing import Literal

import pytest

from gateway.invites.outcomes import Verdict, judge
from gateway.upstream.api_key import FixedApiKey
from gateway.upstream.call import invite_call
from gateway.upstream.client import client_for
from gateway.upstream.direct.client import DirectUpstream
from gateway.upstream.httpx_client import HttpxUpstream
from gateway.upstream.wire import Exchange, Fault, NoReply, Reply
from tests.fakes.behaviours import BEHAVIOURS, BODY, MEGABYTE, Behaviour, End
from tests.fakes.hostile import Hostile, Peer, behaving, reply
from tests.fakes.records import a_request

SECOND = Reply(202, b"[]", content_type="application/json")
KINDS: tuple[Literal["direct", "httpx2"], ...] = ("direct", "httpx2")

# Not HTTP/1.1 as RFC 9112 has it, or a reply that may be read in two ways.
NO_REPLY = [
    "line-http-0.9",
    "line-http-1.2",
    "line-http-1.9",
    "line-http-2.0",
    "line-http-3.7",
    "line-http-9.9",
    "line-http-1",
    "line-http-11.1",
    "line-http-1.10",
    "line-lower-case",
    "line-mixed-case",
    "line-two-blanks",
    "line-tab",
    "line-nul-in-reason",
    "line-cr-in-reason",
    "line-endless-reason",
    "line-two-digits",
    "line-four-digits",
    "line-no-number",
    "line-status-000",
    "line-status-099",
    "line-no-status",
    "line-icy",
    "line-rtsp",
    "line-no-version",
    "line-blank-first",
    "line-crlf-first",
    "line-two-crlf-first",
    "line-lf-first",
    "line-byte-order-mark",
    "length-twice",
    "length-twice-differing",
    "length-listed-twice",
    "length-listed-differing",
    "length-plus",
    "length-minus",
    "length-hexadecimal",
    "length-empty",
    "length-word",
    "length-float",
    "length-blank-inside",
    "length-semicolon",
    "length-2-to-64",
    "length-30-digits",
    "length-underscore",
    "length-other-digits",
    "header-folded",
    "header-folded-by-tab",
    "header-folded-empty",
    "header-folded-first",
    "header-folded-content-type",
    "header-folded-retry-after",
    "header-bare-lf",
    "header-bare-cr",
    "header-cr-cr-lf",
    "header-blank-before-colon",
    "header-tab-before-colon",
    "header-blank-in-name",
    "header-no-name",
    "header-no-colon",
    "header-nul-in-value",
    "header-control-in-value",
    "header-delete-in-value",
    "header-form-feed-in-value",
    "header-nul-in-name",
    "header-latin-name",
    "header-quote-in-name",
    "header-paren-in-name",
    "header-more-than-64-kib",
    "interim-with-body",
    "interim-alone",
    "interim-close",
    "switching",
    "switching-without-upgrade",
    "switching-then-reply",
    "length-and-chunked",
    "chunked-and-length",
    "chunked-by-two-headers",
    "chunked-twice",
    "lf-everywhere",
    "lf-behind-status-line",
    "lf-behind-headers",
    "cr-everywhere",
    "nothing",
    "crlf-alone",
    "h",
    "half-a-status-line",
    "status-line-alone",
    "half-a-head",
    "head-without-end",
    "garbage",
    "zero-bytes",
    "tls-alert",
    "page",
    "json",
    "http-2-settings",
    "request",
]
# A status came, and then the body was cut, or went on in a way that cannot be read.
CUT = [
    "length-2-to-63",
    "until-reset",
    "short-body",
    "short-body-reset",
    "no-body",
    "until-close-more",
    "more-than-a-megabyte",
    "more-than-a-chunked-megabyte",
    "encoding-truncated",
    "encoding-bomb",
    "chunk-bare-lf-behind-data",
    "chunk-bare-lf-at-the-end",
    "chunk-nothing-behind-data",
    "chunk-more-behind-data",
    "chunk-no-end",
    "chunk-half-an-end",
    "chunk-trailer-length",
    "chunk-broken-trailer",
    "chunk-folded-trailer",
    "chunk-long-trailers",
    "chunk-blank-before-extension",
    "chunk-blank-behind-size",
    "chunk-blank-before-size",
    "chunk-lf-in-extension",
    "chunk-nul-in-extension",
    "chunk-bare-lf-behind-size",
    "chunk-0x",
    "chunk-minus",
    "chunk-plus",
    "chunk-no-size",
    "chunk-no-number",
    "chunk-17-digits",
    "chunk-nothing",
    "chunk-cut-in-data",
    "chunk-cut-in-size",
]
EMPTY = [
    "204",
    "204-with-length",
    "204-with-body",
    "204-chunked",
    "304",
    "304-with-length",
    "304-with-body",
    "chunk-empty",
    "until-close-empty",
    "kept-empty",
]
LONG = ("until-close-megabyte", "megabyte", "chunked-megabyte")
# Coded more than once, or not as the header says: left as they are.
UNREAD = (
    "encoding-gzip-twice", "encoding-two-headers", "encoding-gzip-identity",
    "encoding-no-checksum", "encoding-two-members",
)  # fmt: skip


CODED = {
    f"coding-{name}{how}"
    for name in ("chunked", "upper-case", "blank-behind", "tab-before")
    for how in ("", "-unchunked")
}
NOTHING = NoReply(Fault.PROTOCOL, possibly_sent=True)
RESET = NoReply(Fault.READ, possibly_sent=True)
EXPECTED: dict[str, NoReply | tuple[bytes | None, bool]] = {
    # No reply, or the body, None for any, and whether it is whole.
    **dict.fromkeys(BEHAVIOURS, (BODY, True)),
    **dict.fromkeys((name for name in BEHAVIOURS if name.startswith("coding-")), NOTHING),
    **{name: (b"", False) if "unchunked" in name else (BODY, True) for name in CODED},
    **dict.fromkeys(NO_REPLY, NOTHING),
    **dict.fromkeys(("nothing-reset", "status-line-alone-reset"), RESET),
    **dict.fromkeys(CUT, (None, False)),
    **dict.fromkeys(UNREAD, (None, True)),
    **dict.fromkeys(EMPTY, (b"", True)),
    **dict.fromkeys(LONG, (b" " * MEGABYTE, True)),
}


def serving(behaviour: Behaviour, *, piece: int | None = None) -> Hostile:
    """A server that behaves so with its first request, sending pieces of so many bytes."""

    async def serve_well(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(reply(202, b"[]"))

    async def behave(peer: Peer) -> None:
        if peer.upstream.connections > 1:
            await serve_well(peer)
        await peer.request()
        data = behaviour.reply
        size = piece or len(data) or 1
        for begin in range(0, len(data), size):
            await peer.send(data[begin : begin + size])
            await asyncio.sleep(0)
        if behaviour.end is End.RESETS:
            peer.reset()
            return
        if behaviour.end is End.CLOSES:
            # Closing with unread bytes would be a reset that could overtake the reply.
            with contextlib.suppress(OSError):
                peer.end()
                await peer.readable()
            return
        await serve_well(peer)

    return behaving(behave)


async def exchanges(
    kind: Literal["direct", "httpx2"], behaviour: Behaviour, *, piece: int | None = None
) -> list[Exchange]:
    """What one client reports of its first call, and of the next if the server goes on."""
    async with serving(behaviour, piece=piece) as server:
        client = client_for(
            server.address,
            api_key=FixedApiKey("secret"),
            api_key_header="apiKey",
            concurrency=1,
            kind=kind,
        )
        calls = 2 if behaviour.end is End.KEEPS else 1
        found = [await client.send(invite_call(b"{}", timeout_seconds=30)) for _ in range(calls)]
        await client.aclose()
    return found


@pytest.mark.parametrize(
    ("proxy", "kind", "client"),
    [
        (None, "direct", DirectUpstream),
        (None, "httpx2", HttpxUpstream),
        ("http://127.0.0.1:1", "direct", HttpxUpstream),
    ],
)
async def test_client_is_the_one_that_was_chosen(monkeypatch, proxy, kind, client):
    """Behind a proxy there is no choice."""
    monkeypatch.setattr("gateway.upstream.client.proxy_for", lambda _: proxy)
    made = client_for(
        "http://platform.example",
        api_key=FixedApiKey("secret"),
        api_key_header="apiKey",
        concurrency=1,
        kind=kind,
    )

    assert type(made) is client
    await made.aclose()


def verdict(exchange: Exchange) -> Verdict:
    return judge(exchange, a_request(), now=lambda: datetime.now(UTC)).verdict


@pytest.mark.parametrize("name", BEHAVIOURS)
async def test_facts_are_those_of_the_table(name):
    """Fault, phase, status, body and headers are the same through both clients, and as expected."""
    direct, httpx = [await exchanges(kind, BEHAVIOURS[name]) for kind in KINDS]

    assert direct == httpx
    assert [verdict(one) for one in direct] == [verdict(one) for one in httpx]
    first = direct[0]
    if isinstance(first, NoReply):
        assert first == EXPECTED[name]
        assert verdict(first) is Verdict.UNKNOWN
    else:
        body, whole = first.body, first.body_complete
        assert EXPECTED[name] in ((body, whole), (None, whole))


@pytest.mark.parametrize("name", [name for name, one in BEHAVIOURS.items() if one.end is End.KEEPS])
async def test_next_reply_is_that_of_the_next_request(name):
    """Whatever followed the first reply is not taken for the second."""
    for kind in KINDS:
        _, second = await exchanges(kind, BEHAVIOURS[name])

        assert second == SECOND


async def test_facts_do_not_depend_on_packets():
    """However the bytes are cut, both clients report the same."""
    # h11, below httpx2, gives a chunk's size 20 digits, however it is cut.
    names = [name for name in BEHAVIOURS if name != "chunk-21-digits"]
    differing = {}
    for name in names:
        behaviour = BEHAVIOURS[name]
        piece = max(7, len(behaviour.reply) // 60)
        found = [await exchanges(kind, behaviour, piece=piece) for kind in KINDS]
        if found[0] != found[1]:
            differing[name] = found

    assert differing == {}


def test_table_is_long_enough():
    """And no name in the expectations is misspelt."""
    assert len(BEHAVIOURS) == len(EXPECTED) >= 300
