"""Lists of candidates: each as honest as one alone, together as gentle as the upstream asks."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import replace

import pytest

from gateway.invites.admission import Admission
from gateway.invites.breaker import Breaker, BreakerLimits
from gateway.invites.bulk import (
    BulkInviter,
    PacedInviter,
    TooManyCandidatesError,
    checked_each,
)
from gateway.invites.deadline import within
from gateway.invites.inputs import InviteDraft
from gateway.invites.invite import Inviter
from gateway.invites.models import (
    InviteErrorCode,
    InviteFailure,
    InviteFormat,
    InviteOutcome,
    InviteRequest,
    InviteSuccess,
    Origin,
)
from gateway.invites.outcomes import Verdict
from gateway.invites.pace import Pace, Paces
from gateway.invites.retries import RetryPolicy
from gateway.invites.sender import Sender, SendLimits
from tests.fakes.invites import (
    INVITES,
    LOSES_THE_REPLY,
    NO_TRACK,
    UNREACHABLE,
    MemoryStore,
    a_replica,
    answers,
)
from tests.fakes.records import a_request

# The pace waits for the upstream's limit, not each attempt by itself.
WITHOUT_WAITS = RetryPolicy(chance=lambda: 0.0, after=frozenset({Verdict.NOT_SENT}))


@pytest.fixture
def seen():
    """What the hook was called with."""
    return []


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
async def replica(store):
    return await a_replica(store, reads_back=False, policy=WITHOUT_WAITS)


@pytest.fixture
def pauses():
    """The seconds that the list was made to wait, none of which pass."""
    return []


@pytest.fixture
def pace(pauses):
    moved = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal moved
        # A second refusal may come some milliseconds later, and make the pause as much longer.
        if round(seconds):
            pauses.append(round(seconds))
        # Whoever is under way meanwhile goes on, as in a real sleep.
        for _ in range(5):
            await asyncio.sleep(0)
        moved += seconds

    return Pace(
        4,
        clock=lambda: asyncio.get_running_loop().time() + moved,
        sleep=sleep,
        chance=lambda: 0.0,
    )


@pytest.fixture
def making(replica, pace, seen):
    """Makes the inviter of lists with the given options."""

    def make(
        *,
        most: int = 100,
        timeout_seconds: float = 15,
        attempt_seconds: float = 15,
        places: int = 8,
        limits: SendLimits | None = None,
        breaker: Breaker | None = None,
    ) -> BulkInviter:
        sender = Sender(
            replica.upstream,
            timeout_seconds=10,
            policy=WITHOUT_WAITS,
            limits=limits,
            breaker=breaker,
        )
        one = Inviter(
            sender,
            admission=Admission(places, queue=0, max_wait_seconds=30),
            keyed=replica.inviter,
            timeout_seconds=timeout_seconds,
        )
        paced = PacedInviter(one, Paces(lambda: pace), attempt_seconds=attempt_seconds)
        return BulkInviter(
            paced,
            most=most,
            timeout_seconds=timeout_seconds,
            ended=lambda *what: seen.append(what),
        )

    return make


@pytest.fixture
def bulk(making):
    return making()


def a_draft(number: int = 1, **changes) -> InviteDraft:
    values = {
        "candidate_name": f"Candidate {number}",
        "candidate_email": f"candidate-{number}@example.com",
        "track_id": "6578",
        "invite_format": InviteFormat.SEND_LINK,
        "idempotency_key": None,
        **changes,
    }
    return InviteDraft(**values)


def drafts(count: int, *, keyed: bool = False) -> list[InviteDraft]:
    return [a_draft(n, idempotency_key=f"key-{n}" if keyed else None) for n in range(count)]


def issues_of(result) -> list[tuple[str, str]]:
    return [(issue.field, issue.message) for issue in result.issues]


async def in_flight_together(replica, bulk, listed: list[InviteDraft], *, calls: int):
    """The list's results, where its first calls are all under way before one is answered."""
    replica.upstream.free.clear()
    task = asyncio.create_task(bulk.invite_all(listed))
    while len(replica.upstream.posts) < calls:  # noqa: ASYNC110 - no event for the nth call
        await asyncio.sleep(0)
    replica.upstream.free.set()
    return await task


