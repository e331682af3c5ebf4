"""Sending one invite to the upstream: breaker, attempts, deadline."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from gateway.invites.anomalies import Anomalies
from gateway.invites.breaker import Breaker, Health
from gateway.invites.models import Anomaly, InviteErrorCode, InviteRequest, Origin
from gateway.invites.outcomes import Clock, Judgement, Verdict, judge
from gateway.invites.retries import RetryBudget, RetryPolicy
from gateway.upstream.call import invite_call
from gateway.upstream.wire import Exchange, Fault, NoReply, Reply, invite_body

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.invites.deadline import Deadline
    from gateway.upstream.contract import Upstream

# Access to a member through its enum costs more than everything done with it here.
_UNAUTHORIZED = int(HTTPStatus.UNAUTHORIZED)
_TOO_MANY_REQUESTS = int(HTTPStatus.TOO_MANY_REQUESTS)
_SERVER_ERROR = int(HTTPStatus.INTERNAL_SERVER_ERROR)
_GOOD, _UNTOLD = Health.GOOD, Health.UNTOLD
_NOT_PROCESSED = Verdict.NOT_PROCESSED
_OTHER_INVITE = Anomaly.OTHER_INVITE
_SENT_NOTHING = NoReply(Fault.OTHER, possibly_sent=False)


class Limit(Protocol):
    """A rate limit for each name."""

    async def seconds_to_wait(self, name: str, /) -> int | None:
        """None if it may happen now, which is counted; else whole seconds until it may."""
        ...


@dataclass(frozen=True, slots=True)
class SendLimits:
    """Rate limits: of each sender's invites, and of all calls together, retries included."""

    of_sender: Limit | None = None
    of_all: Limit | None = None


# Not frozen: see CONTRIBUTING, "The hot path".
@dataclass(slots=True)
class Sent:
    """The last exchange of an invite and what it proves; earlier ones did nothing."""

    exchange: Exchange
    judgement: Judgement


