"""One key, one invite, whatever happens on the way."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.invites.admission import Admission
from gateway.invites.deadline import within
from gateway.invites.doubt import Doubt
from gateway.invites.models import (
    InviteErrorCode,
    InviteFailure,
    InviteFormat,
    InviteOutcome,
    InviteSuccess,
    Origin,
)
from gateway.invites.record import State, next_claim, settled
from gateway.invites.retries import RetryPolicy
from gateway.invites.store import StoreUnavailableError
from gateway.invites.stored_result import packed_invite
from gateway.upstream.wire import Fault, NoReply, Reply
from tests.fakes.invites import (
    CUTS_THE_BODY,
    DIES_BEFORE_IT_ACTS,
    INVITES,
    LOSES_THE_REPLY,
    NO_TRACK,
    QUIET_SECONDS,
    UNREACHABLE,
    Act,
    MemoryStore,
    a_replica,
    answers,
    with_a_witness,
)
from tests.fakes.records import LEASE_SECONDS, NOW, a_record, a_request

ADA = "ada@example.com"
ANSWER = packed_invite(application_id="77", invite_link=None, invite_status=None, track_id="6578")


@pytest.fixture
def store():
    return MemoryStore()


@pytest.fixture
async def replica(store):
    return await a_replica(store)


@pytest.fixture
async def blind(store):
    """A gateway that does not read back."""
    return await a_replica(store, reads_back=False)


def the_record(store: MemoryStore):
    [record] = store.records.values()
    return record


async def test_repetition_is_answered_from_the_record(replica):
    """The same request again sends nothing and gets the same invite, marked as replayed."""
    first = await replica.invite()
    again = await replica.invite()

    assert isinstance(first, InviteSuccess)
    assert again == replace(first, replayed=True)
    assert replica.upstream.invites_of(ADA) == 1


async def test_another_gateway_replays(store, replica):
    """A record outlives the process that wrote it."""
    first = await replica.invite()
    other = await a_replica(store, upstream=replica.upstream)

    assert await other.invite() == replace(first, replayed=True)
    assert len(replica.upstream.posts) == 1


async def test_one_invite_costs_two_commits(store, replica):
    """The claim and the settle are all that is written, but for one look in ten minutes."""
    await replica.invite(key="looked up")
    store.calls.clear()

    await replica.invite()

    assert (store.calls["insert"], store.calls["swap"]) == (1, 1)


async def test_claim_is_on_disk_before_anything_is_sent(store, replica):
    """While the upstream is at work the record says so."""
    replica.upstream.free.clear()
    task = asyncio.create_task(replica.invite())
    await replica.upstream.reached.wait()

    assert the_record(store).state is State.SENDING

    replica.upstream.free.set()
    await task
    assert the_record(store).state is State.INVITED


async def test_key_goes_along_as_a_hash(store, replica):
    """The upstream gets one and the same key for all attempts, which tells it nothing else."""
    replica.upstream.acts += [UNREACHABLE, INVITES]

    await replica.invite(key=ADA)

    assert replica.upstream.keys == [the_record(store).record_id.hex()] * 2


@pytest.mark.parametrize(
    "changes",
    [
        {"candidate_name": "Ada King"},
        {"candidate_email": "king@example.com"},
        {"track_id": 1},
        {"invite_format": InviteFormat.GET_LINK},
    ],
    ids=lambda changes: next(iter(changes)),
)
@pytest.mark.parametrize("moment", ["after", "during"])
async def test_other_input_under_the_key_is_refused(replica, changes, moment):
    """A key that was used for other input sends nothing."""
    replica.upstream.free.clear()
    first = asyncio.create_task(replica.invite())
    await replica.upstream.reached.wait()
    if moment == "after":
        replica.upstream.free.set()
        await first

    answer = await replica.invite(a_request(**changes))

    replica.upstream.free.set()
    await first
    assert answer.code is InviteErrorCode.IDEMPOTENCY_KEY_REUSED
    assert (answer.outcome, answer.retryable) == (InviteOutcome.NOT_INVITED, False)
    assert len(replica.upstream.posts) == 1


async def test_callers_have_keys_of_their_own(replica):
    """Two callers who happen to use one key do not meet."""
    await replica.invite(scope="a")

    answer = await replica.invite(a_request(candidate_email="b@example.com"), scope="b")

    assert isinstance(answer, InviteSuccess)
    assert not answer.replayed


async def test_second_caller_waits_for_the_first(replica):
    """Requests with one key at the same time send one invite and all learn of it."""
    replica.upstream.free.clear()
    tasks = [asyncio.create_task(replica.invite()) for _ in range(5)]
    await replica.upstream.reached.wait()
    replica.upstream.free.set()

    results = await asyncio.gather(*tasks)

    assert replica.upstream.invites_of(ADA) == 1
    assert all(result.invite == results[0].invite for result in results)
    assert sorted(result.replayed for result in results) == [False, True, True, True, True]


async def test_request_at_another_gateway_waits_too(store, replica):
    """A key in flight at one gateway is waited for at another one on the same store."""
    other = await a_replica(store, upstream=replica.upstream, clock=replica.clock)
    replica.upstream.free.clear()
    first = asyncio.create_task(replica.invite())
    await replica.upstream.reached.wait()
    reads = store.calls["read"]
    second = asyncio.create_task(other.invite())
    while store.calls["read"] < reads + 2:  # noqa: ASYNC110 - it is waiting by then
        await asyncio.sleep(0)

    replica.upstream.free.set()

    assert await second == replace(await first, replayed=True)
    assert len(replica.upstream.posts) == 1


@pytest.mark.parametrize("where", ["same gateway", "other gateway"])
async def test_wait_ends_with_the_deadline(store, replica, where):
    """Whoever cannot wait until the end is told that it is not yet known."""
    other = replica if where == "same gateway" else await a_replica(store)
    replica.upstream.free.clear()
    first = asyncio.create_task(replica.invite())
    await replica.upstream.reached.wait()

    answer = await other.invite(seconds=0.03)

    assert answer.code is InviteErrorCode.IDEMPOTENCY_KEY_IN_PROGRESS
    assert (answer.outcome, answer.retryable) == (InviteOutcome.UNKNOWN, True)
    replica.upstream.free.set()
    await first


async def test_hang_up_does_not_cut_an_invite_in_half(store, replica):
    """A caller that goes away leaves a settled record behind."""
    replica.upstream.free.clear()
    task = asyncio.create_task(replica.invite())
    await replica.upstream.reached.wait()

    task.cancel()
    await asyncio.wait([task])
    replica.upstream.free.set()
    await replica.inviter.drain()

    assert task.cancelled()
    assert the_record(store).state is State.INVITED


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (answers(400), InviteErrorCode.INVALID_INPUT),
        (NO_TRACK, InviteErrorCode.TRACK_NOT_FOUND),
        (answers(409), InviteErrorCode.ALREADY_INVITED),
    ],
    ids=lambda value: getattr(value, "value", ""),
)
async def test_refusal_is_final(store, replica, act, code):
    """What the upstream refused is answered again without asking it again."""
    replica.upstream.acts.append(act)

    first = await replica.invite()
    again = await replica.invite()

    assert (first.code, first.outcome) == (code, InviteOutcome.NOT_INVITED)
    assert again == first
    assert len(replica.upstream.posts) == 1
    assert the_record(store).state is State.REFUSED


@pytest.mark.parametrize(
    "act",
    [
        UNREACHABLE,
        answers(429),
        answers(401),
        answers(403),
        answers(403, b'{"message": "no", "error": "limit_exceed"}'),
        answers(307),
        *(answers(status, b"<html>blocked</html>") for status in (400, 401, 403, 404, 409, 422)),
        *(answers(status, b'{"message": "no route"}') for status in (401, 403, 404)),
    ],
)
async def test_what_was_not_looked_at_may_be_sent_again(store, replica, act):
    """Where nothing was done and the request is not to blame, the key stays good."""
    replica.upstream.acts += [act] * 3
    first = await replica.invite()
    state = the_record(store).state
    replica.upstream.acts.clear()

    again = await replica.invite()

    assert first.outcome is InviteOutcome.NOT_INVITED
    assert state is State.RELEASED
    assert isinstance(again, InviteSuccess)
    assert (again.replayed, the_record(store).attempt) == (False, 2)


@pytest.mark.parametrize(
    "act",
    [
        LOSES_THE_REPLY,
        DIES_BEFORE_IT_ACTS,
        answers(500),
        answers(503),
        answers(302),
        answers(303),
        answers(200, b"<html>maintenance</html>"),
        answers(200, b'{"success": false}'),
        answers(200, b'{"track_id": 1}'),
    ],
)
async def test_unknown_end_is_not_sent_again(store, blind, act):
    """Without a look at the list, an open end stays open, and no repetition can change that."""
    blind.upstream.acts.append(act)

    first = await blind.invite()
    again = await blind.invite()

    assert (first.outcome, first.retryable) == (InviteOutcome.UNKNOWN, False)
    assert "check before inviting again" in first.message
    assert again == first
    assert len(blind.upstream.posts) == 1
    assert the_record(store).state is State.UNKNOWN


@pytest.mark.parametrize("act", [LOSES_THE_REPLY, CUTS_THE_BODY])
async def test_lost_reply_is_looked_up(store, replica, act):
    """An invite that the list shows is a success, of which only the link stays unknown."""
    replica.upstream.acts.append(act)

    first = await replica.invite()
    again = await replica.invite()

    assert isinstance(first, InviteSuccess)
    assert first.invite.application_id == "1000"
    assert (first.invite.invite_link, first.replayed) == (None, False)
    assert again == replace(first, replayed=True)
    assert the_record(store).state is State.INVITED


@pytest.mark.parametrize(("after", "slept"), [("3", [3]), ("600", []), (None, [])])
async def test_busy_upstream_is_left_in_peace(replica, monkeypatch, after, slept):
    """Before the look-up a `Retry-After` is waited for, if the caller's time allows."""
    waits: list[float] = []
    sleep = asyncio.sleep

    async def noted(seconds: float) -> None:
        if seconds:
            waits.append(seconds)
        await sleep(0)

    replica.upstream.acts.append(answers(503, retry_after=after))
    monkeypatch.setattr("gateway.invites.keyed.asyncio.sleep", noted)

    answer = await replica.invite()

    assert waits == slept
    assert answer.outcome is InviteOutcome.UNKNOWN
    assert replica.upstream.looks == 1


