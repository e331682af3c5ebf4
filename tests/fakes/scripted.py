"""A platform on raw sockets that replies by a script, and a gateway's core that calls it."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from gateway.invites.evidence import Rules
from gateway.invites.records import Records
from gateway.invites.store import Store
from gateway.sandbox import API_KEY
from gateway.upstream.api_key import FixedApiKey
from gateway.upstream.client import client_for
from tests.fakes.hostile import HostileUpstream, Peer, behaving, reply
from tests.fakes.invites import QUIET_SECONDS, Clock, Replica

Kind: TypeAlias = Literal["direct", "httpx2"]


def listing(*entries: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A complete list."""
    return {"data": entries, "pagination": {"has_next": False, "total": len(entries)}, **more}


@dataclass
class Scripted:
    """`replies` are those to POSTs, in order; None closes the connection.

    `listed` is what the candidate's address finds, and the list, unless `pages` are. `posts` are
    the bodies of all POSTs, `looks` the heads of all GETs.
    """

    replies: deque[bytes | None]
    listed: dict[str, Any] = field(default_factory=listing)
    pages: list[dict[str, Any]] = field(default_factory=list)
    posts: list[dict[str, Any]] = field(default_factory=list)
    looks: list[bytes] = field(default_factory=list)

    async def behave(self, peer: Peer) -> None:
        while True:
            request = await peer.request()
            head, _, body = request.partition(b"\r\n\r\n")
            if head.startswith(b"GET"):
                self.looks.append(head)
                await peer.send(reply(200, json.dumps(self._page(head)).encode()))
                continue
            self.posts.append(json.loads(body))
            answer = self.replies.popleft()
            if answer is None:
                return
            await peer.send(answer)

    def _page(self, head: bytes) -> dict[str, Any]:
        if not self.pages or b"email=" in head:
            return self.listed
        return self.pages[b"page=2&" in head]


def says(status: int, **fields: Any) -> bytes:
    """A reply in JSON."""
    return reply(status, json.dumps(fields).encode())


@asynccontextmanager
async def scripted(*replies: bytes | None) -> AsyncIterator[tuple[Scripted, HostileUpstream]]:
    platform = Scripted(deque(replies))
    async with behaving(platform.behave) as upstream:
        yield platform, upstream


@asynccontextmanager
async def core_of_gateway(
    address: str, store: Store, *, kind: Kind, clock: Clock, call_seconds: float = 10
) -> AsyncIterator[Replica]:
    """Keyed invites through a real client with a single connection to the platform."""
    records = Records(store, secret=b"a secret for the tests only, 32 b")
    await records.open()
    client = client_for(
        address,
        api_key=FixedApiKey(API_KEY),
        api_key_header="apiKey",
        concurrency=1,
        kind=kind,
    )
    rules = Rules(quiet_seconds=QUIET_SECONDS, list_shows_invited=True)
    try:
        yield Replica(records, client, clock, rules=rules, call_seconds=call_seconds)
    finally:
        await client.aclose()
        await records.close()
