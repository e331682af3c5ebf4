"""The schema as graphql-core executes it, and as it is printed."""

import strawberry
from graphql import GraphQLSchema
from strawberry.printer import print_schema

from gateway.graphql.root import CONFIG, DESCRIPTION, PRINTED_ROOTS, Mutation, Query

SCHEMA = strawberry.Schema(Query, Mutation, config=CONFIG)
# Strawberry cannot set a description of the schema.
SCHEMA._schema.description = DESCRIPTION  # noqa: SLF001 - see above


def executable_schema(*, federation: bool = False) -> GraphQLSchema:
    """The schema as graphql-core executes it; with `federation`, as a subgraph."""
    if not federation:
        return SCHEMA._schema  # noqa: SLF001 - no public way
    from gateway.graphql.subgraph import executable_subgraph  # noqa: PLC0415 - few need it

    return executable_subgraph()


def printed_schema(*, federation: bool = False) -> str:
    """The schema in SDL, ending with a line break."""
    if not federation:
        return PRINTED_ROOTS + print_schema(SCHEMA).rstrip() + "\n"
    from gateway.graphql.subgraph import printed_subgraph  # noqa: PLC0415 - as above

    return printed_subgraph()
