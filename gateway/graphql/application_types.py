"""The schema's types for applications: what became of an invite."""

from collections.abc import Sequence

import strawberry
from strawberry.scalars import JSON

from gateway.applications import models
from gateway.applications.inputs import cursor_at
from gateway.applications.models import ApplicationKey
from gateway.applications.reads import Window
from gateway.graphql.application_reads import (
    Info,
    count_bytes,
    counted_items,
    read_details,
    resolved,
)
from gateway.graphql.pieces import InPieces

_LARGEST_INT = 2**31 - 1
_DATES = (
    "As the recruiting platform writes it, in a form that is not documented: a time such as"
    " `2026-01-15T10:00:00` with a zone or without, milliseconds since 1970, or words. Show it; do"
    " not calculate with it."
)
ANY_JSON = strawberry.scalar(
    name="JSON",
    description="Any JSON value, just as the recruiting platform has it.",
    specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
)
"""What the schema says of `JSON`."""


@strawberry.type(description="A stage of a track. Any of its fields may be null.")
class Stage:
    stage_id: strawberry.ID | None = strawberry.field(
        description="The stage's id, by which applications can be filtered."
    )
    name: str | None = strawberry.field(description="The stage's name.")
    type: str | None = strawberry.field(
        description="The kind of stage, in the recruiting platform's own word: show it."
    )
    current_of: strawberry.Private[ApplicationKey | None] = None

    @resolved(
        "The colour that the recruiting platform shows the stage in. It is known for an"
        " application's current stage alone, and costs a read of that application."
    )
    async def color(self, info: Info) -> str | None:
        if self.current_of is None:
            return None
        details = await read_details(info, self.current_of)
        stage = None if details is None else details.application.current_stage
        # The application may have moved to another stage in the meantime.
        return stage.color if stage is not None and stage.stage_id == self.stage_id else None


@strawberry.type(description="One answer that the candidate has given.")
class SubmittedResponse:
    label: str | None = strawberry.field(description="What was asked.")
    value: JSON | None = strawberry.field(
        description="The answer, in whatever form the recruiting platform has it."
    )


@strawberry.type(
    description=(
        "What the recruiting platform tells only of one application at a time. A field is null"
        " where it tells nothing that can be read."
    )
)
class ApplicationDetails:
    source: strawberry.Private[models.ApplicationDetails]
    track_title: str | None = strawberry.field(description="The track's title.")

    @resolved("All stages of the track.")
    def stages(self, info: Info) -> list[Stage] | None:
        stages = counted_items(info, self.source.stages)
        return None if stages is None else [_stage(stage) for stage in stages]

    @resolved("What the candidate has answered.")
    def submitted_responses(self, info: Info) -> list[SubmittedResponse] | None:
        responses = counted_items(info, self.source.submitted_responses)
        if responses is None:
            return None
        return [SubmittedResponse(label=one.label, value=one.value) for one in responses]

    stage_wise_report: JSON | None = strawberry.field(
        description="Reports by stage, as the recruiting platform has them; their form varies."
    )
    parsed_resume: JSON | None = strawberry.field(
        description="What was read out of the résumé, as the platform has it; its form varies."
    )


@strawberry.type(
    description=(
        "A candidate's application to a track: what became of an invite. Only the ids are"
        " promised; a field is null where the recruiting platform tells nothing."
    )
)
class Application:
    application_id: strawberry.ID = strawberry.field(
        description="The application's id, as in the answer to an invite."
    )
    track_id: strawberry.ID = strawberry.field(description="The track that it is for.")
    candidate_id: strawberry.ID | None = strawberry.field(
        description="The candidate's id, the same for each of a candidate's applications."
    )
    name: str | None = strawberry.field(description="The candidate's name.")
    email: str | None = strawberry.field(description="The candidate's e-mail address.")
    stage_status: str | None = strawberry.field(
        description=(
            "How it stands in its stage: the recruiting platform's own word, whose vocabulary is"
            " not documented. Show it, do not branch on it."
        )
    )
    score: float | None = strawberry.field(description="The candidate's score so far.")
    date_added: str | None = strawberry.field(description=f"When it was added. {_DATES}")
    last_updated_at: str | None = strawberry.field(description=f"When it last changed. {_DATES}")
    current_stage: Stage | None = strawberry.field(description="The stage that it has come to.")
    key: strawberry.Private[ApplicationKey]

    @resolved(
        "What the platform shows of a single application only: for each application of a list"
        " it costs one more read. Null if the application is gone by now."
    )
    async def details(self, info: Info) -> ApplicationDetails | None:
        details = await read_details(info, self.key)
        if details is None:
            return None
        count_bytes(info, details.size)
        return ApplicationDetails(
            source=details,
            track_title=details.track_title,
            stage_wise_report=details.stage_wise_report,
            parsed_resume=details.parsed_resume,
        )


