"""Compiled arguments: usual values, read exactly as the executor reads them.

A value that the executor would refuse or coerce is left to the executor, which words the error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final, TypeAlias, cast

from graphql import (
    EnumValueNode,
    FieldNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    GraphQLType,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    StringValueNode,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    get_nullable_type,
    is_required_input_field,
    type_from_ast,
)

from gateway.graphql.selections import NotCoveredError

Variables: TypeAlias = Mapping[str, Any]
Literals: TypeAlias = Sequence[str]
Arguments: TypeAlias = dict[str, Any]
Read: TypeAlias = Callable[[Variables, Literals], Any]
"""Reads a value as the executor does; `ABSENT` if its variable is."""
_Coerce: TypeAlias = Callable[[Any], Any]

ABSENT: Final = object()
_LARGEST_INT: Final = 2**31 - 1


class UnusualValueError(Exception):
    """The general executor must read this value."""


class ArgumentReader:
    """Compiles the arguments of the fields of one operation.

    `places` maps where a literal that may differ within the shape begins to its position.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        places: Mapping[int, int],
    ) -> None:
        self._schema = schema
        self._places = places
        self._declared = {
            one.variable.name.value: one for one in operation.variable_definitions or ()
        }
        self._unread = set(self._declared)

    def arguments(self, node: FieldNode, field: GraphQLField) -> list[tuple[str, Read]]:
        """How each of the field's arguments is read."""
        return [
            (one.name.value, self._value(one.value, field.args[one.name.value].type))
            for one in node.arguments or ()
        ]

    def check_all_read(self) -> None:
        """Raises NotCoveredError if the executor would use a variable that was not read here."""
        if self._unread:
            raise NotCoveredError

    def _value(self, node: ValueNode, type_: GraphQLInputType) -> Read:
        if isinstance(node, VariableNode):
            return self._variable(node.name.value, is_required=isinstance(type_, GraphQLNonNull))
        if isinstance(node, NullValueNode):
            return lambda *_: None
        if isinstance(type_, GraphQLNonNull):
            type_ = type_.of_type
        match node, type_:
            case StringValueNode() | IntValueNode(), _:
                return self._literal(node, _kind(type_))
            case EnumValueNode(), GraphQLEnumType():
                name = node.value
                return lambda *_: name
            case ObjectValueNode(), GraphQLInputObjectType() if not type_.is_one_of:
                return self._object(node, type_)
            case ListValueNode(), GraphQLList():
                return self._list(node, type_.of_type)
        raise NotCoveredError

    def _variable(self, name: str, *, is_required: bool) -> Read:
        declared = self._declared[name]
        self._unread.discard(name)
        type_ = cast("GraphQLInputType", type_from_ast(self._schema, declared.type))
        coerce, default = coercion(type_), self._default(declared, type_)
        if default is None and isinstance(type_, GraphQLNonNull):
            default = _unusual

        def read(variables: Variables, literals: Literals) -> Any:
            value = variables.get(name, ABSENT)
            if value is ABSENT:
                return ABSENT if default is None else default(variables, literals)
            value = coerce(value)
            if value is None and is_required:
                raise UnusualValueError
            return value

        return read

    def _default(self, declared: VariableDefinitionNode, type_: GraphQLInputType) -> Read | None:
        if declared.default_value is None:
            return None
        return self._value(declared.default_value, type_)

    def _literal(self, node: StringValueNode | IntValueNode, kind: str) -> Read:
        if kind not in ("Int", "ID", "String"):
            raise NotCoveredError
        make = int if kind == "Int" else str
        constant, place = make(node.value), self._place(node)
        if place is None:
            return lambda *_: constant
        if isinstance(node, StringValueNode):
            return lambda _, literals: literals[place][1:-1]
        return lambda _, literals: make(literals[place])

    def _place(self, node: ValueNode) -> int | None:
        return self._places.get(node.loc.start) if node.loc is not None else None

    def _object(self, node: ObjectValueNode, type_: GraphQLInputObjectType) -> Read:
        reads = [
            (one.name.value, self._value(one.value, type_.fields[one.name.value].type))
            for one in node.fields
        ]
        required = _required(type_)

        def read_all(variables: Variables, literals: Literals) -> Any:
            values = {}
            for name, read in reads:
                value = read(variables, literals)
                if value is not ABSENT:
                    values[name] = value
            if not required <= values.keys():
                raise UnusualValueError
            return values

        return read_all

    def _list(self, node: ListValueNode, item: GraphQLInputType) -> Read:
        reads = [self._value(one, item) for one in node.values]
        # An absent variable in a list is null.
        instead = _unusual if isinstance(item, GraphQLNonNull) else lambda *_: None

        def read_all(variables: Variables, literals: Literals) -> list[Any]:
            values = [read(variables, literals) for read in reads]
            return [instead() if one is ABSENT else one for one in values]

        return read_all


def coercion(type_: GraphQLInputType) -> _Coerce:
    """Takes a value from JSON as a variable of the type; raises UnusualValueError.

    Enum values stay names, and absent fields of input objects stay absent.
    """
    if isinstance(type_, GraphQLNonNull):
        return _coercion(type_.of_type)
    coerce = _coercion(type_)
    return lambda value: None if value is None else coerce(value)


def _coercion(type_: GraphQLInputType) -> _Coerce:
    match type_:
        case GraphQLList():
            return _list_of(coercion(type_.of_type))
        case GraphQLInputObjectType() if not type_.is_one_of:
            return _object_of(type_)
        case GraphQLEnumType():
            return _one_of(type_.values)
    match _kind(type_):
        case "ID":
            return _id
        case "String":
            return _string
        case "Int":
            return _int
    raise NotCoveredError


def _unchanged(type_: GraphQLInputType) -> type | None:
    """The Python type whose values coercion leaves unchanged, if there is one."""
    return str if _kind(get_nullable_type(type_)) in ("ID", "String") else None


def _kind(type_: GraphQLType) -> str:
    return getattr(type_, "name", "")


def _required(type_: GraphQLInputObjectType) -> frozenset[str]:
    return frozenset(name for name, one in type_.fields.items() if is_required_input_field(one))


@cache
def _object_of(type_: GraphQLInputObjectType) -> _Coerce:
    fields = {
        name: (_unchanged(field.type), coercion(field.type)) for name, field in type_.fields.items()
    }
    known, required = frozenset(fields), _required(type_)

    def coerce(value: Any) -> dict[str, Any]:
        if type(value) is not dict or not required <= value.keys() or not known.issuperset(value):
            raise UnusualValueError
        values = value.copy()
        for name, given in value.items():
            unchanged, coerce_field = fields[name]
            if type(given) is not unchanged:
                values[name] = coerce_field(given)
        return values

    return coerce


def _list_of(item: _Coerce) -> _Coerce:
    def coerce(value: Any) -> list[Any]:
        if type(value) is not list:
            raise UnusualValueError
        return [item(one) for one in value]

    return coerce


def _one_of(names: Mapping[str, object]) -> _Coerce:
    def coerce(value: Any) -> str:
        if type(value) is not str or value not in names:
            raise UnusualValueError
        return value

    return coerce


def _string(value: Any) -> str:
    if type(value) is not str:
        raise UnusualValueError
    return value


def _id(value: Any) -> str:
    if type(value) is str:
        return value
    if type(value) is not int:
        raise UnusualValueError
    return str(value)


def _int(value: Any) -> int:
    if type(value) is not int or not -_LARGEST_INT <= value <= _LARGEST_INT:
        raise UnusualValueError
    return value


def _unusual(*_: object) -> Any:
    raise UnusualValueError