class Sender:
    """Posts invites; tries again only if it is proved that nothing was done.

    `retried` is called for each call of an invite after the first, `limited` after each 429 of the
    platform, with its `Retry-After`. `announce` is awaited before the first call; if it returns
    False, nothing is sent.
    """

    def __init__(
        self,
        upstream: Upstream,
        *,
        timeout_seconds: float,
        policy: RetryPolicy | None = None,
        budget: RetryBudget | None = None,
        breaker: Breaker | None = None,
        limits: SendLimits | None = None,
        retried: Callable[[], None] = lambda: None,
        limited: Callable[[int | None], None] = lambda _: None,
        anomalies: Anomalies | None = None,
        announce: Callable[[InviteRequest], Awaitable[bool]] | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._upstream = upstream
        self._timeout_seconds = timeout_seconds
        self._policy = policy or RetryPolicy()
        self._budget = budget or RetryBudget()
        self._breaker = breaker
        self._limits = limits or SendLimits()
        self._retried = retried
        self._limited = limited
        self._anomalies = anomalies or Anomalies()
        self._announce = announce
        self._now = now

    async def send(
        self,
        request: InviteRequest,
        origin: Origin,
        *,
        deadline: Deadline,
        may_send: Callable[[], bool] | None = None,
        idempotency_key: str | None = None,
    ) -> Sent:
        """Post the invite, and retry until the upstream may have processed it.

        `may_send` is called just before the first byte is sent; if it returns False, none is.
        """
        limit = self._limits.of_sender
        if limit is not None and (limited := await _limited(limit, origin.sender)) is not None:
            return limited
        if self._announce is not None and not await self._announce(request):
            return _not_sent()
        body = invite_body(
            candidate_name=request.candidate_name,
            candidate_email=request.candidate_email,
            track_id=request.track_id,
            invite_format=request.invite_format._value_,
        )
        key = origin.upstream_api_key
        post = _Post(request, body, deadline, may_send, idempotency_key, key, self._now)
        self._budget.earn()
        sent, attempts = await self._attempt(post), 1
        while sent.judgement.retryable and await self._wait_for_next(sent, attempts, deadline):
            sent, attempts = await self._attempt(post), attempts + 1
        return sent

    async def _wait_for_next(self, sent: Sent, attempts: int, deadline: Deadline) -> bool:
        if _is_own_overload(sent.exchange):
            return False
        wait = self._policy.wait_before_next(
            sent.judgement, attempts=attempts, seconds_left=deadline.seconds_left
        )
        if wait is None or not self._budget.spend():
            return False
        await asyncio.sleep(wait)
        self._retried()
        return True

    async def _attempt(self, post: _Post) -> Sent:
        limit = self._limits.of_all
        if limit is not None and (limited := await _limited(limit, "")) is not None:
            return limited
        breaker, permit = self._breaker, None
        if breaker is not None and (permit := breaker.admit()) is None:
            return _spared(breaker)
        health = _UNTOLD
        try:
            sent = self._judged(await self._exchange(post), post)
            if sent.judgement.status == _UNAUTHORIZED and self._has_new_key(post):
                self._retried()
                sent = self._judged(await self._exchange(post), post)
            health = health_of(sent.exchange)
        finally:
            if breaker is not None and permit is not None:
                breaker.report(permit, health)
        return sent

    def _has_new_key(self, post: _Post) -> bool:
        """Whether the upstream key, which was refused, has been replaced since."""
        return post.api_key is None and self._upstream.reread_api_key()

    def _exchange(self, post: _Post) -> Awaitable[Exchange]:
        seconds_left = post.deadline.at - monotonic()
        if seconds_left <= 0:
            return _too_late()
        return self._upstream.send(
            invite_call(
                post.body,
                timeout_seconds=min(self._timeout_seconds, seconds_left),
                api_key=post.api_key,
                idempotency_key=post.idempotency_key,
                may_send=post.may_send,
                trusts_connection=post.trusts_connection,
            )
        )

    def _judged(self, exchange: Exchange, post: _Post) -> Sent:
        judgement = post.judgement
        if judgement is None or post.judged is not exchange:
            judgement = judge(exchange, post.request, now=post.now)
        if judgement.anomaly is not None:
            self._anomalies.note(judgement.anomaly, judgement.status)
        if judgement.verdict is _NOT_PROCESSED:
            self._limited(judgement.retry_after_seconds)
        return Sent(exchange, judgement)


@dataclass(slots=True, repr=False)
class _Post:
    request: InviteRequest
    body: bytes
    deadline: Deadline
    may_send: Callable[[], bool] | None
    idempotency_key: str | None
    api_key: str | None
    now: Clock
    judged: Reply | None = None
    """The reply that `judgement` is about: its body is parsed only once."""
    judgement: Judgement | None = None

    def trusts_connection(self, reply: Reply) -> bool:
        """False after a reply about another invite: later replies may be out of step too."""
        self.judged, self.judgement = reply, judge(reply, self.request, now=self.now)
        return self.judgement.anomaly is not _OTHER_INVITE


def health_of(exchange: Exchange) -> Health:
    """What the exchange shows about the upstream's health; a refusal shows that it is up."""
    if isinstance(exchange, Reply):
        if exchange.status >= _SERVER_ERROR:
            return Health.BAD
        return _UNTOLD if exchange.status == _TOO_MANY_REQUESTS else _GOOD
    if not exchange.possibly_sent and exchange.fault in (Fault.POOL_TIMEOUT, Fault.DEADLINE):
        # The deadline passed within the gateway.
        return Health.UNTOLD
    return Health.BAD


def _is_own_overload(exchange: Exchange) -> bool:
    """Whether the gateway itself is overloaded, so that a retry would add to the load."""
    return exchange is _SENT_NOTHING or (
        isinstance(exchange, NoReply) and exchange.fault is Fault.POOL_TIMEOUT
    )


async def _too_late() -> Exchange:
    return NoReply(Fault.DEADLINE, possibly_sent=False)


async def _limited(limit: Limit, name: str) -> Sent | None:
    """The refusal if the limit is reached, else None."""
    seconds = await limit.seconds_to_wait(name)
    if seconds is None:
        return None
    judgement = Judgement(
        Verdict.NOT_SENT,
        InviteErrorCode.RATE_LIMITED,
        retryable=True,
        retry_after_seconds=seconds,
    )
    return Sent(_SENT_NOTHING, judgement)


def _not_sent() -> Sent:
    judgement = Judgement(Verdict.NOT_SENT, InviteErrorCode.UPSTREAM_UNAVAILABLE, retryable=False)
    return Sent(_SENT_NOTHING, judgement)


def _spared(breaker: Breaker) -> Sent:
    judgement = Judgement(
        Verdict.NOT_SENT,
        InviteErrorCode.UPSTREAM_UNAVAILABLE,
        retryable=True,
        retry_after_seconds=breaker.retry_after_seconds,
    )
    return Sent(_SENT_NOTHING, judgement)
