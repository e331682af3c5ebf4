"""How much of applications one answer may hold."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from graphql import FieldNode, FragmentDefinitionNode, OperationDefinitionNode, parse

from gateway.graphql.allowance import Allowance, AnswerTooLargeError, Extent, _extent


def field_info(document: str) -> Any:
    """What a resolver of the operation's first field is told."""
    definitions = parse(document).definitions
    operation = next(one for one in definitions if isinstance(one, OperationDefinitionNode))
    fragments = {
        one.name.value: one for one in definitions if isinstance(one, FragmentDefinitionNode)
    }
    node = operation.selection_set.selections[0]
    return SimpleNamespace(field_nodes=[node], fragments=fragments)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("{a}", Extent(0, 0)),
        ("{a{b}}", Extent(1, 0)),
        ("{x:a{y:b z:c{d}}}", Extent(3, 2)),
        ("{a{...{b ...on T{x:c}}}}", Extent(2, 1)),
        ("{a{...F ...F}} fragment F on T{x:b c{...G}} fragment G on T{d}", Extent(6, 2)),
    ],
)
def test_extent_is_what_is_below(document, expected):
    """Fields and aliases count as often as they are spread out."""
    info = field_info(document)
    node = cast("FieldNode", info.field_nodes[0])
    below = [node.selection_set] if node.selection_set else []

    assert _extent(below, info.fragments) == expected


def test_items_count_with_their_fields():
    """An item is one value, and so is each field of it."""
    info, allowance = field_info("{a{b c{d}}}"), Allowance(values=40)

    allowance.take_items(info, 5)
    allowance.take_items(info, 5)
    with pytest.raises(AnswerTooLargeError):
        allowance.take_items(info, 1)


def test_bytes_count_for_each_alias():
    """A value without an alias is told once, however many fields there are."""
    info, allowance = field_info("{a{b x:c y:c d}}"), Allowance(octets=30)

    allowance.take_bytes(info, 10)
    with pytest.raises(AnswerTooLargeError):
        allowance.take_bytes(info, 1)


def test_fields_that_are_merged_count_together():
    """One field may be written in several places."""
    info = field_info("{a{b} ...F} fragment F on T{a{c d}}")
    info.field_nodes.append(info.fragments["F"].selection_set.selections[0])
    allowance = Allowance(values=4)

    allowance.take_items(info, 1)
    assert allowance.values == 0
