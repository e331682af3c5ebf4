"""Limits on how much application data one response may hold.

The limits on documents do not know how long lists are: a field selected on 200 applications is
resolved 200 times, and each alias may repeat a long value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLResolveInfo,
    SelectionSetNode,
)

MOST_BYTES: Final = 8 * 1024 * 1024
"""Bytes of platform data per response; each alias counts again."""


class AnswerTooLargeError(Exception):
    """The response would be larger than allowed."""


class Extent(NamedTuple):
    """How many fields and aliases a selection has at all levels, fragments included."""

    fields: int = 0
    aliases: int = 0


class Place:
    """A field of a plan; its size is the same for all requests, so it is measured once."""

    def __init__(
        self, field_nodes: list[FieldNode], fragments: Mapping[str, FragmentDefinitionNode]
    ) -> None:
        below = [node.selection_set for node in field_nodes if node.selection_set]
        self.extent = _extent(below, fragments)


@dataclass(slots=True)
class Allowance:
    """What one request may still use; exceeding it raises AnswerTooLargeError."""

    values: int = 5_000
    octets: int = MOST_BYTES
    _extents: dict[tuple[int, ...], Extent] = field(default_factory=dict)

    def take_items(
        self, info: GraphQLResolveInfo[Any] | Place, items: int, *, each: int = 1
    ) -> None:
        """Count `items` list items, each as `each` values plus all that is selected below it."""
        self.values -= items * (self._extent(info).fields + each)
        if self.values < 0:
            raise AnswerTooLargeError

    def take_bytes(self, info: GraphQLResolveInfo[Any] | Place, size: int) -> None:
        """Count `size` bytes, once and again for each alias."""
        self.octets -= size * (self._extent(info).aliases + 1)
        if self.octets < 0:
            raise AnswerTooLargeError

    def _extent(self, info: GraphQLResolveInfo[Any] | Place) -> Extent:
        if isinstance(info, Place):
            return info.extent
        # The nodes live as long as the document, and so as long as the request.
        key = tuple(map(id, info.field_nodes))
        if key not in self._extents:
            below = [node.selection_set for node in info.field_nodes if node.selection_set]
            self._extents[key] = _extent(below, info.fragments)
        return self._extents[key]


def _extent(
    selections: Iterable[SelectionSetNode], fragments: Mapping[str, FragmentDefinitionNode]
) -> Extent:
    """Takes time linear in the fields, which `Limits.max_fields` bounds."""
    fields = aliases = 0
    for node in (node for one in selections for node in one.selections):
        if isinstance(node, FragmentSpreadNode):
            below: SelectionSetNode | None = fragments[node.name.value].selection_set
        else:
            below = node.selection_set  # type: ignore[attr-defined]
        if isinstance(node, FieldNode):
            fields += 1
            aliases += node.alias is not None
        if below is not None:
            inner = _extent([below], fragments)
            fields, aliases = fields + inner.fields, aliases + inner.aliases
    return Extent(fields, aliases)
