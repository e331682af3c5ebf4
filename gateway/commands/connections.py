"""Tries each connection that the settings name, and reports problems to the operator."""

from __future__ import annotations

import time
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

from gateway.access.rate_limits import rate_limits_of
from gateway.background import aside
from gateway.invites.models import Anomaly
from gateway.invites.outcomes import judge
from gateway.invites.store import StoreError
from gateway.service import list_of
from gateway.settings.model import Settings
from gateway.stores.trial import try_store
from gateway.upstream.call import Call, Route
from gateway.upstream.wire import Exchange, Fault, NoReply, Reply, is_html

_READ: Final = "/tracks/stats"
"""It lists tracks, requires the API key and changes nothing."""
_REFUSALS: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_FOREIGN: Final = (Anomaly.NO_JSON, Anomaly.OTHER_JSON)
# HTTP dates have whole seconds, and the reply took some time to arrive.
_TOLERATED_SECONDS: Final = 5.0
_FAULTS: Final = {
    Fault.CONNECT: "is not reached: wrong name or port, or a firewall",
    Fault.CERTIFICATE: (
        "shows a certificate that is not trusted: GATEWAY_UPSTREAM_CA_FILE may name its authority"
    ),
    Fault.CONNECT_TIMEOUT: "is not reached in time: a firewall, perhaps",
    Fault.PROTOCOL: "does not answer in HTTP: wrong port, or https taken for http",
}


@dataclass(frozen=True, slots=True)
class Tried:
    """One connection, whether it works, and the details."""

    name: str
    works: bool
    found: str


async def tried_connections(settings: Settings) -> list[Tried]:
    """Platform, clock, store and, if used, the identity provider and shared counts."""
    async with aclosing(list_of(settings)) as platform:
        exchange = await platform.send(
            Call(Route.STATS, _READ, timeout_seconds=settings.upstream_timeout_seconds)
        )
    tried = [_judged_platform(exchange, settings), _judged_clock(exchange), await _store(settings)]
    if settings.auth == "jwt":
        tried.append(await _provider(settings))
    if settings.rate_limit_url or settings.rate_limit_url_file:
        tried.append(await _counts(settings))
    return tried


def _judged_platform(exchange: Exchange, settings: Settings) -> Tried:
    if isinstance(exchange, NoReply):
        why = _FAULTS.get(exchange.fault, f"gives no reply ({exchange.fault.value})")
        return Tried("platform", works=False, found=why)
    works, found = _judged_reply(exchange, forwards=settings.forwards_keys)
    return Tried("platform", works=works, found=f"answers {exchange.status}: {found}")


def _judged_reply(reply: Reply, *, forwards: bool) -> tuple[bool, str]:
    if is_html(reply):
        return False, "a page of something in between, or a wrong path in the URL"
    if judge(reply, now=lambda: datetime.now(UTC)).anomaly in _FOREIGN:
        return False, "not in the platform's words: something in front of it, or a wrong path"
    if reply.status in _REFUSALS:
        return (True, "callers bring their keys") if forwards else (False, "the API key is refused")
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return False, "it fails"
    if reply.status >= HTTPStatus.BAD_REQUEST:
        return True, "it is there; whether it takes the API key is not known"
    return True, "the API key is accepted"


def _judged_clock(exchange: Exchange) -> Tried:
    date = exchange.date if isinstance(exchange, Reply) else None
    try:
        off = time.time() - parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return Tried("clock", works=True, found="not compared: no reply with a date")
    if abs(off) > _TOLERATED_SECONDS:
        found = f"differs from the platform's by {off:+.0f} s: tokens and look-ups depend on it"
        return Tried("clock", works=False, found=found)
    return Tried("clock", works=True, found="is the platform's, within some seconds")


async def _store(settings: Settings) -> Tried:
    try:
        return Tried("store", works=True, found=await try_store(settings))
    except StoreError as error:
        return Tried("store", works=False, found=str(error))


async def _provider(settings: Settings) -> Tried:
    # Imported here because few commands need its cryptography library.
    from gateway.access.jwks import KeyRing, fetch_keys, read_key_file, why_no_keys  # noqa: PLC0415

    file, url = settings.jwt_jwks_file, settings.jwt_jwks_url
    try:
        if file is not None:
            ring = read_key_file(file)
        else:
            ring = KeyRing(await aside(lambda: fetch_keys(url or "")))
    except Exception as error:  # noqa: BLE001 - whatever it is, there are no keys
        return Tried("identity provider", works=False, found=f"has no keys: {why_no_keys(error)}")
    return Tried("identity provider", works=True, found=f"has keys for signatures: {len(ring)}")


async def _counts(settings: Settings) -> Tried:
    limits = rate_limits_of(settings)
    await limits.limit("check", 1000).seconds_to_wait("check")
    reached = limits.shared is not None and limits.shared.reached
    await limits.aclose()
    found = "count together" if reached else "the server does not answer, or refuses the password"
    return Tried("rate limits", works=reached, found=found)