async def test_unreadable_success_stays_a_success(store, blind):
    """A 2xx without details is INVITED now and for every repetition."""
    blind.upstream.acts.append(CUTS_THE_BODY)

    first = await blind.invite()
    again = await blind.invite()

    assert isinstance(first, InviteFailure)
    assert (first.outcome, again) == (InviteOutcome.INVITED, first)
    assert the_record(store).state is State.INVITED


async def test_lost_reply_is_looked_up_by_the_next_request(store, replica):
    """An invite that the list shows late is found when the caller asks again."""
    replica.upstream.acts.append(LOSES_THE_REPLY)
    replica.upstream.listed_from = NOW + 10

    first = await replica.invite()
    replica.clock.now += 10
    again = await replica.invite()

    assert first.outcome is InviteOutcome.UNKNOWN
    assert isinstance(again, InviteSuccess)
    assert again.replayed
    assert await replica.invite() == again
    assert len(replica.upstream.posts) == 1


async def test_absent_invite_is_sent_after_a_second_look(store, replica):
    """What the list still does not show after the quiet period was not made, and is made now."""
    await with_a_witness(replica)
    replica.upstream.acts.append(DIES_BEFORE_IT_ACTS)
    first = await replica.invite()
    look = await replica.invite()
    replica.clock.now += QUIET_SECONDS

    again = await replica.invite()

    assert [answer.outcome for answer in (first, look)] == [InviteOutcome.UNKNOWN] * 2
    assert isinstance(again, InviteSuccess)
    assert not again.replayed
    assert await replica.invite() == replace(again, replayed=True)
    assert replica.upstream.invites_of(ADA) == 1


