"""Compiled selections: from an object of the core to its part of the response.

A field is read from the attribute of the same name in snake case. Directives, and fields with
resolvers other than those in `_RESOLVED`, are left to the general executor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias, cast

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNullableType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    NamedTypeNode,
    SelectionNode,
    SelectionSetNode,
    get_nullable_type,
    is_abstract_type,
    is_enum_type,
    is_list_type,
    is_object_type,
)

from gateway.applications.inputs import cursor_at
from gateway.applications.models import Application
from gateway.graphql.allowance import Place
from gateway.graphql.application_reads import Info, counted_items
from gateway.graphql.context import RequestContext
from gateway.graphql.results import to_graphql
from gateway.graphql.types import InviteCandidateSuccess
from gateway.invites.models import InviteFailure, InviteSuccess


class NotCoveredError(Exception):
    """The document needs the general executor."""


class FieldFailedError(Exception):
    """A field below the root failed; `path` has the response names from the root to it."""

    def __init__(self, path: tuple[str, ...], error: Exception) -> None:
        super().__init__()
        self.path = path
        self.error = error


class PlannedInfo:
    """The part of `strawberry.Info` that the resolvers called by plans need."""

    __slots__ = ("_raw_info", "context")

    def __init__(self, context: RequestContext, place: Place) -> None:
        self.context = context
        self._raw_info = place


@dataclass(slots=True)
class Run:
    """One run of a plan: the request's context, and the root field's value."""

    context: RequestContext
    source: Any


Complete: TypeAlias = Callable[[Any, Run], Any]
"""Makes the response's part of a value that is not null."""


class _Resolved(NamedTuple):
    """A list from a resolver: where its items are, and what each is read from."""

    attribute: str
    item: Callable[[Any], Any]


class _Edge(NamedTuple):
    cursor: str
    node: Application


def _edge(entry: tuple[int, Application]) -> _Edge:
    position, application = entry
    return _Edge(cursor_at(position), application)


_RESOLVED: Mapping[tuple[str, str], _Resolved] = {
    ("ApplicationConnection", "nodes"): _Resolved("entries", itemgetter(1)),
    ("ApplicationConnection", "edges"): _Resolved("entries", _edge),
}


class Selections:
    """Compiles what one valid document selects.

    `nodes` has the field nodes by path of response names, for each path that can have an error.
    """

    def __init__(
        self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode]
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self.nodes: dict[tuple[str, ...], list[FieldNode]] = {}

    def place(self, path: tuple[str, ...], nodes: list[FieldNode]) -> Place:
        """The place of a field that can fail and counts against the allowance."""
        self.nodes[path] = nodes
        return Place(nodes, self._fragments)

    def completion(
        self, nodes: list[FieldNode], type_: GraphQLOutputType, path: tuple[str, ...] = ()
    ) -> Complete | None:
        """How a value that is not null is completed; None if it is used unchanged."""
        nullable: GraphQLNullableType = get_nullable_type(type_)
        if is_list_type(nullable):
            return _list(self.completion(nodes, nullable.of_type, path))
        if is_abstract_type(nullable):
            return self._abstract(nodes, self._schema.get_possible_types(nullable), path)
        if is_object_type(nullable):
            return self._object(nodes, nullable, path)
        return _name if is_enum_type(nullable) else None

    def collect(
        self, selection_sets: Sequence[SelectionSetNode], parent: GraphQLObjectType
    ) -> dict[str, list[FieldNode]]:
        """Fields by response name, in their order (GraphQL specification, CollectFields)."""
        grouped: dict[str, list[FieldNode]] = {}
        visited: set[str] = set()
        for selection_set in selection_sets:
            for node in self._spread(selection_set, parent, visited):
                grouped.setdefault((node.alias or node.name).value, []).append(node)
        return grouped

    def _abstract(
        self, nodes: list[FieldNode], types: Sequence[GraphQLObjectType], path: tuple[str, ...]
    ) -> Complete:
        return _member(tuple((one.name, self._object(nodes, one, path)) for one in types))

    def _object(
        self, nodes: list[FieldNode], parent: GraphQLObjectType, path: tuple[str, ...]
    ) -> Complete:
        selections = [node.selection_set for node in nodes if node.selection_set is not None]
        fields = self.collect(selections, parent)
        frame = frame_of(fields, parent)
        reads, completions = [], []
        for name in (name for name, constant in frame.items() if constant is None):
            attribute, complete = self._field(fields[name], parent, (*path, name))
            reads.append((name, attribute))
            if complete is not None:
                completions.append((name, complete))
        return _read(tuple(frame.items()), tuple(reads), tuple(completions))

    def _field(
        self, nodes: list[FieldNode], parent: GraphQLObjectType, path: tuple[str, ...]
    ) -> tuple[str, Complete | None]:
        """The attribute to read, and how its value is completed."""
        name = nodes[0].name.value
        if (parent.name, name) == ("Application", "trackId"):
            # An application does not hold its track; what it was read from does.
            return "__class__", _track_id
        field = parent.fields[name]
        resolved = _RESOLVED.get((parent.name, name))
        if resolved is not None:
            item = self.completion(nodes, get_nullable_type(field.type).of_type, path)
            return resolved.attribute, _counted(resolved.item, item, self.place(path, nodes), path)
        if has_resolver(field):
            raise NotCoveredError
        return snake_case(name), self.completion(nodes, field.type, path)

    def _spread(
        self, selection_set: SelectionSetNode, parent: GraphQLObjectType, visited: set[str]
    ) -> Iterator[FieldNode]:
        for node in selection_set.selections:
            _check_without_directives(node)
            if isinstance(node, FieldNode):
                yield node
                continue
            fragment: InlineFragmentNode | FragmentDefinitionNode
            if isinstance(node, FragmentSpreadNode):
                if node.name.value in visited:
                    continue
                visited.add(node.name.value)
                fragment = self._fragments[node.name.value]
            else:
                assert isinstance(node, InlineFragmentNode)  # noqa: S101 - the only kind left
                fragment = node
            if self._applies(fragment.type_condition, parent):
                yield from self._spread(fragment.selection_set, parent, visited)

    def _applies(self, condition: NamedTypeNode | None, parent: GraphQLObjectType) -> bool:
        if condition is None or condition.name.value == parent.name:
            return True
        type_ = self._schema.get_type(condition.name.value)
        return is_abstract_type(type_) and self._schema.is_sub_type(type_, parent)