@strawberry.type(description="An application in a list.")
class ApplicationEdge:
    cursor: str = strawberry.field(
        description="Marks the place of the application in the list: see `applications(after:)`."
    )
    node: Application = strawberry.field(description="The application.")


@strawberry.type(description="Where a part of a list begins and ends.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="True if the list goes on.")
    has_previous_page: bool = strawberry.field(description="True if something comes before.")
    start_cursor: str | None = strawberry.field(
        description="The first edge's cursor; null if there is no edge."
    )
    end_cursor: str | None = strawberry.field(
        description="The last edge's cursor: the next `after`. Null if there is no edge."
    )


@strawberry.type(description="A part of a track's list of applications.")
class ApplicationConnection:
    track_id: strawberry.Private[int]
    entries: strawberry.Private[Sequence[tuple[int, models.Application]]]

    @resolved("The applications with their cursors.")
    def edges(self, info: Info) -> list[ApplicationEdge]:
        return InPieces(
            ApplicationEdge(cursor=cursor_at(at), node=to_graphql(one, track_id=self.track_id))
            for at, one in counted_items(info, self.entries)
        )

    @resolved("The applications alone.")
    def nodes(self, info: Info) -> list[Application]:
        entries = counted_items(info, self.entries)
        return InPieces(to_graphql(one, track_id=self.track_id) for _, one in entries)

    page_info: PageInfo = strawberry.field(description="Where this part begins and ends.")
    total_count: int | None = strawberry.field(
        description="How many applications the whole list has, filtered; null if that is not known."
    )


@strawberry.input(description="Which applications are wanted; all that is given must hold.")
class ApplicationFilter:
    name: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="A part of the candidate's name, in upper or lower case.",
    )
    email: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="A part of the candidate's e-mail address, in upper or lower case.",
    )
    candidate_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The candidate's id."
    )
    application_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The application's id."
    )
    stage_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The id of the stage that it has come to."
    )
    from_date: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The first day, such as `2026-11-23`; which date counts is not documented.",
    )
    to_date: str | None = strawberry.field(
        default=strawberry.UNSET, description="The last day, which is included."
    )


def to_graphql(application: models.Application, *, track_id: int) -> Application:
    """The application as a type of the schema; `details` are read only when selected."""
    key = ApplicationKey(track_id, int(application.application_id))
    stage = application.current_stage
    return Application(
        application_id=strawberry.ID(application.application_id),
        track_id=strawberry.ID(str(track_id)),
        candidate_id=_id(application.candidate_id),
        name=application.name,
        email=application.email,
        stage_status=application.stage_status,
        score=application.score,
        date_added=application.date_added,
        last_updated_at=application.last_updated_at,
        current_stage=None if stage is None else _stage(stage, current_of=key),
        key=key,
    )


def window_to_graphql(window: Window, *, track_id: int) -> ApplicationConnection:
    """The part of the list as a connection."""
    positions = [position for position, _ in window.entries]
    total = window.total
    return ApplicationConnection(
        track_id=track_id,
        entries=window.entries,
        page_info=PageInfo(
            has_next_page=window.has_next,
            has_previous_page=window.has_previous,
            start_cursor=cursor_at(positions[0]) if positions else None,
            end_cursor=cursor_at(positions[-1]) if positions else None,
        ),
        total_count=total if total is not None and total <= _LARGEST_INT else None,
    )


def _stage(stage: models.Stage, *, current_of: ApplicationKey | None = None) -> Stage:
    return Stage(
        stage_id=_id(stage.stage_id), name=stage.name, type=stage.type, current_of=current_of
    )


def _id(text: str | None) -> strawberry.ID | None:
    return None if text is None else strawberry.ID(text)
