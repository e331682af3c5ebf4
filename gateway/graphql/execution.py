"""Runs operations: by a plan if there is one, else by the general executor."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from decimal import Decimal
from inspect import isawaitable
from typing import Any, Protocol

from graphql import ExecutionResult, GraphQLSchema, OperationType, execute

from gateway.graphql.context import RequestContext
from gateway.graphql.documents import CachedDocument, Operation
from gateway.graphql.plan import Planner

MAX_COERCION_ERRORS = 10
# Access to a member through its enum takes ten times as long.
_QUERY = OperationType.QUERY
_FIRST_INEXACT = 2**53
"""From here on, several integers have the same float."""


class Executor(Protocol):
    """Runs an operation of a valid document."""

    def execute(
        self,
        document: CachedDocument,
        operation: Operation,
        variables: Mapping[str, Any] | None,
        context: Any,
    ) -> Awaitable[ExecutionResult]: ...


class GeneralExecutor:
    """Runs any operation of a schema with graphql-core."""

    def __init__(self, schema: GraphQLSchema, *, hide_suggestions: bool) -> None:
        self._schema = schema
        self._hide_suggestions = hide_suggestions

    async def execute(
        self,
        document: CachedDocument,
        operation: Operation,
        variables: Mapping[str, Any] | None,
        context: Any,
    ) -> ExecutionResult:
        result = execute(
            self._schema,
            document.ast,
            context_value=context,
            variable_values=None if variables is None else _exact(variables),
            operation_name=operation.name,
            max_coercion_errors=MAX_COERCION_ERRORS,
            hide_suggestions=self._hide_suggestions,
        )
        return await result if isawaitable(result) else result


def _exact(variables: Mapping[str, Any]) -> dict[str, Any]:
    """The variables with whole floats as integers and others as decimals, at every level.

    Some clients write 25 as 25.0. For an ID, graphql-core rounds a float to the nearest whole
    number, which from 2^53 on may differ from the one sent: another track.
    """
    exact = dict(variables)
    # No recursion: the allowed depth is a setting.
    waiting: list[dict[Any, Any] | list[Any]] = [exact]
    while waiting:
        held = waiting.pop()
        for place, value in held.items() if isinstance(held, dict) else enumerate(held):
            if isinstance(value, float | Decimal):
                is_whole = -_FIRST_INEXACT < value < _FIRST_INEXACT and value == int(value)
                held[place] = int(value) if is_whole else Decimal(value)
            elif isinstance(value, dict | list):
                waiting.append(value)
    return exact


class PlanningExecutor:
    """Same responses as the general executor, but faster if a plan covers the request."""

    def __init__(self, schema: GraphQLSchema, *, general: Executor) -> None:
        self._planner = Planner(schema)
        self._general = general

    async def execute(
        self,
        document: CachedDocument,
        operation: Operation,
        variables: Mapping[str, Any] | None,
        context: RequestContext,
    ) -> ExecutionResult:
        plan = self._planner.plan(document, operation)
        arguments = plan and plan.arguments(variables, document.literals)
        if operation.type is _QUERY or arguments is None:
            context = context.reading()
        if plan is None or arguments is None:
            return await self._general.execute(document, operation, variables, context)
        try:
            source = await plan.resolve(context, plan.place, arguments)
            return ExecutionResult(plan.data(source, context))
        except Exception as error:  # noqa: BLE001 - a field error, or a bug to mask
            nodes = self._planner.nodes(document, operation)
            return plan.failure(error, nodes)
