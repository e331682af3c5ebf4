"""One invite on its way: attempts, breaker, deadline."""

from __future__ import annotations

import asyncio

import pytest

from gateway.invites.anomalies import Anomalies
from gateway.invites.breaker import Breaker, BreakerLimits, BreakerState, Health
from gateway.invites.deadline import within
from gateway.invites.models import ANYONE, Anomaly, InviteErrorCode, Origin
from gateway.invites.outcomes import Verdict
from gateway.invites.retries import RetryBudget, RetryPolicy
from gateway.invites.sender import Sender, SendLimits, health_of
from gateway.upstream.wire import Fault, NoReply, Reply
from tests.fakes.invites import (
    CUTS_THE_BODY,
    DIES_BEFORE_IT_ACTS,
    INVITES,
    LOSES_THE_REPLY,
    UNREACHABLE,
    Act,
    Clock,
    FakeUpstream,
    answers,
)
from tests.fakes.records import a_request

UNTRUSTED = Act(NoReply(Fault.CERTIFICATE, possibly_sent=False), invites=False)
NO_CONNECTION_FREE = Act(NoReply(Fault.POOL_TIMEOUT, possibly_sent=False), invites=False)


@pytest.fixture
def upstream():
    return FakeUpstream(Clock())


def a_sender(upstream: FakeUpstream, **options) -> Sender:
    options.setdefault("policy", RetryPolicy(chance=lambda: 0.0))
    return Sender(upstream, timeout_seconds=10, **options)


async def send(sender: Sender, *, seconds: float = 20):
    return await sender.send(a_request(), ANYONE, deadline=within(seconds))


@pytest.mark.parametrize("act", [UNREACHABLE, answers(429), answers(429, retry_after="0")])
async def test_what_was_not_done_is_tried_again(upstream, act):
    """Where the exchange proves that nothing was done, another attempt is made."""
    upstream.acts += [act, act, INVITES]

    sent = await send(a_sender(upstream))

    assert sent.judgement.verdict is Verdict.INVITED
    assert len(upstream.posts) == 3


async def test_attempts_are_counted(upstream):
    """After the last attempt its result is told."""
    upstream.acts += [UNREACHABLE] * 9

    sent = await send(a_sender(upstream))

    assert sent.judgement.verdict is Verdict.NOT_SENT
    assert len(upstream.posts) == 3


@pytest.mark.parametrize(
    "act",
    [
        INVITES,
        CUTS_THE_BODY,
        LOSES_THE_REPLY,
        DIES_BEFORE_IT_ACTS,
        UNTRUSTED,
        NO_CONNECTION_FREE,
        *(answers(status) for status in (302, 400, 401, 403, 404, 409, 422, 500, 502, 503, 504)),
        answers(503, retry_after="0"),
    ],
    ids=lambda act: str(getattr(act.reply, "status", getattr(act.reply, "fault", "invites"))),
)
async def test_all_else_is_sent_once(upstream, act):
    """No retry where the invite may have been made, was refused, or would only add load."""
    upstream.acts.append(act)

    await send(a_sender(upstream))

    assert len(upstream.posts) == 1


@pytest.mark.parametrize(
    "body",
    [b"", b'{"error": "no"}', b"Unauthorized", b'{"message": "Unauthorized"}', b"<p>No</p>"],
    ids=repr,
)
async def test_rejected_api_key_is_read_anew(upstream, body):
    """A 401 is tried once more with a new key, if there is one, whoever sent it."""
    upstream.acts += [answers(401, body), INVITES]
    upstream.new_keys = 1
    retries: list[None] = []

    sent = await send(a_sender(upstream, retried=lambda: retries.append(None)))

    assert sent.judgement.verdict is Verdict.INVITED
    assert len(upstream.posts) == 2
    assert len(retries) == 1


@pytest.mark.parametrize("act", [INVITES, LOSES_THE_REPLY, answers(400), answers(500)])
async def test_new_key_is_no_reason_to_send_again(upstream, act):
    """Only a refused key is: what was invited once is not invited again with the next key."""
    upstream.acts.append(act)
    upstream.new_keys = 1

    await send(a_sender(upstream))

    assert len(upstream.posts) == 1


async def test_callers_own_key_is_not_read_anew(upstream):
    """A key that the caller sent along is the caller's to replace."""
    upstream.acts += [answers(401), INVITES]
    upstream.new_keys = 1

    sent = await a_sender(upstream).send(
        a_request(), Origin(upstream_api_key="own"), deadline=within(20)
    )

    assert sent.judgement.status == 401
    assert len(upstream.posts) == 1


