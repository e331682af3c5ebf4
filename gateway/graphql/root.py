"""The schema's roots, Query and Mutation, and their resolvers."""

from collections.abc import Sequence
from typing import Annotated

import strawberry
from graphql import GraphQLError
from strawberry.scalars import JSON
from strawberry.schema.config import StrawberryConfig

from gateway import __version__
from gateway.graphql.application_fields import application_field, applications_field
from gateway.graphql.application_types import ANY_JSON, Application, ApplicationConnection
from gateway.graphql.context import RequestContext
from gateway.graphql.drafts import draft_of, drafts_of
from gateway.graphql.invite_check import InviteCheck, check_invite_field
from gateway.graphql.results import list_to_graphql, to_graphql
from gateway.graphql.track_fields import Track, track_field
from gateway.graphql.types import (
    GatewayInfo,
    InviteCandidateInput,
    InviteCandidateResult,
    InviteCandidatesInput,
    InviteCandidatesPayload,
)
from gateway.http.errors import ErrorCode
from gateway.invites.bulk import TooManyCandidatesError
from gateway.invites.inputs import InviteDraft
from gateway.invites.models import InviteResult


def gateway_info(info: strawberry.Info[RequestContext, None]) -> GatewayInfo:
    return GatewayInfo(version=__version__, platform=info.context.platform)


async def _invite_candidate(
    info: strawberry.Info[RequestContext, None],
    input: Annotated[
        InviteCandidateInput,
        strawberry.argument(description="Whom to invite to which track, and how."),
    ],
) -> InviteCandidateResult:
    return to_graphql(await info.context.invite(draft_of(input)))


async def _invite_candidates(
    info: strawberry.Info[RequestContext, None],
    input: Annotated[
        InviteCandidatesInput,
        strawberry.argument(description="Whom to invite to one track, and how."),
    ],
) -> InviteCandidatesPayload:
    return list_to_graphql(await invite_list(info.context, drafts_of(input)))


async def invite_list(context: RequestContext, drafts: Sequence[InviteDraft]) -> list[InviteResult]:
    """One result for each draft; raises the field error if there are too many."""
    try:
        return await context.invite_all(drafts)
    except TooManyCandidatesError as error:
        raise GraphQLError(
            f"The list has more candidates than the {error.most} allowed. Nobody was invited.",
            extensions={"code": ErrorCode.BAD_USER_INPUT.value},
        ) from None


@strawberry.type(description="What can be read.")
class Query:
    gateway: GatewayInfo = strawberry.field(
        resolver=gateway_info,
        description="The gateway itself: shows that it answers, and what it invites through.",
    )
    application: Application | None = application_field
    applications: ApplicationConnection = applications_field
    track: Track | None = track_field
    check_invite: InviteCheck = check_invite_field


@strawberry.type(description="What can be done.")
class Mutation:
    invite_candidate: InviteCandidateResult = strawberry.mutation(
        resolver=_invite_candidate,
        description=(
            "Invites one candidate to one track. Without an idempotency key, each request is"
            " an invite of its own: send one if you may have to repeat the request."
        ),
    )
    invite_candidates: InviteCandidatesPayload = strawberry.mutation(
        resolver=_invite_candidates,
        description=(
            "Invites many candidates to one track, each on its own: some may be invited while"
            " others fail. Where the recruiting platform limits requests, it waits as long as the"
            " request has time, and says of each candidate what became of it."
        ),
    )


CONFIG = StrawberryConfig(scalar_map={JSON: ANY_JSON})
# A paragraph is one line: the explorer shows every line break.
DESCRIPTION = (
    "Invites candidates to recruiting tracks, and reads what became of them.\n\n"
    "`inviteCandidate` invites one candidate, `inviteCandidates` many. However an invite fails, the"
    " failure is a member of its result. Go by its `outcome`, which says whether the candidate is"
    " invited, and by `retryable`. With an idempotency key, sending a request again is safe."
)
PRINTED_ROOTS = f'''\
"""
{DESCRIPTION}
"""
schema {{
  query: Query
  mutation: Mutation
}}

'''