async def test_absence_is_not_believed_too_early(replica):
    """However often the list is looked at, before the quiet period nothing is sent."""
    await with_a_witness(replica)
    replica.upstream.acts.append(DIES_BEFORE_IT_ACTS)
    await replica.invite()
    await replica.invite()
    replica.clock.now += QUIET_SECONDS - 1

    for _ in range(3):
        await replica.invite()

    assert replica.upstream.invites_of(ADA) == 0


async def test_list_that_shows_no_invites_is_no_proof(replica):
    """Absence from a list on which not even known invites appear proves nothing."""
    replica.upstream.acts.append(DIES_BEFORE_IT_ACTS)
    await replica.invite()
    await replica.invite()
    replica.clock.now += QUIET_SECONDS

    answer = await replica.invite()

    assert answer.outcome is InviteOutcome.UNKNOWN
    assert len(replica.upstream.posts) == 1


async def test_second_invite_of_a_listed_person_is_not_repeated(replica):
    """Where the list has one entry for a person, it cannot tell that a second invite was not made."""
    replica.upstream.lists_a_person_once = True
    await replica.invite(key="first")
    replica.clock.now += 1
    replica.upstream.acts.append(LOSES_THE_REPLY)

    told = []
    for _ in range(4):
        told.append(await replica.invite(key="second"))
        await replica.reconciler.reconcile()
        replica.clock.now += QUIET_SECONDS

    assert {one.outcome for one in told} == {InviteOutcome.UNKNOWN}
    # Once the list cannot be behind any more, a repetition learns nothing new.
    assert [one.retryable for one in told] == [True, False, False, False]
    assert replica.upstream.invites_of(ADA) == 2


async def test_conflict_after_an_open_end_is_no_refusal(replica):
    """A 409 after an attempt of unknown end may be that attempt's own invite."""
    await with_a_witness(replica)
    replica.upstream.acts.append(DIES_BEFORE_IT_ACTS)
    await replica.invite()
    await replica.invite()
    replica.clock.now += QUIET_SECONDS
    replica.upstream.acts.append(answers(409))

    answer = await replica.invite()

    assert answer.code is InviteErrorCode.ALREADY_INVITED
    assert (answer.outcome, answer.retryable) == (InviteOutcome.UNKNOWN, True)


async def test_conflict_after_a_refusal_to_look_is_a_refusal(store, replica):
    """Where all earlier attempts provably did nothing, a 409 is about somebody else's invite."""
    replica.upstream.acts += [*[answers(429)] * 3, answers(401)]
    for _ in range(2):
        replica.clock.now += 1
        await replica.invite()
    replica.clock.now += 1
    replica.upstream.acts.append(answers(409))

    answer = await replica.invite()

    assert (answer.code, answer.outcome) == (
        InviteErrorCode.ALREADY_INVITED,
        InviteOutcome.NOT_INVITED,
    )
    assert the_record(store).state is State.REFUSED


async def test_doubt_outlives_later_attempts(replica):
    """A 409 may be about an attempt of unknown end, whatever was proved of those after it."""
    await with_a_witness(replica)
    replica.upstream.acts.append(DIES_BEFORE_IT_ACTS)
    await replica.invite()
    for _ in range(2):
        await replica.reconciler.reconcile()
        replica.clock.now += QUIET_SECONDS
    replica.upstream.acts += [answers(401), answers(409)]
    refused = await replica.invite()
    replica.clock.now += 1

    answer = await replica.invite()

    assert refused.code is InviteErrorCode.UPSTREAM_UNAUTHORIZED
    assert (answer.code, answer.outcome) == (InviteErrorCode.ALREADY_INVITED, InviteOutcome.UNKNOWN)