async def test_results_are_in_the_order_of_the_list(replica, bulk):
    """Each candidate is invited once, and each result is that of its own candidate."""
    results = await bulk.invite_all(drafts(20))

    assert [r.invite.email for r in results] == [d.candidate_email for d in drafts(20)]
    assert len(replica.upstream.posts) == 20


async def test_an_empty_list_is_done_at_once(replica, bulk):
    """Nobody to invite is no error."""
    assert await bulk.invite_all([]) == []


async def test_each_fails_alone(replica, bulk):
    """One that fails takes no other with it, and tells what it would tell alone."""
    replica.upstream.acts += [INVITES, NO_TRACK, LOSES_THE_REPLY, answers(409), INVITES]

    results = await bulk.invite_all([*drafts(5), a_draft(6, candidate_email="nobody")])

    assert [getattr(result, "code", None) for result in results] == [
        None,
        InviteErrorCode.TRACK_NOT_FOUND,
        InviteErrorCode.UPSTREAM_TIMEOUT,
        InviteErrorCode.ALREADY_INVITED,
        None,
        InviteErrorCode.INVALID_INPUT,
    ]
    assert results[2].outcome is InviteOutcome.UNKNOWN


async def test_a_list_that_is_too_long_sends_nothing(replica, making):
    """The bound itself is allowed, one more is not."""
    bulk = making(most=3)
    with pytest.raises(TooManyCandidatesError) as caught:
        await bulk.invite_all(drafts(4))

    assert caught.value.most == 3
    assert replica.upstream.posts == []
    assert len(await bulk.invite_all(drafts(3))) == 3


@pytest.mark.parametrize("again", ["ADA@example.com", "ada@EXAMPLE.com", "ada@example.com"])
async def test_an_address_is_invited_once_in_a_list(replica, bulk, again):
    """The second of two spellings of one address is refused, whatever its name."""
    first, second = a_draft(candidate_email="ada@example.com"), a_draft(2, candidate_email=again)

    results = await bulk.invite_all([first, a_draft(3), second])

    assert isinstance(results[0], InviteSuccess)
    assert isinstance(results[1], InviteSuccess)
    assert issues_of(results[2]) == [
        ("candidate_email", "Must not be in the list twice: candidate 1 has it too.")
    ]
    assert len(replica.upstream.posts) == 2


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("ada+1@example.com", "ada+2@example.com"),
        ("ada@straße.de", "ada@strasse.de"),
        ("a.da@example.com", "ada@example.com"),
    ],
    ids=["tags", "letters that fold alike", "dots"],
)
async def test_addresses_that_are_only_alike_are_two(replica, bulk, first, second):
    """Two people are both invited."""
    results = await bulk.invite_all([a_draft(1, candidate_email=e) for e in (first, second)])

    assert [type(result) for result in results] == [InviteSuccess, InviteSuccess]
    assert {post["candidate_email"] for post in replica.upstream.posts} == {first, second}


async def test_all_that_is_wrong_is_told_at_once(bulk):
    """A repetition is told together with the rest."""
    results = await bulk.invite_all([a_draft(1), a_draft(1, candidate_name=" ")])

    assert [field for field, _ in issues_of(results[1])] == ["candidate_name", "candidate_email"]


async def test_two_lines_without_an_address_do_not_repeat_each_other(bulk):
    """What is no address is told as that alone."""
    results = await bulk.invite_all([a_draft(n, candidate_email="?") for n in range(2)])

    assert [len(result.issues) for result in results] == [1, 1]


async def test_no_more_calls_than_allowed(replica, bulk):
    """The list keeps to the pace's number of calls."""
    replica.upstream.free.clear()
    task = asyncio.create_task(bulk.invite_all(drafts(9)))
    await replica.upstream.reached.wait()
    for _ in range(50):
        await asyncio.sleep(0)

    assert len(replica.upstream.posts) == 4
    replica.upstream.free.set()
    assert len(await task) == 9


