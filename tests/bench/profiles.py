"""The situations in which the gateways are measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tests.bench.job import Work
from tests.bench.tokens import AUDIENCE, ISSUER, KEY_FILE


@dataclass(frozen=True, slots=True)
class Profile:
    """One situation; `environment` is for our own gateway, and may hold `{folder}`."""

    name: str
    summary: str
    connections: int = 16
    delay_seconds: float = 0.0
    workers: tuple[int, ...] = (1,)
    """Our own gateway is measured once with each number of workers."""
    others: bool = True
    """The naive gateway and the peers can do this too."""
    keyed: bool = False
    """Every mutation has an idempotency key of its own, so that its record goes to disk."""
    work: Work = Work.INVITE
    beside: tuple[Work, int] | None = None
    """The load is measured alone, and beside so many connections that ask for other work."""
    store: Literal["sqlite", "postgres"] = "sqlite"
    environment: Mapping[str, str] = field(default_factory=dict)
    with_token: bool = False
    """Every request bears a signed token."""


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("ordinary", "16 connections, an upstream that answers at once"),
        Profile(
            "slow",
            "256 connections, an upstream that takes 200 ms (ideal: 1280/s)",
            connections=256,
            delay_seconds=0.2,
        ),
        Profile("comment", "16 connections, another comment in each document", work=Work.COMMENT),
        Profile("inline", "16 connections, values written into the document", work=Work.INLINE),
        Profile("new", "16 connections, no document comes twice", work=Work.NEW),
        Profile(
            "list", "16 connections, 200 applications of nine fields each time", work=Work.LIST
        ),
        Profile(
            "bulk",
            "4 connections, lists of 100 candidates, counted by candidate",
            connections=4,
            work=Work.BULK,
        ),
        Profile(
            "bulk-keyed",
            "4 connections, lists of 100 candidates with a fresh idempotency key each, in SQLite,"
            " counted by candidate",
            connections=4,
            work=Work.BULK,
            keyed=True,
            others=False,
        ),
        Profile(
            "beside-lists",
            "16 connections that invite, alone and beside two that read lists of applications",
            others=False,
            beside=(Work.LIST, 2),
        ),
        Profile(
            "beside-inline",
            "16 connections that invite, alone and beside four that write values inline",
            others=False,
            beside=(Work.INLINE, 4),
        ),
        Profile(
            "workers",
            "64 connections, one worker against two",
            connections=64,
            workers=(1, 2),
            others=False,
            store="postgres",
        ),
        Profile(
            "workers-unseen",
            # Each costs about a millisecond, beside which what the load and the stub take from the
            # gateway's cores is little: its own scaling shows on two cores.
            "64 connections, one worker against two, no document comes twice",
            connections=64,
            workers=(1, 2),
            others=False,
            work=Work.NEW,
            store="postgres",
        ),
        Profile(
            "keyed-sqlite",
            "16 connections, a fresh idempotency key each, records in SQLite",
            others=False,
            keyed=True,
        ),
        Profile(
            "keyed-postgres",
            "16 connections, a fresh idempotency key each, records in PostgreSQL",
            others=False,
            keyed=True,
            store="postgres",
        ),
        Profile(
            "jwt",
            "16 connections, an RS256 token with each request",
            others=False,
            with_token=True,
            environment={
                "GATEWAY_AUTH": "jwt",
                "GATEWAY_JWT_JWKS_FILE": f"{{folder}}/{KEY_FILE}",
                "GATEWAY_JWT_ISSUER": ISSUER,
                "GATEWAY_JWT_AUDIENCE": AUDIENCE,
            },
        ),
    )
}