async def test_conflict_after_an_open_end_is_looked_up(replica):
    """If the list shows the candidate by then, the 409 was about our own invite."""
    await with_a_witness(replica)
    replica.upstream.acts += [LOSES_THE_REPLY, answers(409)]
    replica.upstream.list_reply = Reply(500)
    await replica.invite()
    replica.upstream.list_reply = None
    hidden = replica.upstream.invited.pop()
    await replica.invite()
    replica.clock.now += QUIET_SECONDS

    task = asyncio.create_task(replica.invite())
    replica.upstream.reached.clear()
    replica.upstream.free.clear()
    await replica.upstream.reached.wait()
    replica.upstream.invited.append(hidden)
    replica.upstream.free.set()

    assert isinstance(await task, InviteSuccess)
    assert replica.upstream.invites_of(ADA) == 1


async def test_abandoned_claim_is_in_doubt(store, replica):
    """What a crash left behind is neither sent blindly nor called done."""
    store.records[a_record().record_id] = a_record()
    replica.clock.now += LEASE_SECONDS

    answer = await replica.invite()

    assert (answer.outcome, answer.retryable) == (InviteOutcome.UNKNOWN, True)
    assert replica.upstream.posts == []


async def test_waiting_for_a_dead_gateway_ends_with_its_lease(store, replica):
    """Whoever waits for a key of a gateway that died goes on once the lease is over."""
    store.records[a_record().record_id] = a_record()
    waiting = asyncio.create_task(replica.invite())
    while store.calls["read"] < 2:  # noqa: ASYNC110 - it is waiting by then
        await asyncio.sleep(0)

    replica.clock.now += LEASE_SECONDS
    # Far sooner than the caller's own twenty seconds.
    answer = await asyncio.wait_for(waiting, 10)

    assert (answer.code, answer.outcome) == (InviteErrorCode.UPSTREAM_FAULT, InviteOutcome.UNKNOWN)
    assert replica.upstream.posts == []


async def test_invite_of_a_dead_gateway_is_found_once_its_lease_is_over(store, replica):
    """Whoever waits for it gets it, if the list shows it."""
    store.records[a_record().record_id] = a_record()
    replica.upstream.add(ADA, at=NOW + 1)
    waiting = asyncio.create_task(replica.invite())
    while store.calls["read"] < 2:  # noqa: ASYNC110 - it is waiting by then
        await asyncio.sleep(0)

    replica.clock.now += LEASE_SECONDS
    answer = await asyncio.wait_for(waiting, 10)

    assert isinstance(answer, InviteSuccess)
    assert the_record(store).state is State.INVITED


async def test_failed_claim_sends_nothing(store, replica):
    """If the claim is not on disk, not a byte leaves."""
    store.fail("insert")

    answer = await replica.invite()

    assert answer.code is InviteErrorCode.UPSTREAM_UNAVAILABLE
    assert (answer.outcome, answer.retryable) == (InviteOutcome.NOT_INVITED, True)
    assert replica.upstream.posts == []


@pytest.mark.parametrize("gone", [False, True], ids=["stands", "gone"])
async def test_failed_later_claim_sends_nothing(store, replica, gone):
    """A record that stands as before, or is purged by now, is nobody's claim: told at once."""
    replica.upstream.acts += [UNREACHABLE] * 3
    await replica.invite()
    sent = len(replica.upstream.posts)
    replica.upstream.acts.clear()
    swap = store.swap

    async def failing_swap(record, *, was):
        store.swap = swap
        if gone:
            store.records.clear()
        raise StoreUnavailableError("no")

    store.swap = failing_swap

    answer = await replica.invite()

    assert answer.code is InviteErrorCode.UPSTREAM_UNAVAILABLE
    assert (answer.outcome, answer.retryable) == (InviteOutcome.NOT_INVITED, True)
    assert len(replica.upstream.posts) == sent


async def test_unclear_claim_sends_nothing(store, replica):
    """If nobody knows whose claim is on disk, not a byte leaves, and nothing is claimed."""
    store.fail("insert", when="after")

    answer = await replica.invite(seconds=0.03)

    assert answer.code is InviteErrorCode.IDEMPOTENCY_KEY_IN_PROGRESS
    assert (answer.outcome, answer.retryable) == (InviteOutcome.UNKNOWN, True)
    assert replica.upstream.posts == []


async def test_failed_claim_does_not_hide_anothers_invite(store, replica):
    """A claim that failed while another gateway made the invite is answered with that invite."""
    other = await a_replica(store, upstream=replica.upstream, clock=replica.clock)
    store.fail("insert")

    results = await asyncio.gather(replica.invite(), other.invite())

    told = {getattr(result, "outcome", InviteOutcome.INVITED) for result in results}
    assert told == {InviteOutcome.INVITED}
    assert replica.upstream.invites_of(ADA) == 1


async def test_unreadable_store_promises_nothing(store, replica):
    """If not even earlier requests can be looked up, nobody knows what became of them."""
    await replica.invite()
    store.fail("read")

    answer = await replica.invite()

    assert (answer.outcome, answer.retryable) == (InviteOutcome.UNKNOWN, True)
    assert len(replica.upstream.posts) == 1