@pytest.mark.parametrize("keyed", [False, True], ids=["plain", "keyed"])
async def test_the_upstreams_limit_is_waited_for(replica, bulk, pauses, keyed):
    """Candidates that the upstream turned away are invited once the pause is over."""
    replica.upstream.acts += [INVITES, answers(429, retry_after="2"), answers(429, retry_after="2")]

    results = await in_flight_together(replica, bulk, drafts(6, keyed=keyed), calls=4)

    assert all(isinstance(result, InviteSuccess) for result in results)
    assert pauses == [2]
    assert len(replica.upstream.invited) == 6


async def test_what_does_not_fit_is_told_as_limited(replica, bulk, pauses):
    """Where the pause is longer than the time left, the rest was not invited and may come again."""
    replica.upstream.acts += [INVITES, *[answers(429, retry_after="60")] * 3]

    results = await in_flight_together(replica, bulk, drafts(9), calls=4)

    assert isinstance(results[0], InviteSuccess)
    assert {result.code for result in results[1:]} == {InviteErrorCode.RATE_LIMITED}
    assert {result.outcome for result in results[1:]} == {InviteOutcome.NOT_INVITED}
    assert all(result.retryable for result in results[1:])
    assert {result.retry_after_seconds for result in results[1:]} == {60}
    # Three were sent and refused, the others were not sent at all.
    assert [result.upstream_status for result in results[1:]] == [429] * 3 + [None] * 5
    assert len(replica.upstream.posts) == 4
    assert pauses == []


async def test_limit_that_has_passed_is_no_reason(replica, bulk):
    """Whose time is up after the pause was held back by nothing but that."""
    replica.upstream.acts.append(answers(429, retry_after="0"))
    await bulk.invite_all(drafts(1))

    [result] = await bulk.invite_all([a_draft(2)], Origin(timeout_seconds=0))

    assert result.code is InviteErrorCode.UPSTREAM_UNAVAILABLE
    assert result.retry_after_seconds is None


async def test_concurrency_comes_back(replica, bulk):
    """After a refusal has halved it, calls that go through raise it to where it was."""
    replica.upstream.acts.append(answers(429, retry_after="1"))
    await bulk.invite_all(drafts(20))
    replica.upstream.posts.clear()
    replica.upstream.free.clear()

    task = asyncio.create_task(bulk.invite_all(drafts(9)))
    for _ in range(100):
        await asyncio.sleep(0)

    assert len(replica.upstream.posts) == 4
    replica.upstream.free.set()
    await task


class Refusing:
    """Gives the first request the result, and later ones one that is final."""

    def __init__(self, result: InviteFailure) -> None:
        self.result = result
        self.requests = 0

    async def invite_checked(self, request, origin, *, deadline) -> InviteFailure:
        self.requests += 1
        return self.result if self.requests == 1 else FINAL

    async def recall(self, request, origin) -> None:
        return None

    async def drain(self) -> None:
        pass


LIMITED = InviteFailure(
    InviteErrorCode.RATE_LIMITED,
    "Too many.",
    InviteOutcome.NOT_INVITED,
    retryable=True,
    retry_after_seconds=2,
)
FINAL = replace(LIMITED, code=InviteErrorCode.ALREADY_INVITED, retryable=False)
FAILED = replace(LIMITED, code=InviteErrorCode.UPSTREAM_UNAVAILABLE)


@pytest.mark.parametrize(
    ("result", "waits", "requests"),
    [
        (replace(LIMITED, upstream_status=429), False, 2),
        (LIMITED, False, 1),
        (LIMITED, True, 2),
        (FAILED, False, 2),
        (replace(FAILED, retryable=False), False, 1),
        (replace(FAILED, retry_after_seconds=None), False, 1),
        (replace(FAILED, outcome=InviteOutcome.UNKNOWN), False, 1),
        (replace(LIMITED, upstream_status=429, outcome=InviteOutcome.UNKNOWN), False, 1),
    ],
    ids=[
        "platform's limit",
        "operator's limit",
        "operator's limit, waited for",
        "refused for a time",
        "refused for good",
        "refused without a time",
        "unknown",
        "unknown after a limit",
    ],
)
async def test_only_what_was_certainly_not_done_is_waited_for(pace, result, waits, requests):
    """A candidate is sent again after a refusal that will pass, never after an unknown outcome."""
    inviter = Refusing(result)
    paced = PacedInviter(
        inviter, Paces(lambda: pace), attempt_seconds=15, waits_for_operators_limits=waits
    )

    await paced.invite(a_request(), Origin(), deadline=within(15))

    assert inviter.requests == requests


