"""Private parts of libraries that are used here: each has an upper bound in pyproject.toml.

A library may change them without a word. Then these tests fail, and say where to look.
"""

from __future__ import annotations

import asyncio
import socket
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import strawberry
import uvicorn
from graphql import GraphQLSchema, TypeInfo, build_schema, graphql_sync, parse
from graphql.validation import ValidationContext
from graphql.validation.validate import FragmentNestingVisitor, query_document_keys_to_validate
from prometheus_client import Histogram
from uvicorn.server import ServerState

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))


@pytest.mark.parametrize(
    "library", ["graphql-core", "prometheus-client", "strawberry-graphql", "uvicorn"]
)
def test_library_has_an_upper_bound(library):
    """A release that was not tried is not installed."""
    (bound,) = [one for one in PROJECT["project"]["dependencies"] if one.startswith(library)]

    assert "<" in bound
    assert metadata.version(library)


def test_caches_of_the_validation_context():
    """gateway.graphql.validation replaces three caches by node with ones by identity."""
    schema = build_schema("type Query { a: Int }")
    context = ValidationContext(schema, parse("{ a }"), TypeInfo(schema), print)

    for name in ("_fragment_spreads", "_variable_usages", "_recursive_variable_usages"):
        assert getattr(context, name) == {}


def test_parts_of_the_validation():
    """gateway.graphql.validation walks the library's keys, below its bound on nesting."""
    assert query_document_keys_to_validate["field"] == (
        "alias", "name", "arguments", "directives", "selection_set"
    )  # fmt: skip
    assert callable(FragmentNestingVisitor({}).enter_operation_definition)
    assert callable(TypeInfo.enter_field)
    assert callable(TypeInfo.leave_field)


def test_values_behind_a_histogram():
    """gateway.telemetry.tallies adds many observations at a time."""
    histogram = Histogram("seconds", "What took how long.", buckets=(1, 2), registry=None)

    histogram._sum.inc(7.5)
    for bucket, count in zip(histogram._buckets, (1, 2, 3), strict=True):
        bucket.inc(count)

    (family,) = histogram.collect()
    assert [sample.value for sample in family.samples if sample.name != "seconds_created"] == [
        1, 3, 6, 6, 7.5
    ]  # fmt: skip


def test_schema_behind_strawberrys():
    """gateway.graphql runs graphql-core's schema, with its own info behind Strawberry's."""

    @strawberry.type
    class Query:
        @strawberry.field
        def name(self, info: strawberry.Info) -> str:
            return info._raw_info.field_name

    schema: GraphQLSchema = strawberry.Schema(Query)._schema

    assert graphql_sync(schema, "{ name }").data == {"name": "name"}


class Listener:
    """What gateway.server.config puts in the place of asyncio's servers."""

    closed = waited = 0

    def close(self) -> None:
        self.closed += 1

    async def wait_closed(self) -> None:
        self.waited += 1


class Connection:
    """What uvicorn asks of a connection as it stops."""

    def __init__(self, state: ServerState) -> None:
        self.state = state

    def shutdown(self) -> None:
        self.state.connections.clear()


async def test_life_of_uvicorns_server():
    """gateway.server.config starts it without sockets and gives it listeners of another kind.

    gateway.server.protocol puts its connections and tasks into the server's state, and takes the
    date from there.
    """
    listener = Listener()
    held = asyncio.Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup([])
            state: Any = self.server_state
            assert self.lifespan.state == {}
            assert (state.connections, state.tasks, self.servers) == (set(), set(), [])
            self.servers = [listener]  # type: ignore[list-item]
            state.connections.add(Connection(state))
            state.tasks.add(asyncio.ensure_future(held.wait()))

    async def app(_scope: Any, _receive: Any, _send: Any) -> None: ...

    config = uvicorn.Config(app, lifespan="off", log_config=None, server_header=False)
    server = Server(config)
    serving = asyncio.create_task(server.serve([]))
    while not server.server_state.default_headers:  # noqa: ASYNC110 - it has no event
        await asyncio.sleep(0.001)
    server.should_exit = True
    while server.server_state.connections:  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.001)
    waits_for_tasks = not serving.done()
    held.set()
    server.server_state.tasks.clear()
    await serving

    assert [name for name, _ in server.server_state.default_headers] == [b"date"]
    assert waits_for_tasks
    assert (listener.closed, listener.waited) == (1, 1)
