"""Plans: documents that invite, made ready once so that running them needs no executor.

A plan covers the mutation as clients write it: one `inviteCandidate`, its input a variable or an
object of variables and literals, any selection without directives. What it does not cover, be
it a document or the values sent with one, is left to the general executor, which knows all of
GraphQL and words every error; both give the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, TypeAlias

from graphql import (
    EnumValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNullableType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    NamedTypeNode,
    NonNullTypeNode,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    StringValueNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_enum_type,
    is_list_type,
    is_object_type,
)

from gateway.graphql.documents import CachedDocument, Operation
from gateway.graphql.survey import fragments_of
from gateway.invites.inputs import InviteDraft
from gateway.invites.models import InviteFormat

Variables: TypeAlias = Mapping[str, Any]
Read: TypeAlias = Callable[[Any], Any]
_Draft: TypeAlias = Callable[[Variables], InviteDraft | None]

INVITE_FIELD = "inviteCandidate"
_FORMATS: Mapping[str, InviteFormat] = InviteFormat.__members__
_REQUIRED = frozenset({"candidateName", "candidateEmail", "trackId"})
_FIELDS = _REQUIRED | {"inviteFormat", "idempotencyKey"}


class Plan:
    """One operation, ready to run."""

    def __init__(self, draft: _Draft, answers: Mapping[str, Read], frame: Sequence[Any]) -> None:
        self._draft = draft
        self._answers = answers
        self._frame = frame

    def draft(self, variables: Variables | None) -> InviteDraft | None:
        """What the caller asks for, or None if the values are for the general executor."""
        return self._draft(variables or {})

    def data(self, result: object, type_name: str) -> dict[str, Any]:
        """The response's `data` for a member of the union, given its type's name."""
        read = self._answers[type_name]
        data: dict[str, Any] = {}
        # No comprehension here and below: each makes a function of its own every time.
        for name, constant in self._frame:
            data[name] = read(result) if constant is None else constant
        return data


class Planner:
    """Makes plans for one schema, and leaves each with its operation."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema

    def plan(self, document: CachedDocument, operation: Operation) -> Plan | None:
        """The plan, or None if the operation is for the general executor."""
        if operation.plan is None:
            fragments = fragments_of(document.ast)
            try:
                operation.plan = _Compiler(self._schema, fragments).plan(operation.node)
            except _NotCoveredError:
                operation.plan = _NOT_COVERED
        return operation.plan if isinstance(operation.plan, Plan) else None


_NOT_COVERED = object()


class _NotCoveredError(Exception):
    """The document needs the general executor."""