async def test_each_further_attempt_is_counted(upstream):
    """For the metric of retries; the first attempt is none."""
    retries: list[None] = []
    upstream.acts += [UNREACHABLE, UNREACHABLE, INVITES]

    await send(a_sender(upstream, retried=lambda: retries.append(None)))

    assert len(retries) == 2


class JudgedAtOnce(FakeUpstream):
    """Shows each reply to the sender while its connection is still open, as the clients do."""

    async def send(self, call):
        exchange = await super().send(call)
        if isinstance(exchange, Reply) and call.trusts_connection is not None:
            call.trusts_connection(exchange)
        return exchange


@pytest.mark.parametrize(
    ("acts", "verdict"),
    [
        ([answers(429), LOSES_THE_REPLY], Verdict.UNKNOWN),
        ([answers(429), INVITES], Verdict.INVITED),
        ([answers(401), INVITES], Verdict.INVITED),
    ],
    ids=["lost after a limit", "invited after a limit", "invited with a new key"],
)
async def test_verdict_is_that_of_the_last_exchange(acts, verdict):
    """What an earlier reply proved says nothing of a later call."""
    upstream = JudgedAtOnce(Clock())
    upstream.acts += acts
    upstream.new_keys = 1

    sent = await send(a_sender(upstream))

    assert sent.judgement.verdict is verdict
    assert len(upstream.posts) == 2


async def test_attempts_are_spaced_by_default(upstream):
    """Nothing has to be set for a second attempt."""
    upstream.acts += [UNREACHABLE, INVITES]

    sent = await send(Sender(upstream, timeout_seconds=10))

    assert sent.judgement.verdict is Verdict.INVITED


async def test_wait_that_does_not_fit_is_left_to_the_caller(upstream):
    """A `Retry-After` beyond the deadline is passed on."""
    upstream.acts.append(answers(429, retry_after="30"))

    sent = await send(a_sender(upstream))

    assert sent.judgement.retry_after_seconds == 30
    assert len(upstream.posts) == 1


async def test_retries_stay_within_their_budget(upstream):
    """In an outage, retries are a share of the traffic, not a multiple."""
    upstream.acts += [UNREACHABLE] * 1000
    sender = a_sender(upstream, budget=RetryBudget(share=0.1, reserve=2))

    for _ in range(100):
        await send(sender)

    assert 100 + 2 < len(upstream.posts) <= 100 + 2 + 10


async def test_nothing_is_sent_after_the_deadline(upstream):
    """A request whose time is up does not reach the upstream."""
    sent = await send(a_sender(upstream), seconds=-1)

    assert sent.exchange == NoReply(Fault.DEADLINE, possibly_sent=False)
    assert upstream.posts == []


async def test_open_breaker_spares_the_call(upstream):
    """While the upstream is known to fail nothing is sent, and the caller learns when to return."""
    breaker = Breaker(clock=lambda: 0.0, limits=BreakerLimits(least_calls=2, pause_seconds=7))
    sender = a_sender(upstream, breaker=breaker)
    upstream.acts += [DIES_BEFORE_IT_ACTS] * 2
    await send(sender)
    await send(sender)

    sent = await send(sender)

    assert breaker.state is BreakerState.OPEN
    assert sent.judgement.code is InviteErrorCode.UPSTREAM_UNAVAILABLE
    assert sent.judgement.verdict is Verdict.NOT_SENT
    assert (sent.judgement.retryable, sent.judgement.retry_after_seconds) == (True, 7)
    assert len(upstream.posts) == 2


async def test_cancelled_probe_gives_its_place_back(upstream):
    """A probe that is cut off does not leave the breaker half-open for ever."""
    now = 0.0
    breaker = Breaker(clock=lambda: now, limits=BreakerLimits(least_calls=1, pause_seconds=7))
    sender = a_sender(upstream, breaker=breaker)
    upstream.acts.append(DIES_BEFORE_IT_ACTS)
    await send(sender)
    now = 7.0
    upstream.free.clear()
    upstream.reached.clear()
    probe = asyncio.create_task(send(sender))
    await upstream.reached.wait()
    probe.cancel()
    await asyncio.wait([probe])
    upstream.free.set()

    sent = await send(sender)

    assert sent.judgement.verdict is Verdict.INVITED