async def test_store_that_hangs_is_not_waited_for(store, replica):
    """A caller is answered in its time, also if the store does not even say no."""
    free = asyncio.Event()
    insert = store.insert

    async def hanging_insert(record):
        await free.wait()
        return await insert(record)

    store.insert = hanging_insert

    answer = await replica.invite(seconds=-0.99)

    assert answer.code is InviteErrorCode.IDEMPOTENCY_KEY_IN_PROGRESS
    assert (answer.outcome, answer.retryable) == (InviteOutcome.UNKNOWN, True)
    free.set()
    await replica.inviter.drain()


async def test_success_is_told_before_a_slow_store_has_it(store, replica):
    """A known 2xx reaches its caller in time though recording it takes longer."""
    swap, free = store.swap, asyncio.Event()

    async def slow_swap(record, *, was):
        await free.wait()
        return await swap(record, was=was)

    store.swap = slow_swap

    answer = await replica.invite(seconds=0.5)
    free.set()
    await replica.inviter.drain()

    assert isinstance(answer, InviteSuccess)
    assert the_record(store).state is State.INVITED


@pytest.mark.parametrize(
    ("seconds", "grace"), [(20, 0.01), (0.3, 60)], ids=["time-left", "within-the-grace"]
)
async def test_slow_settle_is_waited_for(store, replica, monkeypatch, seconds, grace):
    """What another process has settled meanwhile is the answer, not this one's own failure.

    That holds while the caller has time, and for a moment longer.
    """
    monkeypatch.setattr("gateway.invites.running._GRACE_SECONDS", grace)
    swap, reached, free = store.swap, asyncio.Event(), asyncio.Event()
    replica.upstream.acts.append(answers(401))

    async def slow_swap(record, *, was):
        reached.set()
        await free.wait()
        return await swap(record, was=was)

    store.swap = slow_swap
    slow = asyncio.create_task(replica.invite(seconds=seconds))
    await reached.wait()
    claim = the_record(store)
    later = next_claim(claim, now=replica.clock.now, lease_seconds=LEASE_SECONDS)
    store.records[claim.record_id] = settled(later, State.INVITED, now=NOW, answer=ANSWER)
    # Longer than the shorter of the two.
    asyncio.get_running_loop().call_later(0.5, free.set)

    answer = await slow

    assert isinstance(answer, InviteSuccess)
    assert answer.invite.application_id == "77"


async def test_closed_store_promises_nothing(replica):
    """A gateway whose store is not open sends nothing with a key."""
    await replica.records.close()

    answer = await replica.invite()

    assert (answer.outcome, answer.retryable) == (InviteOutcome.UNKNOWN, True)
    assert replica.upstream.posts == []


@pytest.mark.parametrize("when", ["before", "after"])
async def test_failed_settle_does_not_spoil_a_success(store, replica, when):
    """A known 2xx is told even if it cannot be written down, and is written later."""
    store.fail("swap", when=when)

    answer = await replica.invite()
    await replica.inviter.drain()

    assert isinstance(answer, InviteSuccess)
    assert the_record(store).state is State.INVITED


async def test_store_failure_while_waiting(store, replica):
    """A store that fails while another gateway is waited for ends the wait with the truth."""
    store.records[a_record().record_id] = a_record()
    waiting = asyncio.create_task(replica.invite())
    while store.calls["read"] < 1:  # noqa: ASYNC110 - it is waiting by then
        await asyncio.sleep(0)
    store.fail("read", times=2)

    assert (await waiting).outcome is InviteOutcome.UNKNOWN


async def test_store_failure_while_resolving(store, replica):
    """A record that cannot be settled after the read-back stays what it is."""
    replica.upstream.acts.append(LOSES_THE_REPLY)
    replica.upstream.listed_from = NOW + 10
    first = await replica.invite()
    replica.clock.now += 10
    store.fail("swap")

    again = await replica.invite()

    assert again == first


async def test_store_failure_after_sending_is_no_proof(store, replica, monkeypatch):
    """Once bytes have left, nothing that the store does makes it NOT_INVITED."""
    replica.upstream.acts.append(LOSES_THE_REPLY)

    async def fail(*_, **__):
        raise StoreUnavailableError("the store is closed")

    monkeypatch.setattr(replica.read_back, "look_for", fail)

    answer = await replica.invite()

    assert (answer.outcome, answer.retryable) == (InviteOutcome.UNKNOWN, True)
    assert the_record(store).doubt is Doubt.NOT_LOOKED_UP


async def test_store_failure_while_looking_up_a_conflict_is_no_refusal(replica, monkeypatch):
    """A 409 after an open attempt stays open where even the look-up fails."""
    await with_a_witness(replica)
    replica.upstream.acts.append(DIES_BEFORE_IT_ACTS)
    await replica.invite()
    await replica.invite()
    replica.clock.now += QUIET_SECONDS
    replica.upstream.acts.append(answers(409))
    look_for = replica.read_back.look_for

    async def fails_after_sending(*args, whole=True, **options):
        if not whole:
            raise StoreUnavailableError("the store is closed")
        return await look_for(*args, **options)

    monkeypatch.setattr(replica.read_back, "look_for", fails_after_sending)

    answer = await replica.invite()

    assert answer.code is InviteErrorCode.ALREADY_INVITED
    assert (answer.outcome, answer.retryable) == (InviteOutcome.UNKNOWN, True)


