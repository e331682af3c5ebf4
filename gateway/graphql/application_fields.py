"""The fields that read applications."""

from typing import Annotated

import strawberry

from gateway.applications.failures import refusal_of
from gateway.applications.inputs import FIRST, ListDraft, ListRequest, check_key, check_list
from gateway.applications.models import ApplicationKey
from gateway.graphql.application_reads import (
    Info,
    count_bytes,
    found,
    read_details,
    read_window,
    reads_of,
)
from gateway.graphql.application_types import (
    Application,
    ApplicationConnection,
    ApplicationFilter,
    to_graphql,
    window_to_graphql,
)

_TRACK = "The track: a whole number from 1 to 2^63 - 1, as in `InviteCandidateInput.trackId`."
_FILTERS = (
    "name",
    "email",
    "candidate_id",
    "application_id",
    "stage_id",
    "from_date",
    "to_date",
)


async def read_application(info: Info, track_id: str, application_id: str) -> Application | None:
    """The application, or None if there is none; raises the field error of any failure."""
    reads_of(info)
    key = check_key(track_id, application_id)
    if not isinstance(key, ApplicationKey):
        return found(refusal_of(key))
    details = await read_details(info, key)
    if details is None:
        return None
    count_bytes(info, details.size)
    return to_graphql(details.application, track_id=key.track_id)


async def _application(
    info: Info,
    track_id: Annotated[strawberry.ID, strawberry.argument(description=_TRACK)],
    application_id: Annotated[
        strawberry.ID,
        strawberry.argument(description="The application, as `Invite.applicationId` names it."),
    ],
) -> Application | None:
    return await read_application(info, track_id, application_id)


async def read_applications(
    info: Info,
    track_id: str,
    first: int | None = FIRST,
    after: str | None = None,
    filter: ApplicationFilter | None = None,
) -> ApplicationConnection:
    """The requested part of the list; raises the field error of any failure."""
    reads_of(info)
    draft = ListDraft(track_id, FIRST if first is None else first, after or None, _narrowed(filter))
    request = check_list(draft)
    if not isinstance(request, ListRequest):
        return found(refusal_of(request))
    window = await read_window(info, request)
    return window_to_graphql(window, track_id=request.track_id)


async def _applications(
    info: Info,
    track_id: Annotated[strawberry.ID, strawberry.argument(description=_TRACK)],
    first: Annotated[
        int | None,
        strawberry.argument(
            description="How many at most, from 0 to 200; 0 for the `totalCount` alone."
        ),
    ] = FIRST,
    after: Annotated[
        str | None,
        strawberry.argument(
            description="The cursor to go on behind, such as the last `endCursor`."
        ),
    ] = strawberry.UNSET,
    filter: Annotated[
        ApplicationFilter | None, strawberry.argument(description="Which applications are wanted.")
    ] = strawberry.UNSET,
) -> ApplicationConnection:
    return await read_applications(info, track_id, first, after, filter)


def _narrowed(given: ApplicationFilter | None) -> dict[str, str]:
    if not given:
        return {}
    values = {name: getattr(given, name) for name in _FILTERS}
    return {name: text for name, text in values.items() if isinstance(text, str)}


application_field = strawberry.field(
    resolver=_application,
    description=(
        "What became of an invite: one application, or null if the recruiting platform knows no"
        " such application on this track. Whether it lists people who are invited and have not"
        " applied yet is not documented."
    ),
)
applications_field = strawberry.field(
    resolver=_applications,
    description=(
        "The applications to a track, as the recruiting platform lists them. A list that changes"
        " while you page through it can shift: then an application may come twice or not at all."
    ),
)
