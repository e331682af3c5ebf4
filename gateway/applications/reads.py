"""The reads of one request: each thing once, and at most a set number."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from gateway.applications.failures import ReadFailure
from gateway.applications.models import (
    Application,
    ApplicationDetails,
    ApplicationKey,
    ApplicationPage,
    Track,
)
from gateway.invites.deadline import within
from gateway.invites.models import ANYONE, InviteErrorCode, Origin

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.applications.inputs import ListRequest
    from gateway.applications.reader import Reader
    from gateway.invites.deadline import Deadline

_Found = TypeVar("_Found")
# So that one request cannot take all places.
AT_ONCE: Final = 4


class TooManyReadsError(Exception):
    """The request asks for more than `most` reads from the upstream."""

    def __init__(self, most: int) -> None:
        super().__init__(f"more than {most} reads")
        self.most = most


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a track's list: applications, their positions, and whether there are more."""

    entries: tuple[tuple[int, Application], ...]
    has_next: bool
    has_previous: bool
    total: int | None
    size: int


class Applications:
    """Makes the reads of each request; one for the life of the process."""

    def __init__(self, reader: Reader, *, most: int, timeout_seconds: float) -> None:
        self._reader = reader
        self._most = most
        self._timeout_seconds = timeout_seconds

    def reads(self, origin: Origin = ANYONE) -> Reads:
        """The reads of a new request."""
        return Reads(
            self._reader,
            most=self._most,
            deadline=within(origin.seconds_of(self._timeout_seconds)),
            upstream_api_key=origin.upstream_api_key,
        )


class Reads:
    """One request's reads, at most `most`; any further one raises TooManyReadsError."""

    def __init__(
        self,
        reader: Reader,
        *,
        most: int,
        deadline: Deadline,
        upstream_api_key: str | None = None,
    ) -> None:
        self._reader = reader
        self._most = most
        self._left = most
        self._deadline = deadline
        self._api_key = upstream_api_key
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._locks: dict[object, asyncio.Lock] = {}
        self._found: dict[object, Any] = {}

    async def one(self, key: ApplicationKey) -> ApplicationDetails | ReadFailure | None:
        """One application, or None if there is none; read once, however often it is asked for."""
        return await self._once(key, self._reader.one)

    async def track(self, track_id: int) -> Track | ReadFailure | None:
        """One track, or None if there is none; also read once."""
        return await self._once(track_id, self._reader.track)

    async def window(self, request: ListRequest) -> Window | ReadFailure:
        """The applications from a position on; reads two pages if they span two."""
        if not request.first:
            return await self._around(request)
        number, skipped = divmod(request.start, request.first)
        page = await self._page(request, number + 1)
        if isinstance(page, ReadFailure):
            return page
        entries = list(enumerate(page.applications[skipped:], request.start))
        has_next, size = page.has_next, page.size
        if skipped and has_next:
            page = await self._page(request, number + 2)
            if isinstance(page, ReadFailure):
                return page
            start = (number + 1) * request.first
            entries += enumerate(page.applications[:skipped], start)
            has_next = page.has_next or len(page.applications) > skipped
            size += page.size
        return Window(tuple(entries), has_next, request.start > 0, page.total, size)

    async def _around(self, request: ListRequest) -> Window | ReadFailure:
        """An empty window that says whether there is an application at the position."""
        page = await self._page(replace(request, first=1), request.start + 1)
        if isinstance(page, ReadFailure):
            return page
        return Window((), bool(page.applications), request.start > 0, page.total, page.size)

    async def _once(
        self, key: object, read: Callable[..., Awaitable[_Found | ReadFailure]]
    ) -> _Found | ReadFailure | None:
        if key not in self._locks:
            self._spend()
            self._locks[key] = asyncio.Lock()
        async with self._locks[key]:
            if key not in self._found:
                async with self._turns:
                    found = await read(key, deadline=self._deadline, api_key=self._api_key)
                self._found[key] = None if _is_missing(found) else found
        return cast("_Found | ReadFailure | None", self._found[key])

    async def _page(self, request: ListRequest, page: int) -> ApplicationPage | ReadFailure:
        self._spend()
        async with self._turns:
            return await self._reader.page(
                request.track_id,
                request.narrowed,
                page=page,
                per_page=request.first,
                deadline=self._deadline,
                api_key=self._api_key,
            )

    def _spend(self) -> None:
        if not self._left:
            raise TooManyReadsError(self._most)
        self._left -= 1


def _is_missing(found: object) -> bool:
    """Whether it does not exist: the reply is the same for an unknown application or track."""
    return isinstance(found, ReadFailure) and found.code is InviteErrorCode.TRACK_NOT_FOUND
