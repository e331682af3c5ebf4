"""Background work."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")
_PATIENCE_SECONDS = 1.0


async def end(task: asyncio.Task[Any]) -> None:
    """Cancel the task and wait for its end; its exception is ignored."""
    while not task.done():
        # Once may not be enough: a timeout that expires just now can swallow the cancellation.
        task.cancel()
        await asyncio.wait([task], timeout=_PATIENCE_SECONDS)


async def aside(work: Callable[[], Result]) -> Result:
    """Run `work` in a daemon thread: if it blocks for ever, the process can still end.

    The threads of the event loop's executor would keep the process from ending.
    """
    return await _begun(work)


def _begun(work: Callable[[], Result]) -> asyncio.Future[Result]:
    done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
    threading.Thread(target=_do, args=(work, done), daemon=True).start()
    return done


def _do(work: Callable[[], Result], done: asyncio.Future[Result]) -> None:
    # The loop may be closed by the time the work ends; then no one is waiting.
    with contextlib.suppress(RuntimeError):
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - it is raised where the work is awaited
            done.get_loop().call_soon_threadsafe(_tell, done, done.set_exception, error)
        else:
            done.get_loop().call_soon_threadsafe(_tell, done, done.set_result, result)
    # The exception's traceback refers to this frame: with `done` in it, that is a cycle.
    del done


def _tell(done: asyncio.Future[Any], tell: Callable[[Any], None], told: object) -> None:
    if not done.done():
        tell(told)
