"""Checks a parsed document against the limits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    ListValueNode,
    Node,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
)

from gateway.settings.limits import Limits

INVITE_FIELDS = frozenset({"inviteCandidate", "inviteCandidates"})


def check_document(document: DocumentNode, limits: Limits) -> None:
    """Raise GraphQLError for the first limit that the document breaks.

    Takes time linear in the document, however often its fragments are spread.
    """
    try:
        _Survey(document, limits).check()
    except RecursionError:
        # Happens only if the limits were raised far beyond their defaults.
        raise GraphQLError("The document is nested too deeply.") from None


def root_fields(
    operation: OperationDefinitionNode, fragments: dict[str, FragmentDefinitionNode]
) -> Iterator[FieldNode]:
    """The fields at an operation's root, fragments included, each fragment once.

    `@skip` and `@include` are ignored: these are all fields that may be run.
    """
    return _spread_out([operation.selection_set], fragments)


def _spread_out(
    selections: Iterable[SelectionSetNode], fragments: dict[str, FragmentDefinitionNode]
) -> Iterator[FieldNode]:
    """The fields of selection sets that are merged into one, each fragment once."""
    seen: set[str] = set()
    waiting = [*selections]
    while waiting:
        for selection in waiting.pop().selections:
            if isinstance(selection, FieldNode):
                yield selection
            elif isinstance(selection, FragmentSpreadNode):
                name = selection.name.value
                if name in fragments and name not in seen:
                    seen.add(name)
                    waiting.append(fragments[name].selection_set)
            else:
                waiting.append(selection.selection_set)  # type: ignore[attr-defined]


def count_invites(fields: Iterable[FieldNode]) -> int:
    """How many invites the root fields request; fields with one response name count once."""
    return len({_response_name(f) for f in fields if f.name.value in INVITE_FIELDS})


def fragments_of(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }


def _response_name(node: FieldNode) -> str:
    return (node.alias or node.name).value


class _Size(NamedTuple):
    fields: int
    levels: int


@dataclass(slots=True)
class _Survey:
    """One walk over a document: each definition once, with each fragment's size cached."""

    document: DocumentNode
    limits: Limits
    fragments: dict[str, FragmentDefinitionNode] = field(init=False)
    sizes: dict[str, _Size] = field(default_factory=dict)
    aliases: int = 0
    directives: int = 0
    spreads: int = 0
    overlaps: int = 0

    def __post_init__(self) -> None:
        self.fragments = fragments_of(self.document)

    def check(self) -> None:
        limits, definitions = self.limits, self.document.definitions
        count = sum(isinstance(d, FragmentDefinitionNode) for d in definitions)
        _at_most(count, limits.max_fragments, "fragments", self.document)
        count = sum(isinstance(d, OperationDefinitionNode) for d in definitions)
        _at_most(count, limits.max_operations, "operations", self.document)
        for name in self.fragments:
            self._fragment(name, 1)
        for definition in definitions:
            self._directives(definition)
            if isinstance(definition, OperationDefinitionNode):
                self._operation(definition)

    def _operation(self, operation: OperationDefinitionNode) -> None:
        limits = self.limits
        for variable in operation.variable_definitions or ():
            self._directives(variable)
            if variable.default_value is not None:
                self._value(variable.default_value, 0)
        size = self._selections(operation.selection_set, 1)
        _at_most(size.fields, limits.max_fields, "fields, fragments spread out,", operation)
        roots = list(root_fields(operation, self.fragments))
        _at_most(len(roots), limits.max_root_fields, "root fields", operation)
        invites = count_invites(roots)
        _at_most(invites, limits.max_invites, "fields that invite in one request", operation)
        self._merge([operation.selection_set])

    def _merge(self, merged: list[SelectionSetNode]) -> None:
        """Count the fields that share a place in the response, here and below."""
        places: dict[str, list[FieldNode]] = {}
        for node in _spread_out(merged, self.fragments):
            places.setdefault(_response_name(node), []).append(node)
        for nodes in places.values():
            self.overlaps += len(nodes) * (len(nodes) - 1) // 2
            _at_most(self.overlaps, self.limits.max_overlaps, "overlapping fields", nodes[0])
            if below := [node.selection_set for node in nodes if node.selection_set is not None]:
                self._merge(below)

    def _fragment(self, name: str, depth: int) -> _Size:
        if name not in self.fragments:
            return _Size(0, 0)  # validation reports the unknown fragment
        if name not in self.sizes:
            self.sizes[name] = _Size(0, 0)  # validation reports the cycle
            self.sizes[name] = self._selections(self.fragments[name].selection_set, depth)
        return self.sizes[name]

    def _selections(self, selections: SelectionSetNode, depth: int) -> _Size:
        """The size of everything at level `depth` and below."""
        _at_most(depth, self.limits.max_depth, "levels of fields", selections)
        fields, levels = 0, 1
        for node in selections.selections:
            self._directives(node)
            size = self._selection(node, depth)
            fields += size.fields
            levels = max(levels, size.levels)
        _at_most(depth - 1 + levels, self.limits.max_depth, "levels of fields", selections)
        return _Size(fields, levels)

    def _selection(self, node: Node, depth: int) -> _Size:
        if isinstance(node, FragmentSpreadNode):
            self.spreads += 1
            _at_most(self.spreads, 2 * self.limits.max_fragments, "fragment spreads", node)
            return self._fragment(node.name.value, depth)
        below = _Size(0, 0)
        selections: SelectionSetNode | None = node.selection_set  # type: ignore[attr-defined]
        if selections is not None:
            below = self._selections(selections, depth + 1)
        if not isinstance(node, FieldNode):
            return _Size(below.fields, below.levels + 1)
        self._field(node)
        return _Size(below.fields + 1, below.levels + 1)

    def _field(self, node: FieldNode) -> None:
        if node.alias is not None:
            self.aliases += 1
            _at_most(self.aliases, self.limits.max_aliases, "aliases", node)
        for argument in node.arguments or ():
            self._value(argument.value, 0)

    def _directives(self, node: Node) -> None:
        directives = getattr(node, "directives", None) or ()
        self.directives += len(directives)
        _at_most(self.directives, self.limits.max_directives, "directives", node)
        for directive in directives:
            for argument in directive.arguments or ():
                self._value(argument.value, 0)

    def _value(self, node: ValueNode, depth: int) -> None:
        if isinstance(node, ListValueNode):
            inner: Iterable[ValueNode] = node.values
        elif isinstance(node, ObjectValueNode):
            inner = [item.value for item in node.fields]
        else:
            return
        _at_most(depth + 1, self.limits.max_input_depth, "levels of input", node)
        for value in inner:
            self._value(value, depth + 1)


def _at_most(count: int, limit: int, what: str, node: Node) -> None:
    if count > limit:
        raise GraphQLError(f"The document has more {what} than the {limit} allowed.", node)