async def test_required_keys_are_required_of_each(replica):
    """A list is no way round the operator's rule."""
    paces = Paces(lambda: Pace(1))
    paced = PacedInviter(Refusing(LIMITED), paces, attempt_seconds=15)

    [result] = await BulkInviter(paced, most=1, timeout_seconds=15, key_required=True).invite_all(
        drafts(1)
    )

    assert [field for field, _ in issues_of(result)] == ["idempotency_key"]


async def test_an_outage_is_not_told_as_a_limit(replica, making):
    """Whoever is held back by the breaker learns that it was not the upstream's limit."""
    breaker = Breaker(clock=lambda: 0.0, limits=BreakerLimits(pause_seconds=60, least_calls=4))
    bulk = making(breaker=breaker)
    replica.upstream.acts += [UNREACHABLE] * 4

    results = await in_flight_together(replica, bulk, drafts(9), calls=4)

    assert {result.code for result in results} == {InviteErrorCode.UPSTREAM_UNAVAILABLE}
    assert {result.outcome for result in results} == {InviteOutcome.NOT_INVITED}
    assert {result.retry_after_seconds for result in results[4:]} == {60}
    assert {result.upstream_status for result in results} == {None}


async def test_the_gateways_own_overload_is_waited_for(replica, making, pauses):
    """A list does not give up because others have all the places."""
    bulk = making(places=1)

    results = await in_flight_together(replica, bulk, drafts(5), calls=1)

    assert all(isinstance(result, InviteSuccess) for result in results)
    assert set(pauses) == {1}


async def test_a_senders_own_limit_makes_nobody_wait(replica, making, pauses):
    """What is one too many of the sender's is told at once; the list's others are counted too."""

    class TwoEach(Counter[str]):
        async def seconds_to_wait(self, name: str) -> int | None:
            self[name] += 1
            return 2 if name == "me" and self[name] > 2 else None

    bulk = making(limits=SendLimits(of_sender=TwoEach()))

    results = await bulk.invite_all(drafts(3), Origin(sender="me"))

    assert [getattr(result, "code", None) for result in results] == [
        None,
        None,
        InviteErrorCode.RATE_LIMITED,
    ]
    assert pauses == []
    assert len(replica.upstream.posts) == 2


async def test_time_that_is_up_sends_nothing(replica, bulk):
    """What was never sent is said not to be invited."""
    results = await bulk.invite_all(drafts(3), Origin(timeout_seconds=0))

    assert {result.code for result in results} == {InviteErrorCode.UPSTREAM_UNAVAILABLE}
    assert {result.outcome for result in results} == {InviteOutcome.NOT_INVITED}
    assert all(result.retryable for result in results)
    assert replica.upstream.posts == []


async def test_keys_that_were_used_are_told_when_time_is_up(replica, bulk, store):
    """What an earlier request did is no less true for a list that has no time left."""
    replica.upstream.acts += [INVITES, LOSES_THE_REPLY, UNREACHABLE, UNREACHABLE, UNREACHABLE]
    for draft in drafts(3, keyed=True):
        await bulk.invite_all([draft])
    reused = a_draft(9, idempotency_key="key-0")

    results = await bulk.invite_all([*drafts(4, keyed=True), reused], Origin(timeout_seconds=0))

    assert results[0].replayed
    assert [result.outcome for result in results[1:]] == [
        InviteOutcome.UNKNOWN,
        *[InviteOutcome.NOT_INVITED] * 3,
    ]
    assert results[4].code is InviteErrorCode.IDEMPOTENCY_KEY_REUSED


async def test_a_store_that_fails_when_time_is_up_leaves_it_open(bulk, store):
    """Where no record can be read, nothing is claimed about earlier requests."""
    store.fail("read")

    [result] = await bulk.invite_all(drafts(1, keyed=True), Origin(timeout_seconds=0))

    assert (result.code, result.outcome) == (
        InviteErrorCode.UPSTREAM_UNAVAILABLE,
        InviteOutcome.UNKNOWN,
    )
    assert "could not be recorded" in result.message


