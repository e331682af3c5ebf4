"""Work beside the requests."""

from __future__ import annotations

import asyncio
from typing import Any


async def end(task: asyncio.Task[Any]) -> None:
    """Cancel the task and wait for its end; what it raises is nobody's business any more."""
    while not task.done():
        # Once may not be enough: code that is just timing out can take this for its own doing.
        task.cancel()
        await asyncio.wait([task], timeout=_PATIENCE_SECONDS)


_PATIENCE_SECONDS = 1.0
