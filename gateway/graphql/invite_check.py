"""The field that checks an invite without sending it, with the mutation's own checks."""

from typing import Annotated

import strawberry

from gateway.graphql.application_reads import Info, read_track, reads_of, resolved
from gateway.graphql.drafts import draft_of
from gateway.graphql.results import issue_to_graphql
from gateway.graphql.track_fields import Track
from gateway.graphql.track_fields import to_graphql as track_to_graphql
from gateway.graphql.types import InputIssue, InviteCandidateInput
from gateway.invites.inputs import InviteDraft, id_problem, name_problem, normalised_email, trimmed
from gateway.invites.models import InviteRequest


@strawberry.type(
    description="What would become of an invite, as far as the gateway itself can tell."
)
class InviteCheck:
    track_id: strawberry.Private[str]

    can_be_sent: bool = strawberry.field(
        description=(
            "True if nothing is wrong with the input. The recruiting platform may still refuse"
            " the invite."
        )
    )
    issues: list[InputIssue] = strawberry.field(
        description="All that `inviteCandidate` would find wrong with this input, in its words."
    )
    candidate_name: str | None = strawberry.field(
        description="The name as it would be sent; null if it cannot be."
    )
    candidate_email: str | None = strawberry.field(
        description="The e-mail address as it would be sent; null if it cannot be."
    )

    @resolved(
        "The track, as `Query.track` reads it, which counts as a read. Null if the recruiting"
        " platform knows no such track, or `trackId` is none."
    )
    async def track(self, info: Info) -> Track | None:
        reads_of(info)
        if id_problem(self.track_id):
            return None
        return track_to_graphql(await read_track(info, int(self.track_id)))


def _check_invite(
    info: Info,
    input: Annotated[
        InviteCandidateInput,
        strawberry.argument(description="What `inviteCandidate` would be given."),
    ],
) -> InviteCheck:
    return check_draft(info, draft_of(input))


def check_draft(info: Info, draft: InviteDraft) -> InviteCheck:
    """What the mutation would send, or why it would refuse the draft."""
    checked = info.context.check(draft)
    name = trimmed(draft.candidate_name)
    return InviteCheck(
        track_id=draft.track_id,
        can_be_sent=isinstance(checked, InviteRequest),
        issues=[]
        if isinstance(checked, InviteRequest)
        else [issue_to_graphql(issue) for issue in checked],
        candidate_name=None if name_problem(name) else name,
        candidate_email=normalised_email(draft.candidate_email),
    )


check_invite_field = strawberry.field(
    resolver=_check_invite,
    description=(
        "Checks an invite as `inviteCandidate` does, and sends nothing. Ask by POST: a URL ends up"
        " in logs, where no candidate belongs."
    ),
)