@pytest.mark.parametrize("reply", [answers(401).reply, answers(403).reply, NO_TRACK.reply])
async def test_repetition_is_not_offered_where_the_list_is_closed(store, replica, reply):
    """A record that can only stay as it is tells nobody to try again."""
    replica.upstream.list_reply = reply
    replica.upstream.acts.append(LOSES_THE_REPLY)

    told = [await replica.invite(), await replica.invite()]

    assert {(one.outcome, one.retryable) for one in told} == {(InviteOutcome.UNKNOWN, False)}
    assert the_record(store).doubt is Doubt.REFUSED


async def test_callers_own_key_is_never_looked_up(store, replica):
    """Its account's list cannot be read, so neither the caller nor the reconciler learns more."""
    replica.upstream.acts.append(LOSES_THE_REPLY)
    origin = Origin(upstream_api_key="theirs")
    first = await replica.inviter.invite(a_request(), "key-1", origin, deadline=within(9))
    again = await replica.invite()
    report = await replica.reconciler.reconcile()

    assert (first.outcome, first.retryable) == (InviteOutcome.UNKNOWN, False)
    assert again == first
    assert [left.why for left in report.open] == [Doubt.OWN_KEY]
    assert the_record(store).state is State.UNKNOWN


async def test_list_that_hides_who_has_not_acted_sends_nothing_twice(replica):
    """An old invite that was opened since is listed, and proves nothing of one that was not."""
    replica.upstream.opened = set()
    await replica.invite(a_request(candidate_email="witness@example.com"), key="witness")
    replica.upstream.opened.add(1000)
    replica.clock.now += 2 * QUIET_SECONDS
    replica.upstream.acts.append(LOSES_THE_REPLY)

    told = []
    for _ in range(4):
        told.append(await replica.invite())
        await replica.reconciler.reconcile()
        replica.clock.now += QUIET_SECONDS

    assert {one.outcome for one in told} == {InviteOutcome.UNKNOWN}
    assert replica.upstream.invites_of(ADA) == 1


async def test_invite_of_another_key_is_not_told_as_this_ones(store, replica):
    """A link was made under one key; that the e-mail of another failed is not hidden by it."""
    made = await replica.invite(a_request(invite_format=InviteFormat.GET_LINK), key="link")
    replica.clock.now += 1
    replica.upstream.acts.append(DIES_BEFORE_IT_ACTS)

    answer = await replica.invite(key="mail")

    assert isinstance(made, InviteSuccess)
    assert answer.outcome is InviteOutcome.UNKNOWN
    assert [record.doubt for record in store.records.values()] == [None, Doubt.OTHER_RECORD]


async def test_whole_list_is_read_where_the_filter_misses(replica):
    """A platform that takes `+` for a pattern finds nobody by such an address."""
    request = a_request(candidate_email="ada+ats@example.com")
    replica.upstream.filter_misses = True
    replica.upstream.acts.append(LOSES_THE_REPLY)

    first = await replica.invite(request)
    again = await replica.invite(request)

    assert first.outcome is InviteOutcome.UNKNOWN
    assert isinstance(again, InviteSuccess)
    assert replica.upstream.invites_of("ada+ats@example.com") == 1


async def test_clock_that_jumps_does_not_end_a_quiet_period(replica):
    """Absence is believed once the time has truly passed."""
    await with_a_witness(replica)
    replica.upstream.acts.append(DIES_BEFORE_IT_ACTS)
    await replica.invite()
    await replica.invite()
    replica.clock.wall_ahead += 10 * QUIET_SECONDS
    jumped = await replica.invite()
    replica.clock.now += QUIET_SECONDS

    later = await replica.invite()

    assert jumped.outcome is InviteOutcome.UNKNOWN
    assert isinstance(later, InviteSuccess)


async def test_lost_race_is_looked_at_again(store, replica):
    """A gateway that loses the race for a new key answers from the winner's record."""
    other = await a_replica(store, upstream=replica.upstream, clock=replica.clock)

    results = await asyncio.gather(replica.invite(), other.invite())

    assert replica.upstream.invites_of(ADA) == 1
    assert sorted(result.replayed for result in results) == [False, True]


async def test_store_failure_after_a_lost_race(store, replica):
    """If the winner's record cannot be read, nothing is claimed to be known."""
    other = await a_replica(store, upstream=replica.upstream, clock=replica.clock)
    replica.upstream.free.clear()
    first = asyncio.create_task(replica.invite())
    await replica.upstream.reached.wait()
    store.fail("read")

    assert (await other.invite()).outcome is InviteOutcome.UNKNOWN
    replica.upstream.free.set()
    await first


async def test_new_key_costs_the_store_no_question(store, replica):
    """It is claimed and settled: two commits, and no look beforehand."""
    await replica.invite(key="looked up")
    store.calls.clear()

    await replica.invite()

    assert (store.calls["read"], store.calls["insert"], store.calls["swap"]) == (0, 1, 1)


