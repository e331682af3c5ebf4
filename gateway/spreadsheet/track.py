"""Looks at a track before anybody is invited to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, TypeAlias

from gateway.upstream.call import Call, stats_call
from gateway.upstream.tracks import read_track
from gateway.upstream.wire import Exchange, Reply

Send: TypeAlias = Callable[[Call], Awaitable[Exchange]]

_SECONDS: Final = 5.0
_PROBLEMS: Final[Mapping[int, str]] = {
    HTTPStatus.UNAUTHORIZED: "the platform does not accept the API key",
    HTTPStatus.FORBIDDEN: "the platform does not let this API key look at the track",
    HTTPStatus.NOT_FOUND: "the platform does not find the track",
}


@dataclass(frozen=True, slots=True)
class TrackLook:
    """What the platform says about a track; `problem` is why the call failed."""

    track: str
    title: str | None = None
    is_active: bool | None = None
    problem: str | None = None

    @property
    def name(self) -> str:
        """`track 6578, Backend Engineer`, or without the title if it is not known."""
        return f"track {self.track}" + (f", {self.title}" if self.title else "")

    def __str__(self) -> str:
        if self.problem is not None:
            return f"{self.track}: {self.problem}"
        inactive = " (it takes no invites now)" if self.is_active is False else ""
        return f"{self.track}{f', {self.title}' if self.title else ''}{inactive}"


async def look_at_track(send: Send, track: str) -> TrackLook:
    """Call the platform, at most once."""
    exchange = await send(stats_call(int(track), timeout_seconds=_SECONDS))
    if not isinstance(exchange, Reply):
        return TrackLook(track, problem="the platform could not be reached")
    found = read_track(exchange, track_id=int(track))
    if found is None:
        problem = _PROBLEMS.get(exchange.status, "the platform says nothing of the track")
        return TrackLook(track, problem=problem)
    return TrackLook(track, _printable(found.title), found.is_active)


def _printable(title: str | None) -> str | None:
    return title and "".join(sign for sign in title if sign.isprintable())
