"""Requests with a key that are in progress in this process.

Each runs in a task of its own: a caller that disconnects must not cancel an invite halfway. Callers
wait for futures and not for the task, and one timer looks at all deadlines: a timeout for each
would cost as much as a hash.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gateway.invites.failures import in_progress, key_reused

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from gateway.invites.deadline import Deadline
    from gateway.invites.identity import Identity
    from gateway.invites.models import InviteRequest, InviteResult, Origin
    from gateway.invites.record import Record

# An invite that ends at its deadline must still be recorded: the store gets this much longer.
_GRACE_SECONDS: Final = 1.0
_TICK_SECONDS: Final = 0.25


# Neither frozen nor with a repr: see CONTRIBUTING, "The hot path".
@dataclass(slots=True, repr=False, eq=False)
class Job:
    """One request with a key.

    `unsettled` is the outcome while it is being recorded. `success` is set once it is known that
    the candidate was invited, which is true whatever the store says. Any other result is not
    certain before it is recorded: another process may have taken over while this one was paused.
    """

    request: InviteRequest
    identity: Identity
    origin: Origin
    deadline: Deadline
    success: InviteResult | None = None
    unsettled: Record | None = None
    task: asyncio.Task[None] = field(init=False)
    callers: list[asyncio.Future[InviteResult]] = field(default_factory=list)

    def complete(self, result: InviteResult) -> None:
        """Give all who wait the result."""
        for caller in self.callers:
            if not caller.done():
                caller.set_result(result)

    def fail(self, error: BaseException) -> bool:
        """Raise `error` for all who wait; False if none does."""
        waiting = [caller for caller in self.callers if not caller.done()]
        for caller in waiting:
            caller.set_exception(error)
        return bool(waiting)


class Running:
    """The jobs in progress, one for each key; `work` does one, to its end.

    `settle_late` is given an outcome that takes too long to be recorded.
    """

    def __init__(
        self,
        work: Callable[[Job], Coroutine[Any, Any, InviteResult]],
        *,
        settle_late: Callable[[Record], None],
    ) -> None:
        self._work = work
        self._settle_late = settle_late
        self._jobs: dict[bytes, Job] = {}
        self._timer: asyncio.TimerHandle | None = None

    def of(self, identity: Identity) -> Job | None:
        """The job in progress under the same key, whatever its input."""
        return self._jobs.get(identity.record_id)

    async def begin(self, job: Job) -> InviteResult:
        """The result of the job, which continues if the caller is cancelled or its time is up."""
        loop = asyncio.get_running_loop()
        caller: asyncio.Future[InviteResult] = loop.create_future()
        job.callers.append(caller)
        self._jobs[job.identity.record_id] = job
        job.task = loop.create_task(self._run(job))
        if self._timer is None:
            self._timer = loop.call_later(_TICK_SECONDS, self._tick)
        return await caller

    async def join(self, job: Job, fingerprint: bytes, *, deadline: Deadline) -> InviteResult:
        """The result of a job that another request began, or that it is not known by `deadline`."""
        if job.identity.fingerprint != fingerprint:
            return key_reused()
        caller: asyncio.Future[InviteResult] = asyncio.get_running_loop().create_future()
        job.callers.append(caller)
        try:
            done, _ = await asyncio.wait([caller], timeout=max(0.0, deadline.seconds_left))
            return caller.result() if done else in_progress()
        finally:
            caller.cancel()

    async def drain(self) -> None:
        """Wait for all jobs to end; an outcome that takes too long to record is not waited for."""
        while self._jobs:
            await asyncio.wait([job.task for job in self._jobs.values()])

    async def _run(self, job: Job) -> None:
        try:
            result = await self._work(job)
        except BaseException as error:
            if not job.fail(error):
                raise
        else:
            job.complete(result)
        finally:
            del self._jobs[job.identity.record_id]

    def _tick(self) -> None:
        for job in self._jobs.values():
            if job.deadline.seconds_left <= -_GRACE_SECONDS:
                self._let_go(job)
        self._timer = None
        if self._jobs:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(_TICK_SECONDS, self._tick)

    def _let_go(self, job: Job) -> None:
        """Answer the caller whose time is up; others may have more time."""
        if job.unsettled is not None:
            job.complete(job.success or in_progress())
            self._settle_late(job.unsettled)
            job.unsettled = None
            job.task.cancel()
        elif job.success is not None:
            job.complete(job.success)
        elif not (caller := job.callers[0]).done():
            caller.set_result(in_progress())
