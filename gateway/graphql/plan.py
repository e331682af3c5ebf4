"""Plans: operations compiled once, which run without the general executor.

A plan covers operations as clients usually write them: one supported root field, optionally with
`__typename`; arguments as variables and literals; any selection without directives and without
fields that have resolvers. Documents and values that it does not cover are left to the general
executor, which knows all of GraphQL and words every error; both give the same response.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from graphql import (
    ExecutionResult,
    FieldNode,
    GraphQLNonNull,
    GraphQLSchema,
    located_error,
)

from gateway.graphql.allowance import Place
from gateway.graphql.arguments import (
    ArgumentReader,
    Arguments,
    Literals,
    UnusualValueError,
    Variables,
)
from gateway.graphql.context import RequestContext
from gateway.graphql.documents import CachedDocument, Operation
from gateway.graphql.planned_fields import PLANNED, Resolve
from gateway.graphql.selections import (
    Complete,
    FieldFailedError,
    NotCoveredError,
    Run,
    Selections,
    has_resolver,
)
from gateway.graphql.shapes import literal_places
from gateway.graphql.survey import fragments_of

Nodes = Mapping[tuple[str, ...], list[FieldNode]]


class Plan(NamedTuple):
    """One operation, ready to run."""

    name: str
    """The root field's response name."""
    read: Callable[[Variables, Literals], Arguments]
    resolve: Resolve
    place: Place
    complete: Complete | None
    is_nullable: bool
    frame: Sequence[tuple[str, str | None]]
    """All response names at the root, with `__typename`'s value."""

    def arguments(self, variables: Variables | None, literals: Literals) -> Arguments | None:
        """The root field's arguments, or None if the general executor must read the values."""
        try:
            return self.read(variables or {}, literals)
        except UnusualValueError:
            return None

    async def data(self, context: RequestContext, arguments: Arguments) -> dict[str, Any]:
        """The response's `data`. Raises FieldFailedError, or whatever the root field raises."""
        source = await self.resolve(context, self.place, arguments)
        if source is not None and self.complete is not None:
            return self._framed(self.complete(source, Run(context, source)))
        return self._framed(source)

    def failure(self, error: Exception, nodes: Nodes) -> ExecutionResult:
        """The result for an error that `data` raised, at these `nodes` of the document."""
        path: tuple[str, ...] = ()
        if isinstance(error, FieldFailedError):
            path, error = error.path, error.error
        located = located_error(error, nodes[path], [self.name, *path])
        return ExecutionResult(self._framed(None) if self.is_nullable else None, [located])

    def _framed(self, value: object) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for name, constant in self.frame:
            data[name] = value if constant is None else constant
        return data


class Planner:
    """Makes plans for one schema, and stores each with its operation."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema

    def plan(self, document: CachedDocument, operation: Operation) -> Plan | None:
        """The plan, or None if the general executor must run the operation."""
        if operation.plan is None:
            origin = document.origin or document
            try:
                operation.plan, _ = self._compiled(origin, operation)
            except NotCoveredError:
                operation.plan = _NOT_COVERED
            else:
                origin.forget_ast()
        return operation.plan if isinstance(operation.plan, Plan) else None

    def nodes(self, document: CachedDocument, operation: Operation) -> Nodes:
        """The field nodes by path of response names, for each path that can have an error."""
        _, nodes = self._compiled(document, operation)
        return nodes

    def _compiled(self, document: CachedDocument, named: Operation) -> tuple[Plan, Nodes]:
        ast, operation = document.ast, document.node(named)
        root = self._schema.get_root_type(operation.operation)
        selections = Selections(self._schema, fragments_of(ast))
        if root is None or operation.directives:
            raise NotCoveredError
        fields = selections.collect([operation.selection_set], root)
        frame = [
            (name, root.name if _is_typename(nodes[0]) else None) for name, nodes in fields.items()
        ]
        name, nodes = _only([(name, fields[name]) for name, constant in frame if constant is None])
        field_name = nodes[0].name.value
        field = root.fields.get(field_name)
        if field_name not in PLANNED or field is None or not has_resolver(field):
            raise NotCoveredError
        reader = ArgumentReader(self._schema, operation, literal_places(document.text))
        read = reader.arguments(nodes[0], field)
        reader.check_all_read()
        plan = Plan(
            name,
            read,
            PLANNED[field_name],
            selections.place((), nodes),
            selections.completion(nodes, field.type),
            not isinstance(field.type, GraphQLNonNull),
            frame,
        )
        return plan, selections.nodes


_NOT_COVERED = object()


def _is_typename(node: FieldNode) -> bool:
    return node.name.value == "__typename"


def _only(fields: list[tuple[str, list[FieldNode]]]) -> tuple[str, list[FieldNode]]:
    if len(fields) != 1:
        raise NotCoveredError
    return fields[0]
