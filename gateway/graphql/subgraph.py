"""The schema as a subgraph: the plain schema, unchanged, plus what routers need.

https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/reference/subgraph-spec

Strawberry's federation would put its directives into the plain schema too, and it treats a
representation without `__typename` as a bug instead of the caller's mistake.
"""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Annotated, NewType, TypeAlias, cast

import strawberry
from graphql import GraphQLError, GraphQLSchema
from strawberry.printer import print_schema
from strawberry.schema.config import StrawberryConfig

from gateway.graphql.application_fields import read_application
from gateway.graphql.application_reads import Info, counted_items, reads_of
from gateway.graphql.application_types import Application
from gateway.graphql.root import CONFIG, DESCRIPTION, PRINTED_ROOTS, Mutation, Query
from gateway.graphql.types import Invite
from gateway.http.errors import ErrorCode
from gateway.invites.models import InviteErrorCode

# The oldest version with these directives; every current composer reads it.
_LINK = """\
extend schema
  @link(url: "https://specs.apollo.dev/federation/v2.0", import: ["@key", "@shareable"])

"""
_KEY = '@key(fields: "applicationId trackId")'
# Other subgraphs have a PageInfo too, as the Relay specification defines it.
_DIRECTIVES = {"Application": _KEY, "Invite": _KEY, "PageInfo": "@shareable"}
# Each representation may produce an error of about this size.
_VALUES_OF_AN_ERROR = 10

Representation = NewType("Representation", object)
_ANY = strawberry.scalar(
    name="_Any",
    description="For routers: an object with the `__typename` and the key of an entity.",
    parse_value=lambda given: given,
)
Entity: TypeAlias = Annotated[
    Application | Invite,
    strawberry.union("_Entity", description="For routers: what is found by its key."),
]


@strawberry.type(name="_Service", description="For composers: what this subgraph offers.")
class Service:
    sdl: str = strawberry.field(
        description="The schema in GraphQL's own language, with the directives of federation."
    )


async def _entities(
    info: Info,
    representations: Annotated[
        list[Representation], strawberry.argument(description="Type and key of each entity.")
    ],
) -> list[Entity | None]:
    reads_of(info)
    counted_items(info, representations, each=_VALUES_OF_AN_ERROR)
    # An exception in the list becomes an error for that item only.
    found = await asyncio.gather(
        *(_entity(info, given) for given in representations), return_exceptions=True
    )
    return cast("list[Entity | None]", found)


async def _entity(info: Info, given: object) -> Entity | None:
    typename, track_id, application_id = _key(given)
    application = await read_application(info, track_id, application_id)
    if application is None or typename == "Application":
        return application
    return _invite(application)


def _key(given: object) -> tuple[str, str, str]:
    """Type, track and application that a representation names."""
    fields = given if isinstance(given, dict) else {}
    typename = fields.get("__typename")
    ids = [fields.get(name) for name in ("trackId", "applicationId")]
    if typename not in ("Application", "Invite") or not all(map(_is_id, ids)):
        raise GraphQLError(
            "A representation has a `__typename`, which is `Application` or `Invite`, and the ids"
            " `applicationId` and `trackId`.",
            extensions={"code": ErrorCode.BAD_USER_INPUT.value},
        )
    track_id, application_id = map(str, ids)
    return typename, track_id, application_id


def _service() -> Service:
    return Service(sdl=printed_subgraph())


def _is_id(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _invite(application: Application) -> Invite:
    """What can be read of an invite from its application."""
    if application.name is None or application.email is None:
        raise GraphQLError(
            "The recruiting platform does not say whom this invite is for.",
            extensions={"code": InviteErrorCode.UPSTREAM_FAULT.value, "retryable": False},
        )
    return Invite(
        application_id=application.application_id,
        email=application.email,
        invite_link=None,
        invite_status=None,
        name=application.name,
        track_id=application.track_id,
    )


@strawberry.type(name="Query", description="What can be read.")
class SubgraphQuery(Query):
    entities: list[Entity | None] = strawberry.field(
        name="_entities",
        resolver=_entities,
        description="For routers: the entities that are named by their keys, in their order.",
    )
    service: Service = strawberry.field(
        name="_service",
        resolver=_service,
        description="For composers: this schema, if clients may ask for the schema at all.",
    )


SUBGRAPH = strawberry.Schema(
    SubgraphQuery,
    Mutation,
    config=StrawberryConfig(scalar_map={**CONFIG.scalar_map, Representation: _ANY}),
)
SUBGRAPH._schema.description = DESCRIPTION  # noqa: SLF001 - as for the plain schema


def executable_subgraph() -> GraphQLSchema:
    """The subgraph's schema as graphql-core executes it."""
    return SUBGRAPH._schema  # noqa: SLF001 - no public way


@cache
def printed_subgraph() -> str:
    """The subgraph's schema in SDL, ending with a line break."""
    printed = print_schema(SUBGRAPH)
    for name, directives in _DIRECTIVES.items():
        printed = printed.replace(f"\ntype {name} {{", f"\ntype {name} {directives} {{")
    return _LINK + PRINTED_ROOTS + printed.rstrip() + "\n"
