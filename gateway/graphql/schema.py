"""The schema: what can be asked of the gateway."""

from __future__ import annotations

from typing import Annotated

import strawberry
from graphql import GraphQLSchema
from strawberry.printer import print_schema

from gateway import __version__
from gateway.graphql.context import RequestContext
from gateway.graphql.results import to_graphql
from gateway.graphql.types import GatewayInfo, InviteCandidateInput, InviteCandidateResult
from gateway.invites.inputs import InviteDraft


def _gateway() -> GatewayInfo:
    return GatewayInfo(version=__version__)


async def _invite_candidate(
    info: strawberry.Info[RequestContext, None],
    input: Annotated[  # noqa: A002 - the contract's name
        InviteCandidateInput,
        strawberry.argument(description="Whom to invite to which track, and how."),
    ],
) -> InviteCandidateResult:
    key = input.idempotency_key
    draft = InviteDraft(
        candidate_name=input.candidate_name,
        candidate_email=input.candidate_email,
        track_id=input.track_id,
        invite_format=input.invite_format,
        idempotency_key=None if key is strawberry.UNSET else key,
    )
    return to_graphql(await info.context.invite(draft))


@strawberry.type(description="What can be read.")
class Query:
    gateway: GatewayInfo = strawberry.field(
        resolver=_gateway, description="The gateway itself: useful to see that it answers."
    )


@strawberry.type(description="What can be done.")
class Mutation:
    invite_candidate: InviteCandidateResult = strawberry.mutation(
        resolver=_invite_candidate,
        description=(
            "Invites one candidate to one track. Without an idempotency key, each request is"
            " an invite of its own: send one if you may have to repeat the request."
        ),
    )


SCHEMA = strawberry.Schema(Query, Mutation)


def executable_schema() -> GraphQLSchema:
    """The schema as graphql-core executes it."""
    return SCHEMA._schema  # noqa: SLF001 - Strawberry has no public way to it


def printed_schema() -> str:
    """The schema in GraphQL's own language, ending with a line break."""
    return print_schema(SCHEMA).rstrip() + "\n"