class _Compiler:
    """Compiles the operations of one valid document."""

    def __init__(
        self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode]
    ) -> None:
        self._schema = schema
        self._fragments = fragments

    def plan(self, operation: OperationDefinitionNode) -> Plan:
        mutation = self._schema.mutation_type
        if operation.operation is not OperationType.MUTATION or mutation is None:
            raise _NotCoveredError
        frame: list[tuple[str, str | None]] = []
        invite: list[FieldNode] = []
        for name, nodes in self._collect([operation.selection_set], mutation).items():
            if nodes[0].name.value == "__typename":
                frame.append((name, mutation.name))
            elif nodes[0].name.value == INVITE_FIELD and not invite:
                frame.append((name, None))
                invite = nodes
            else:
                raise _NotCoveredError
        if not invite:
            raise _NotCoveredError
        return Plan(self._draft(invite[0], operation), self._answers(invite, mutation), frame)

    def _answers(self, nodes: list[FieldNode], mutation: GraphQLObjectType) -> dict[str, Read]:
        union = get_named_type(mutation.fields[INVITE_FIELD].type)
        if not is_abstract_type(union):
            raise _NotCoveredError
        types = self._schema.get_possible_types(union)
        return {one.name: self._object(nodes, one) for one in types}

    def _object(self, nodes: list[FieldNode], parent: GraphQLObjectType) -> Read:
        selections = [node.selection_set for node in nodes if node.selection_set is not None]
        reads = [
            (name, self._field(found, parent))
            for name, found in self._collect(selections, parent).items()
        ]

        def read_all(source: Any) -> dict[str, Any]:
            answer = {}
            for name, read in reads:
                answer[name] = read(source)
            return answer

        return read_all

    def _field(self, nodes: list[FieldNode], parent: GraphQLObjectType) -> Read:
        name = nodes[0].name.value
        if name == "__typename":
            return lambda _: parent.name
        field = parent.fields[name]
        read = attrgetter(_attribute(name))
        complete = self._completion(nodes, field.type)
        return read if complete is None else _both(read, complete)

    def _completion(self, nodes: list[FieldNode], type_: GraphQLOutputType) -> Read | None:
        """What is done to a value that is not null; None if it is answered as it is."""
        nullable: GraphQLNullableType = get_nullable_type(type_)
        if is_list_type(nullable):
            complete = self._completion(nodes, nullable.of_type)
            return list if complete is None else lambda values: [complete(one) for one in values]
        if is_object_type(nullable):
            return self._object(nodes, nullable)
        return attrgetter("name") if is_enum_type(nullable) else None

    def _collect(
        self, selection_sets: Sequence[SelectionSetNode], parent: GraphQLObjectType
    ) -> dict[str, list[FieldNode]]:
        """Fields by response name, in their order (GraphQL specification, CollectFields)."""
        grouped: dict[str, list[FieldNode]] = {}
        visited: set[str] = set()
        for selection_set in selection_sets:
            for node in self._spread(selection_set, parent, visited):
                grouped.setdefault((node.alias or node.name).value, []).append(node)
        return grouped

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
                assert isinstance(node, InlineFragmentNode)  # noqa: S101 - the third kind of three
                fragment = node
            if self._applies(fragment.type_condition, parent):
                yield from self._spread(fragment.selection_set, parent, visited)

    def _applies(self, condition: NamedTypeNode | None, parent: GraphQLObjectType) -> bool:
        if condition is None or condition.name.value == parent.name:
            return True
        type_ = self._schema.get_type(condition.name.value)
        return is_abstract_type(type_) and self._schema.is_sub_type(type_, parent)

    def _draft(self, node: FieldNode, operation: OperationDefinitionNode) -> _Draft:
        (argument,) = node.arguments or ()
        if isinstance(argument.value, VariableNode):
            name = argument.value.name.value
            return lambda variables: _draft_of(variables.get(name))
        if not isinstance(argument.value, ObjectValueNode):
            raise _NotCoveredError
        literals: dict[str, Any] = {}
        sent: dict[str, str] = {}
        for field in argument.value.fields:
            if isinstance(field.value, VariableNode):
                sent[field.name.value] = field.value.name.value
            else:
                literals[field.name.value] = _literal(field.value)
        return _draft_from(literals, sent, _never_null(operation, sent.values()))


def _draft_of(given: object) -> InviteDraft | None:
    """The draft, if every value is just what its type takes; null and absent ones vary."""
    if type(given) is not dict or not given.keys() <= _FIELDS or not given.keys() >= _REQUIRED:
        return None
    name, email, track = given["candidateName"], given["candidateEmail"], given["trackId"]
    track = str(track) if type(track) is int else track
    format_, key = given.get("inviteFormat", "GET_LINK"), given.get("idempotencyKey")
    if not (
        type(name) is type(email) is type(track) is str
        and type(format_) is str
        and format_ in _FORMATS
        and (key is None or type(key) is str)
    ):
        return None
    return InviteDraft(name, email, track, _FORMATS[format_], key)


def _literal(node: ValueNode) -> Any:
    match node:
        case StringValueNode() | IntValueNode() | EnumValueNode():
            return node.value
        case NullValueNode():
            return None
    raise _NotCoveredError


def _draft_from(
    literals: dict[str, Any], sent: Mapping[str, str], never_null: Collection[str]
) -> _Draft:
    def draft(variables: Variables) -> InviteDraft | None:
        if any(variables.get(name) is None for name in never_null):
            return None
        # A variable that is absent leaves its field absent.
        given = {field: variables[name] for field, name in sent.items() if name in variables}
        return _draft_of(literals | given)

    return draft


def _never_null(operation: OperationDefinitionNode, names: Collection[str]) -> list[str]:
    """Those of the variables that must be there; one with a default is not covered."""
    declared = {one.variable.name.value: one for one in operation.variable_definitions or ()}
    if any(declared[name].default_value is not None for name in names):
        raise _NotCoveredError
    return [name for name in names if isinstance(declared[name].type, NonNullTypeNode)]


def _check_without_directives(node: SelectionNode) -> None:
    if node.directives:
        raise _NotCoveredError


def _attribute(field: str) -> str:
    """The attribute behind a field: `applicationId` is read from `application_id`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in field)


def _both(read: Read, complete: Read) -> Read:
    def read_and_complete(source: Any) -> Any:
        value = read(source)
        return None if value is None else complete(value)

    return read_and_complete