async def test_a_list_sent_again_invites_nobody_twice(replica, bulk):
    """With keys, a list that is repeated sends what was not sent, and no more."""
    replica.upstream.acts += [INVITES, answers(429, retry_after="5")]
    first = await bulk.invite_all(drafts(2, keyed=True), Origin(timeout_seconds=1))
    replica.clock.now += 1

    second = await bulk.invite_all(drafts(2, keyed=True))

    assert [isinstance(result, InviteSuccess) for result in first] == [True, False]
    assert [result.replayed for result in second] == [True, False]
    assert len(replica.upstream.invited) == 2


async def test_scopes_keep_keys_apart(replica, bulk):
    """The caller's scope reaches the records."""
    for scope in ("a", "b"):
        await bulk.invite_all(drafts(1, keyed=True), Origin(scope))

    assert len(replica.upstream.posts) == 2


async def test_one_key_for_two_candidates_is_refused(replica, bulk):
    """Each candidate needs a key of its own."""
    results = await bulk.invite_all([a_draft(n, idempotency_key="k") for n in range(2)])

    assert results[1].code is InviteErrorCode.IDEMPOTENCY_KEY_REUSED
    assert len(replica.upstream.posts) == 1


@pytest.mark.parametrize("keyed", [False, True], ids=["plain", "keyed"])
async def test_a_bug_in_one_hides_no_other(replica, bulk, monkeypatch, caplog, keyed):
    """The others are told as they are; the log has the kind of the bug and nobody's name."""

    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("Candidate 0 <candidate-0@example.com>")

    good = await bulk.invite_all([a_draft(7)])
    monkeypatch.setattr(replica.upstream, "send", broken)
    with caplog.at_level(logging.DEBUG):
        bad = await bulk.invite_all([*drafts(1, keyed=keyed), a_draft(2, candidate_name="")])

    assert isinstance(good[0], InviteSuccess)
    assert (bad[0].outcome, bad[0].retryable) == (InviteOutcome.UNKNOWN, keyed)
    assert bad[1].code is InviteErrorCode.INVALID_INPUT
    assert "RuntimeError" in caplog.text
    assert "andidate-0" not in caplog.text


async def test_drain_waits_for_what_was_begun(replica, bulk, store):
    """After the drain, every invite with a key that was begun is settled."""
    replica.upstream.free.clear()
    task = asyncio.create_task(bulk.invite_all(drafts(1, keyed=True)))
    await replica.upstream.reached.wait()
    task.cancel()
    drained = asyncio.create_task(bulk.drain())
    await asyncio.sleep(0)
    assert not drained.done()

    replica.upstream.free.set()
    await drained

    [record] = store.records.values()
    assert record.state.value == "invited"


async def test_hook_is_called_for_each_of_a_list(bulk, seen):
    """Whoever watches sees every candidate, in the list's order, with whose list it was."""
    drafts, origin = [a_draft(1), a_draft(2, track_id="x")], Origin("a")

    results = await bulk.invite_all(drafts, origin)

    assert seen == [(draft, result, origin) for draft, result in zip(drafts, results, strict=True)]


async def test_attempt_that_hangs_does_not_hold_its_worker_for_the_whole_list(making, replica):
    """Each attempt has its own limit, however much time the list has."""
    bulk = making(timeout_seconds=3600, attempt_seconds=0.05)
    replica.upstream.free.clear()

    [result] = await asyncio.wait_for(bulk.invite_all([a_draft(idempotency_key="k")]), 20)

    assert isinstance(result, InviteFailure)
    assert result.outcome is InviteOutcome.UNKNOWN
    replica.upstream.free.set()
    await bulk.drain()


async def test_pause_is_that_of_the_gateways_own_account(pace):
    """Whoever shows the progress of a list says why it waits."""
    paced = PacedInviter(Refusing(LIMITED), Paces(lambda: pace), attempt_seconds=15)
    before = paced.pause_seconds
    turn = await pace.turn(deadline=within(15))
    turn.turned_away(7)

    assert (before, round(paced.pause_seconds)) == (0, 7)


def test_keys_are_not_required_unless_the_operator_says_so():
    """Most lists have none."""
    [checked] = checked_each(drafts(1))

    assert isinstance(checked, InviteRequest)
