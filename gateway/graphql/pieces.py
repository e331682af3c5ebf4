"""Lists that graphql-core completes in pieces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final, TypeVar

_Item = TypeVar("_Item")
_AT_ONCE: Final = 20
"""Items between two chances for other requests; of ten fields each, half a millisecond."""


class InPieces(list[_Item]):
    """A list during whose completion other requests get their turns."""

    async def __aiter__(self) -> AsyncIterator[_Item]:
        for number, item in enumerate(self, 1):
            yield item
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