def frame_of(
    fields: Mapping[str, list[FieldNode]], parent: GraphQLObjectType
) -> dict[str, str | None]:
    """The response names in order, with the value of each `__typename`."""
    return {
        name: parent.name if nodes[0].name.value == "__typename" else None
        for name, nodes in fields.items()
    }


def has_resolver(field: GraphQLField) -> bool:
    """Whether the field has a resolver; without one it is an attribute of its object."""
    definition = field.extensions.get("strawberry-definition")
    return definition is not None and definition.base_resolver is not None


@cache
def snake_case(name: str) -> str:
    """The attribute behind a name of the schema: `applicationId` is `application_id`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _check_without_directives(node: SelectionNode) -> None:
    if node.directives:
        raise NotCoveredError


# Documents that select the same share what reads it, which is most of a plan's memory.
_shared = lru_cache(maxsize=128)


def _name(member: Any, _: Run) -> str:
    name: str = member.name
    return name


def _track_id(_: Any, run: Run) -> str:
    return str(run.source.track_id)


@_shared
def _list(item: Complete | None) -> Complete:
    if item is None:
        return lambda values, _: list(values)
    return lambda values, run: [None if one is None else item(one, run) for one in values]


def _counted(
    source: Callable[[Any], Any], item: Complete | None, place: Place, path: tuple[str, ...]
) -> Complete:
    assert item is not None  # noqa: S101 - items are objects

    def complete(entries: Sequence[Any], run: Run) -> list[Any]:
        try:
            counted_items(cast("Info", PlannedInfo(run.context, place)), entries)
        except Exception as error:
            raise FieldFailedError(path, error) from error
        return [item(source(entry), run) for entry in entries]

    return complete


@_shared
def _member(members: tuple[tuple[str, Complete], ...]) -> Complete:
    """Completes a member of an abstract type as its own type says."""
    by_name = dict(members)

    def complete(value: Any, run: Run) -> Any:
        return by_name[type(value).__name__](value, run)

    if InviteCandidateSuccess.__name__ in by_name:
        # The core's success has all fields of its type in the schema, under the same names.
        by_name[InviteSuccess.__name__] = by_name[InviteCandidateSuccess.__name__]
        by_name[InviteFailure.__name__] = lambda value, run: complete(to_graphql(value), run)
    return complete


@_shared
def _read(
    frame: tuple[tuple[str, str | None], ...],
    reads: tuple[tuple[str, str], ...],
    completions: tuple[tuple[str, Complete], ...],
) -> Complete:
    """Reads all attributes, and completes the few values that are not used unchanged."""
    names = dict(frame)

    def complete(source: Any, run: Run) -> dict[str, Any]:
        data: dict[str, Any] = names.copy()
        for name, attribute in reads:
            data[name] = getattr(source, attribute)
        for name, finish in completions:
            value = data[name]
            if value is not None:
                data[name] = finish(value, run)
        return data

    return complete
