"""An endpoint over a small schema of the contract's shape."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from graphql import GraphQLSchema

from tests.fakes.endpoint import Caller, small_schema


@pytest.fixture(scope="session")
def schema() -> GraphQLSchema:
    return small_schema()


@pytest.fixture
def calling(schema) -> Callable[..., Caller]:
    """Makes callers of an endpoint with the given options."""
    return lambda **options: Caller(schema, options)


@pytest.fixture
def caller(calling) -> Caller:
    """A caller of an endpoint with the options that `serve` has."""
    made: Caller = calling()
    return made
