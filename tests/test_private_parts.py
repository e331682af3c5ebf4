"""Private parts of libraries that are used here: each has an upper bound in pyproject.toml.

A library may change them without a word. Then these tests fail, and say where to look.
"""

from __future__ import annotations

import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import strawberry
from graphql import GraphQLSchema, TypeInfo, build_schema, graphql_sync, parse
from graphql.validation import ValidationContext
from graphql.validation.validate import FragmentNestingVisitor, query_document_keys_to_validate
from prometheus_client import Histogram

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))


@pytest.mark.parametrize("library", ["graphql-core", "prometheus-client", "strawberry-graphql"])
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
