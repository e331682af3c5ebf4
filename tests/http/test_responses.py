"""Answers can hold whatever the upstream put into them."""

from __future__ import annotations

import json

import pytest

from gateway.http.media_types import MediaType
from gateway.http.responses import graphql_response


@pytest.mark.parametrize(
    "value",
    ["é🏃", "\ud800", 2**70, [[]], {"a": None}],
    ids=["unicode", "lone-surrogate", "big-integer", "list", "object"],
)
def test_any_value_is_sent(value):
    """Text that is no UTF-8 and integers beyond 64 bits are still JSON."""
    response = graphql_response({"data": {"a": value}}, MediaType.JSON)

    assert json.loads(response.body) == {"data": {"a": value}}
    assert dict(response.all_headers())[b"content-length"] == b"%d" % len(response.body)


def test_deep_data_is_sent():
    """Data deeper than the fast encoder follows is encoded by the other one."""
    deep: object = None
    for _ in range(400):
        deep = [deep]

    response = graphql_response({"data": deep}, MediaType.JSON)

    assert json.loads(response.body) == {"data": deep}
