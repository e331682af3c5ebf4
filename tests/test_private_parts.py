"""Private parts of libraries that are used here: each has an upper bound in pyproject.toml.

A library may change them without a word. Then these tests fail, and say where to look.
"""

from __future__ import annotations

import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from graphql import TypeInfo, build_schema, parse
from graphql.validation import ValidationContext
from graphql.validation.validate import FragmentNestingVisitor, query_document_keys_to_validate

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))


@pytest.mark.parametrize("library", ["graphql-core"])
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
