"""The field that reads a track."""

from typing import Annotated

import strawberry

from gateway.applications import models
from gateway.applications.failures import refusal_of
from gateway.graphql.application_reads import Info, found, read_track, reads_of
from gateway.invites.inputs import id_problem
from gateway.invites.models import InputIssue

_LARGEST_INT = 2**31 - 1


@strawberry.type(
    description=(
        "A track of the recruiting platform. Only the id is promised; a field that the platform"
        " does not send is null."
    )
)
class Track:
    track_id: strawberry.ID = strawberry.field(description="The track's id.")
    title: str | None = strawberry.field(description="The track's title, as people know it.")
    is_active: bool | None = strawberry.field(
        description="True if the track is open. The recruiting platform may refuse other invites."
    )
    application_count: int | None = strawberry.field(
        description="How many applications there are to the track, whatever their status."
    )


async def read_track_of(info: Info, track_id: str) -> Track | None:
    """The track, or None if there is none; raises the field error of any failure."""
    reads_of(info)
    if problem := id_problem(track_id):
        return found(refusal_of((InputIssue("track_id", problem),)))
    return to_graphql(await read_track(info, int(track_id)))


async def _track(
    info: Info,
    track_id: Annotated[
        strawberry.ID,
        strawberry.argument(description="The track, as in `InviteCandidateInput.trackId`."),
    ],
) -> Track | None:
    return await read_track_of(info, track_id)


track_field = strawberry.field(
    resolver=_track,
    description=(
        "A track: shows its title before anybody is invited to it. Null if the recruiting platform"
        " knows no such track."
    ),
)


def to_graphql(track: models.Track | None) -> Track | None:
    if track is None:
        return None
    count = track.application_count
    return Track(
        track_id=strawberry.ID(str(track.track_id)),
        title=track.title,
        is_active=track.is_active,
        application_count=count if count is not None and count <= _LARGEST_INT else None,
    )