@pytest.mark.parametrize(
    ("exchange", "health"),
    [
        (Reply(201), Health.GOOD),
        (Reply(302), Health.GOOD),
        (Reply(400), Health.GOOD),
        (Reply(401), Health.GOOD),
        (Reply(404), Health.GOOD),
        (Reply(429), Health.UNTOLD),
        (Reply(500), Health.BAD),
        (Reply(503), Health.BAD),
        (NoReply(Fault.CONNECT, possibly_sent=False), Health.BAD),
        (NoReply(Fault.READ, possibly_sent=True), Health.BAD),
        (NoReply(Fault.DEADLINE, possibly_sent=True), Health.BAD),
        (NoReply(Fault.DEADLINE, possibly_sent=False), Health.UNTOLD),
        (NoReply(Fault.POOL_TIMEOUT, possibly_sent=False), Health.UNTOLD),
    ],
)
def test_health(exchange, health):
    """Failures of the upstream count against it; refusals and our own limits do not."""
    assert health_of(exchange) is health


class FewAllowed:
    """A limit with a number of times left."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.names: list[str] = []

    async def seconds_to_wait(self, name: str) -> int | None:
        self.names.append(name)
        self.left -= 1
        return None if self.left >= 0 else 7


@pytest.mark.parametrize("which", ["of_sender", "of_all"])
async def test_past_a_limit_nothing_is_sent(upstream, which):
    """The caller learns when to come back, and the upstream learns nothing."""
    limit = FewAllowed(1)
    sender = a_sender(upstream, limits=SendLimits(**{which: limit}))
    upstream.acts += [INVITES]
    first, second = await send(sender), await send(sender)

    assert first.judgement.verdict is Verdict.INVITED
    assert second.judgement.verdict is Verdict.NOT_SENT
    assert second.judgement.code is InviteErrorCode.RATE_LIMITED
    assert (second.judgement.retryable, second.judgement.retry_after_seconds) == (True, 7)
    assert len(upstream.posts) == len(limit.names) - 1 == 1


async def test_attempts_count_towards_the_whole(upstream):
    """One invite is one of its sender's, and each attempt is a call to the upstream."""
    each, total = FewAllowed(9), FewAllowed(2)
    upstream.acts += [UNREACHABLE] * 3

    sent = await send(a_sender(upstream, limits=SendLimits(each, total)))

    assert sent.judgement.code is InviteErrorCode.RATE_LIMITED
    assert len(upstream.posts) == 2
    assert (len(each.names), len(total.names)) == (1, 3)


async def test_what_cannot_be_announced_is_not_sent(upstream):
    """Whoever must know of each invite before it is sent can forbid it."""
    announced = []

    async def announce(request) -> bool:
        announced.append((request, len(upstream.posts)))
        return len(announced) == 1

    sender = a_sender(upstream, announce=announce)

    first, second = await send(sender), await send(sender)

    assert announced == [(a_request(), 0), (a_request(), 1)]
    assert first.judgement.verdict is Verdict.INVITED
    assert second.judgement.verdict is Verdict.NOT_SENT
    assert not second.judgement.retryable
    assert len(upstream.posts) == 1


@pytest.mark.parametrize(("after", "told"), [("7", [7]), (None, [None])])
async def test_limited_platform_is_told_of(upstream, after, told):
    """Whoever asks it for something that is not needed can leave it in peace."""
    seen: list[int | None] = []
    upstream.acts.append(answers(429, retry_after=after))

    await send(a_sender(upstream, policy=RetryPolicy(attempts=1), limited=seen.append))
    await send(a_sender(upstream, limited=seen.append))

    assert seen == told


async def test_suspect_replies_are_noted(upstream):
    """Each of them, also where the next attempt succeeds."""
    seen: list[Anomaly] = []
    anomalies = Anomalies(seen.append)
    for act in (answers(200, b"<html>"), answers(200, b'{"track_id": 1}'), answers(500), INVITES):
        upstream.acts.append(act)
        await send(a_sender(upstream, anomalies=anomalies))

    assert seen == [Anomaly.PAGE, Anomaly.OTHER_INVITE]


async def test_connection_is_trusted_unless_its_reply_is_about_another_invite(upstream):
    """Out of step, it would give the next caller this one's reply."""
    calls = []
    forward = upstream.send

    async def send_it(call):
        calls.append(call)
        return await forward(call)

    upstream.send = send_it
    await send(a_sender(upstream))
    trusts = calls[0].trusts_connection

    assert trusts(Reply(200, b'{"email": "ada@example.com"}'))
    assert trusts(Reply(200, b"<html>"))
    assert trusts(Reply(500))
    assert not trusts(Reply(200, b'{"track_id": 1}'))
