"""Plans: operations compiled once, which run without the general executor.

A plan covers operations as clients usually write them: one supported root field, optionally with
`__typename`; arguments as variables and literals; any selection without directives and without
fields that have resolvers. Documents and values that it does not cover are left to the general
executor, which knows all of GraphQL and words every error; both give the same response.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    ABSENT,
    ArgumentReader,
    Arguments,
    Literals,
    Read,
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
    frame_of,
    has_resolver,
)
from gateway.graphql.shapes import literal_places
from gateway.graphql.survey import fragments_of

Nodes = Mapping[tuple[str, ...], list[FieldNode]]


class Plan(NamedTuple):
    """One operation, ready to run."""

    name: str
    """The root field's response name."""
    reads: list[tuple[str, Read]]
    """How each of the root field's arguments is read."""
    resolve: Resolve
    place: Place
    complete: Complete | None
    is_nullable: bool
    frame: dict[str, str | None]
    """All response names at the root, with `__typename`'s value."""

    def arguments(self, variables: Variables | None, literals: Literals) -> Arguments | None:
        """The root field's arguments, or None if the general executor must read the values."""
        variables, arguments = variables or {}, {}
        try:
            for name, read in self.reads:
                value = read(variables, literals)
                if value is not ABSENT:
                    arguments[name] = value
        except UnusualValueError:
            return None
        return arguments

    def data(self, source: object, context: RequestContext) -> dict[str, Any]:
        """The response's `data`, of the root field's value. Raises FieldFailedError."""
        data: dict[str, Any] = self.frame.copy()
        if source is not None and self.complete is not None:
            source = self.complete(source, Run(context, source))
        data[self.name] = source
        return data

    def failure(self, error: Exception, nodes: Nodes) -> ExecutionResult:
        """The result for an error of the root field or of `data`, at these `nodes`."""
        path: tuple[str, ...] = ()
        if isinstance(error, FieldFailedError):
            path, error = error.path, error.error
        located = located_error(error, nodes[path], [self.name, *path])
        return ExecutionResult(self.frame.copy() if self.is_nullable else None, [located])


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
        frame = frame_of(fields, root)
        name = _only([name for name, constant in frame.items() if constant is None])
        nodes = fields[name]
        field_name = nodes[0].name.value
        field = root.fields.get(field_name)
        if field_name not in PLANNED or field is None or not has_resolver(field):
            raise NotCoveredError
        reader = ArgumentReader(self._schema, operation, literal_places(document.text))
        reads = reader.arguments(nodes[0], field)
        reader.check_all_read()
        plan = Plan(
            name,
            reads,
            PLANNED[field_name],
            selections.place((), nodes),
            selections.completion(nodes, field.type),
            not isinstance(field.type, GraphQLNonNull),
            frame,
        )
        return plan, selections.nodes


_NOT_COVERED = object()


def _only(names: list[str]) -> str:
    if len(names) != 1:
        raise NotCoveredError
    return names[0]
