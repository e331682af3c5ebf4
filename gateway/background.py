"""Work beside the requests."""

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
        # Once may not be enough: code that is just timing out can take this for its own doing.
        task.cancel()
        await asyncio.wait([task], timeout=_PATIENCE_SECONDS)


async def aside(work: Callable[[], Result]) -> Result:
    """What `work` returns or raises; if it blocks for ever, the process ends all the same.

    For the event loop's own threads the process would wait.
    """
    return await _begun(work)


def _begun(work: Callable[[], Result]) -> asyncio.Future[Result]:
    done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
    threading.Thread(target=_do, args=(work, done), daemon=True).start()
    return done


def _do(work: Callable[[], Result], done: asyncio.Future[Result]) -> None:
    # The loop may be gone by the end of the work, and with it who waited.
    with contextlib.suppress(RuntimeError):
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - it is raised where the work is awaited
            done.get_loop().call_soon_threadsafe(_tell, done, done.set_exception, error)
        else:
            done.get_loop().call_soon_threadsafe(_tell, done, done.set_result, result)
    # What was raised remembers this frame: with the future in it, it would hold itself.
    del done


def _tell(done: asyncio.Future[Any], tell: Callable[[Any], None], told: object) -> None:
    if not done.done():
        tell(told)
