"""Background work."""

from __future__ import annotations

import asyncio
import concurrent.futures
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


def aside(work: Callable[[], Result]) -> asyncio.Future[Result]:
    """Run `work` in a daemon thread: if it blocks for ever, the process can still end.

    The threads of the event loop's executor would keep the process from ending.
    """
    done: concurrent.futures.Future[Result] = concurrent.futures.Future()
    done.set_running_or_notify_cancel()
    threading.Thread(target=_do, args=(work, done), daemon=True).start()
    return asyncio.wrap_future(done)


def _do(work: Callable[[], Result], done: concurrent.futures.Future[Result]) -> None:
    try:
        done.set_result(work())
    except Exception as error:  # noqa: BLE001 - it is raised where the work is awaited
        done.set_exception(error)
    # The exception's traceback refers to this frame: with `done` in it, that is a cycle.
    del done