async def test_answer_that_is_there_waits_for_no_place(store):
    """A repeated request is answered from its record while all places are taken."""
    replica = await a_replica(store, admission=Admission(1, queue=0, max_wait_seconds=1))
    first = await replica.invite()
    await replica.admission.enter()

    assert await replica.invite() == replace(first, replayed=True)


async def test_no_place_means_no_record(store):
    """A request that is shed leaves nothing behind."""
    replica = await a_replica(store, admission=Admission(1, queue=0, max_wait_seconds=1))
    await replica.admission.enter()

    answer = await replica.invite()

    assert (answer.outcome, answer.retryable) == (InviteOutcome.NOT_INVITED, True)
    assert answer.retry_after_seconds == 1
    assert store.records == {}


async def test_place_is_waited_for_no_longer_than_the_caller_has(store):
    """A request with a key is shed at its deadline, however long the queue may be waited in."""
    replica = await a_replica(store, admission=Admission(1, queue=1, max_wait_seconds=60))
    await replica.admission.enter()

    async with asyncio.timeout(10):
        answer = await replica.invite(seconds=0.01)

    assert (answer.code, answer.outcome) == (
        InviteErrorCode.UPSTREAM_UNAVAILABLE,
        InviteOutcome.NOT_INVITED,
    )
    assert store.records == {}


async def test_store_is_asked_ever_more_rarely(store, replica, monkeypatch):
    """Another gateway's invite may take long, and its record is read again and again."""
    claim = a_record()
    store.records[claim.record_id] = claim
    sleep, slept = asyncio.sleep, []

    async def noted(seconds: float) -> None:
        if seconds:
            slept.append(seconds)
        if len(slept) == 7:
            store.records[claim.record_id] = settled(claim, State.INVITED, now=NOW, answer=ANSWER)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", noted)
    answer = await replica.invite()

    assert answer.invite.application_id == "77"
    assert slept == [0.02, 0.04, 0.08, 0.16, 0.32, 0.5, 0.5]


async def test_what_another_has_settled_meanwhile_counts(store, replica, monkeypatch):
    """Somebody settles a record by hand while it is looked up."""
    replica.upstream.acts.append(LOSES_THE_REPLY)
    replica.upstream.listed_from = NOW + 10
    await replica.invite()
    replica.clock.now += 10
    swap = store.swap

    async def overtaken(record, *, was) -> bool:
        store.records[was.record_id] = settled(was, State.INVITED, now=NOW, answer=ANSWER)
        return bool(await swap(record, was=was))

    monkeypatch.setattr(store, "swap", overtaken)
    answer = await replica.invite()

    assert answer.invite.application_id == "77"


async def test_place_comes_back(replica):
    """However an invite ends, its place is free again."""
    replica.upstream.acts += [INVITES, LOSES_THE_REPLY, answers(400), answers(500)]

    for number in range(4):
        await replica.invite(key=f"{number}")

    assert replica.admission.in_use == 0


async def paused_past_its_lease(store, replica, act):
    """A gateway sends, is paused, and finds that another one has taken the key over."""
    replica.upstream.free.clear()
    replica.upstream.acts.append(act)
    slow = asyncio.create_task(replica.invite())
    await replica.upstream.reached.wait()
    claim = the_record(store)
    later = replace(claim, attempt=claim.attempt + 1, lease_until=NOW + 999)
    store.records[claim.record_id] = later
    return slow, later


async def test_paused_gateway_does_not_overwrite(store, replica):
    """What a gateway learns after it was taken over changes nothing on disk."""
    slow, later = await paused_past_its_lease(store, replica, UNREACHABLE)
    replica.upstream.acts.append(UNREACHABLE)
    replica.upstream.acts.append(UNREACHABLE)
    replica.upstream.free.set()

    answer = await slow

    assert the_record(store) == later
    assert answer.code is InviteErrorCode.IDEMPOTENCY_KEY_IN_PROGRESS


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        (State.INVITED, InviteOutcome.INVITED),
        (State.UNKNOWN, InviteOutcome.UNKNOWN),
        (State.RELEASED, InviteOutcome.UNKNOWN),
    ],
)
async def test_paused_gateway_tells_what_became_of_the_key(store, replica, state, outcome):
    """Its own failure is not the truth any more: the later attempt's end is."""
    slow, later = await paused_past_its_lease(store, replica, answers(400))
    answer = b'{"application_id":"7","invite_link":null,"invite_status":null,"track_id":"6578"}'
    store.records[later.record_id] = replace(
        later, state=state, answer=answer if state is State.INVITED else None
    )
    replica.upstream.free.set()

    told = await slow

    known = InviteOutcome.INVITED if isinstance(told, InviteSuccess) else told.outcome
    assert known is outcome


async def test_paused_gateway_finds_the_key_used_for_something_else(store, replica):
    """Where the record was purged and the key used anew, that is what is told."""
    slow, later = await paused_past_its_lease(store, replica, answers(400))
    store.records[later.record_id] = replace(later, fingerprint=b"other")
    replica.upstream.free.set()

    assert (await slow).code is InviteErrorCode.IDEMPOTENCY_KEY_REUSED


async def test_late_success_is_told_as_it_is(store, replica):
    """A 2xx that comes late is still the truth about the candidate."""
    slow, later = await paused_past_its_lease(store, replica, INVITES)
    replica.upstream.free.set()

    assert isinstance(await slow, InviteSuccess)
    assert the_record(store) == later


