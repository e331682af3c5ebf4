"""Requests with a key in progress: who begins them, who joins, and whose time is up."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from gateway.invites.deadline import within
from gateway.invites.failures import in_progress
from gateway.invites.models import ANYONE, Invite, InviteErrorCode, InviteResult, InviteSuccess
from gateway.invites.record import Record, State, settled
from gateway.invites.running import Job, Running
from tests.fakes.records import HASHER, NOW, a_record, a_request

IDENTITY = HASHER.identify(a_request(), "key-1", scope="")
DONE = InviteSuccess(Invite("7", "ada@example.com", None, None, "Ada", "6578"))
OUTCOME = settled(a_record(), State.INVITED, now=NOW)


@dataclass
class Work:
    """What is done for a job: `free` lets it end, in DONE or with `error`."""

    error: BaseException | None = None
    known: Record | None = None
    """The outcome that is being recorded while the work is not free to end."""
    success: InviteSuccess | None = None
    free: asyncio.Event = field(default_factory=asyncio.Event)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    ended: list[str] = field(default_factory=list)

    async def __call__(self, job: Job) -> InviteSuccess:
        if self.known is not None:
            job.success, job.unsettled = self.success, self.known
        self.begun.set()
        try:
            await self.free.wait()
        except asyncio.CancelledError:
            self.ended.append("cancelled")
            raise
        self.ended.append("done")
        if self.error is not None:
            raise self.error
        return DONE


@pytest.fixture
def work():
    return Work()


@pytest.fixture
def late():
    """The outcomes that were left to the background."""
    return []


@pytest.fixture
def running(work, late):
    return Running(work, settle_late=late.append)


def a_job(seconds: float = 20) -> Job:
    return Job(a_request(), IDENTITY, ANYONE, within(seconds))


async def joined(running: Running, *, seconds: float = 9) -> InviteResult:
    job = running.of(IDENTITY)
    assert job is not None
    return await running.join(job, IDENTITY.fingerprint, deadline=within(seconds))


async def test_result_is_passed_on(running, work):
    """Whoever begins a job gets what it came to, and it is not in progress any more."""
    work.free.set()

    assert await running.begin(a_job()) is DONE
    assert running.of(IDENTITY) is None


async def test_who_joins_gets_the_same_result(running, work):
    """One job for one key."""
    first = asyncio.create_task(running.begin(a_job()))
    await work.begun.wait()
    others = [asyncio.create_task(joined(running)) for _ in range(2)]
    await asyncio.sleep(0)
    work.free.set()

    assert await asyncio.gather(first, *others) == [DONE] * 3
    assert work.ended == ["done"]


async def test_who_begins_can_leave(running, work):
    """A caller that is cancelled takes neither the job nor the others with it."""
    first = asyncio.create_task(running.begin(a_job()))
    await work.begun.wait()
    other = asyncio.create_task(joined(running))
    await asyncio.sleep(0)

    first.cancel()
    await asyncio.wait([first])
    work.free.set()

    assert await other is DONE
    assert first.cancelled()


async def test_who_joins_can_leave(running, work):
    """As little as the one who began."""
    first = asyncio.create_task(running.begin(a_job()))
    await work.begun.wait()
    other = asyncio.create_task(joined(running))
    await asyncio.sleep(0)

    other.cancel()
    await asyncio.wait([other])
    work.free.set()

    assert await first is DONE


async def test_time_of_the_first_caller_is_not_that_of_the_others(running, work):
    """Each is answered in its own time, and the job goes on."""
    first = asyncio.create_task(running.begin(a_job(seconds=-1)))
    await work.begun.wait()
    other = asyncio.create_task(joined(running, seconds=20))

    assert await first == in_progress()
    work.free.set()
    assert await other is DONE


async def test_time_of_the_others_is_their_own(running, work):
    """Whoever joins may have less time."""
    first = asyncio.create_task(running.begin(a_job()))
    await work.begun.wait()

    result = await joined(running, seconds=-1)

    work.free.set()
    assert result == in_progress()
    assert await first is DONE


async def test_known_result_does_not_wait_for_the_store(running, work, late):
    """Once the time is up, a slow record is left to the background, and the truth is said."""
    work.known, work.success = OUTCOME, DONE

    assert await running.begin(a_job(seconds=-1)) is DONE
    await running.drain()
    assert (late, work.ended) == ([OUTCOME], ["cancelled"])


async def test_failure_is_not_certain_before_it_is_recorded(running, work, late):
    """Another process may have invited while this one was paused: only its record would say so."""
    work.known = OUTCOME
    first = asyncio.create_task(running.begin(a_job(seconds=-1)))
    await work.begun.wait()
    other = asyncio.create_task(joined(running, seconds=20))

    assert [await first, await other] == [in_progress()] * 2
    await running.drain()
    assert (late, work.ended) == ([OUTCOME], ["cancelled"])


async def test_recorded_result_is_given_in_time(running, work, late):
    """What comes after recording keeps nobody waiting, and is not cut off."""
    begun = asyncio.create_task(running.begin(job := a_job(seconds=-1)))
    await work.begun.wait()
    job.success = DONE

    assert await begun is DONE
    work.free.set()
    await running.drain()
    assert (late, work.ended) == ([], ["done"])


async def test_who_has_time_waits_for_the_record(running, work, late):
    """Before the deadline nothing is left to the background."""
    work.known = OUTCOME
    begun = asyncio.create_task(running.begin(a_job()))
    await work.begun.wait()
    running._tick()
    work.free.set()

    assert await begun is DONE
    assert (late, work.ended) == ([], ["done"])


async def test_bug_reaches_all_who_wait(running, work):
    """Nobody waits for a job that failed."""
    work.error = ZeroDivisionError()
    first = asyncio.create_task(running.begin(a_job()))
    await work.begun.wait()
    other = asyncio.create_task(joined(running))
    await asyncio.sleep(0)
    work.free.set()

    ends = await asyncio.gather(first, other, return_exceptions=True)

    assert [*ends] == [work.error] * 2
    assert running.of(IDENTITY) is None


async def test_bug_that_nobody_waits_for_is_not_lost(running, work):
    """It is the task's own, for the event loop to log."""
    work.error = ZeroDivisionError()
    first = asyncio.create_task(running.begin(job := a_job()))
    await work.begun.wait()
    first.cancel()
    await asyncio.wait([first])
    work.free.set()

    await running.drain()

    assert job.task.exception() is work.error


async def test_other_input_under_the_key_is_refused(running, work):
    """Only the same request is the same job."""
    first = asyncio.create_task(running.begin(a_job()))
    await work.begun.wait()

    result = await running.join(running.of(IDENTITY), b"other", deadline=within(9))

    work.free.set()
    await first
    assert result.code is InviteErrorCode.IDEMPOTENCY_KEY_REUSED


async def test_drain_waits_for_jobs_whose_callers_left(running, work):
    """The end of the process does not cut them off."""
    first = asyncio.create_task(running.begin(a_job()))
    await work.begun.wait()
    first.cancel()
    await asyncio.wait([first])
    draining = asyncio.create_task(running.drain())
    await asyncio.sleep(0)
    before = draining.done()
    work.free.set()
    await draining

    assert (before, work.ended) == (False, ["done"])
