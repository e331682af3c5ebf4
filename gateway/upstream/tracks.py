"""What the platform's replies say about a track, as typed facts.

Source: its public documentation of `GET /tracks/<id>/stats`, which promises none of the fields:
each may be None.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.upstream.applications import count_of, object_of
from gateway.upstream.wire import Reply, id_of, text_of


@dataclass(frozen=True, slots=True)
class Track:
    """A track; `application_count` is the sum over all statuses."""

    track_id: int
    title: str | None = None
    is_active: bool | None = None
    application_count: int | None = None


def read_track(reply: Reply, *, track_id: int) -> Track | None:
    """The requested track, or None if the reply is not about it or cannot be read."""
    body = object_of(reply)
    if not body or id_of(body.get("track_id", track_id)) != str(track_id):
        return None
    is_active, totals = body.get("active"), body.get("totals")
    return Track(
        track_id,
        text_of(body.get("title")),
        is_active if isinstance(is_active, bool) else None,
        _sum_of(totals.get("by_status")) if isinstance(totals, dict) else None,
    )


def _sum_of(by_status: object) -> int | None:
    """The sum of the counts by status; None if one of them is not a count."""
    if not isinstance(by_status, dict):
        return None
    counts = [count_of(count) for count in by_status.values()]
    return None if None in counts else sum(count for count in counts if count is not None)