async def test_failed_call_is_within_the_deadline(replica):
    """The upstream gets no more time than the caller has."""
    await replica.invite(seconds=5)

    assert 4 < replica.upstream.timeouts[0] <= 5


@pytest.mark.parametrize("clock", ["now", "wall_ahead"])
async def test_lease_that_passed_before_sending_stops_it(store, replica, monkeypatch, clock):
    """Half a lease from the claim, on either clock, the client may not send any more."""
    seen: list[bool] = []

    async def send(call):
        setattr(replica.clock, clock, getattr(replica.clock, clock) + LEASE_SECONDS / 2 - 1)
        seen.append(call.may_send())
        setattr(replica.clock, clock, getattr(replica.clock, clock) + 1)
        seen.append(call.may_send())
        return NoReply(Fault.DEADLINE, possibly_sent=False)

    monkeypatch.setattr(replica.upstream, "send", send)
    monkeypatch.setattr(replica.inviter._sender, "_policy", RetryPolicy(attempts=1))

    await replica.invite()

    assert seen == [True, False]
    assert the_record(store).state is State.RELEASED


@pytest.mark.parametrize(
    "act", [answers(429), UNREACHABLE, answers(401)], ids=["429", "unreachable", "401"]
)
async def test_conflict_after_what_was_proved_undone_is_a_refusal(store, act):
    """Where no attempt before can have invited, the candidate is somebody else's."""
    replica = await a_replica(store, policy=RetryPolicy(attempts=1))
    replica.upstream.acts += [act, answers(409)]
    await replica.invite()
    replica.upstream.add(ADA)

    answer = await replica.invite()

    assert (answer.code, answer.outcome, answer.retryable) == (
        InviteErrorCode.ALREADY_INVITED,
        InviteOutcome.NOT_INVITED,
        False,
    )


async def test_doubt_outlives_what_was_proved_undone(replica):
    """That a later attempt did nothing says nothing of an earlier one, which may act late."""
    await with_a_witness(replica)
    replica.upstream.acts.append(DIES_BEFORE_IT_ACTS)
    await replica.invite()
    await replica.invite()
    replica.clock.now += QUIET_SECONDS
    replica.upstream.acts += [answers(401), answers(409)]
    await replica.invite()
    replica.upstream.list_reply = Reply(503, b"")

    answer = await replica.invite()

    assert answer.code is InviteErrorCode.ALREADY_INVITED
    assert answer.outcome is InviteOutcome.UNKNOWN


async def test_a_person_is_invited_once(store):
    """Where persons count, neither another key nor another name sends a second invite."""
    replica = await a_replica(store, by_person=True)
    await replica.invite(scope="account")

    again = await replica.invite(a_request(candidate_name="Ada King"), key="k2", scope="account")
    elsewhere = await replica.invite(scope="another account")

    assert again.replayed
    assert not elsewhere.replayed
    assert len(replica.upstream.posts) == 2


async def test_a_corrected_name_is_sent_once_the_first_is_proved_not_to_be(store):
    """A person in doubt stays in doubt under the corrected name too."""
    replica = await a_replica(store, by_person=True, reads_back=False)
    replica.upstream.acts += [LOSES_THE_REPLY, UNREACHABLE, UNREACHABLE, UNREACHABLE]
    renamed = a_request(candidate_name="Ada King")
    doubt = [await replica.invite(r, scope="account") for r in (a_request(), renamed)]
    other = a_request(candidate_email="bob@example.com")

    released = await replica.invite(other, scope="account")
    sent = await replica.invite(replace(other, candidate_name="Bob B."), scope="account")

    assert [result.outcome for result in doubt] == [InviteOutcome.UNKNOWN] * 2
    assert released.outcome is InviteOutcome.NOT_INVITED
    assert isinstance(sent, InviteSuccess)
    assert replica.upstream.posts[-1]["candidate_name"] == "Bob B."
    assert len(replica.upstream.invited) == 2


async def test_replay_is_the_first_answer(replica):
    """Also in the platform's own spelling of name and address."""
    body = (
        b'{"application_id": 7, "email": "ADA@Example.com", "name": "A. Lovelace",'
        b' "track_id": 6578, "invite_link": "https://x.example/1"}'
    )
    replica.upstream.acts.append(Act(Reply(201, body)))

    first = await replica.invite()
    again = await replica.invite()

    assert first.invite.email == "ADA@Example.com"
    assert again == replace(first, replayed=True)


async def test_only_refusals_called_final_are_kept(store):
    """The command that reads a list sends what the platform refused again, once it is corrected."""
    replica = await a_replica(store, final_refusals=())
    replica.upstream.acts.append(NO_TRACK)

    refused, again = await replica.invite(), await replica.invite()

    assert refused.code is InviteErrorCode.TRACK_NOT_FOUND
    assert isinstance(again, InviteSuccess)


async def test_store_is_asked_again_only_as_often_as_said(store):
    """With no waits left, an end that could not be recorded is left to the reconciler."""
    replica = await a_replica(store, settle_waits=())
    store.fail("swap")

    await replica.invite()
    await replica.inviter.drain()

    assert the_record(store).state is State.SENDING
