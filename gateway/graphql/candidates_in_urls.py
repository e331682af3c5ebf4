"""Queries refused over GET, as they would put a candidate into a URL, and so into logs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    FieldNode,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    StringValueNode,
    VariableNode,
    value_from_ast_untyped,
)

from gateway.graphql.documents import CachedDocument, Operation
from gateway.graphql.survey import fragments_of, root_fields

_CANDIDATES = ("name", "email")


def names_candidate(
    document: CachedDocument, operation: Operation, variables: Mapping[str, Any] | None
) -> bool:
    """Whether the operation checks an invite, or filters applications by name or address."""
    # The operation may come from another document of the same shape, with other values.
    node = document.node(operation)
    values = {**_defaults(node), **(variables or {})}
    for field in root_fields(node, fragments_of(document.ast)):
        if field.name.value == "checkInvite":
            return True
        if field.name.value == "applications" and any(
            _given(part, values) for part in _filters(field, values)
        ):
            return True
    return False


def _filters(field: FieldNode, values: Mapping[str, Any]) -> Iterator[object]:
    """The candidate's data that the list is filtered by: nodes of the document, or values."""
    for argument in field.arguments or ():
        if argument.name.value != "filter":
            continue
        if isinstance(argument.value, ObjectValueNode):
            yield from (
                part.value for part in argument.value.fields if part.name.value in _CANDIDATES
            )
        elif isinstance(argument.value, VariableNode):
            given = values.get(argument.value.name.value)
            yield from map(given.get, _CANDIDATES) if isinstance(given, dict) else ()


def _given(part: object, values: Mapping[str, Any]) -> bool:
    if isinstance(part, VariableNode):
        part = values.get(part.name.value)
    if isinstance(part, StringValueNode):
        part = part.value
    return bool(part) and not isinstance(part, NullValueNode)


def _defaults(operation: OperationDefinitionNode) -> dict[str, Any]:
    return {
        one.variable.name.value: value_from_ast_untyped(one.default_value)
        for one in operation.variable_definitions or ()
        if one.default_value is not None
    }
