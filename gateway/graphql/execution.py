"""Runs operations: by a plan where there is one, else by the general executor."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Mapping
from decimal import Decimal
from inspect import isawaitable
from typing import Any, Protocol, cast

from graphql import ExecutionResult, GraphQLSchema, execute

from gateway.graphql.context import RequestContext
from gateway.graphql.documents import CachedDocument, Operation
from gateway.graphql.plan import Plan, Planner
from gateway.graphql.results import to_graphql
from gateway.graphql.types import InviteCandidateSuccess
from gateway.invites.inputs import InviteDraft
from gateway.invites.invite import Inviter
from gateway.invites.models import InviteResult, InviteSuccess

MAX_COERCION_ERRORS = 10
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
    """Runs any operation of a schema, as graphql-core does."""

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
    """The variables with integers for whole floats and decimals for others, at every level.

    Some clients write 25 as 25.0. As an ID, graphql-core takes a float for the whole number
    nearest to it, which from 2^53 on need not be the one that was sent: another track.
    """
    exact = dict(variables)
    # No recursion: how deep they are nested is a setting.
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
    """Gives the same answers as the general executor, sooner where a plan covers the request."""

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
        draft = plan.draft(variables) if plan is not None else None
        if plan is None or draft is None:
            return await self._general.execute(document, operation, variables, context.reading())
        try:
            return ExecutionResult(data=await _invite(plan, draft, context))
        except Exception as error:  # noqa: BLE001 - a bug: the general executor words it
            # The invite may have been sent: the second run must not send it again.
            inviter = cast("Inviter", _Spent(error))
            spent = dataclasses.replace(context, inviter=inviter)
            return await self._general.execute(document, operation, variables, spent)


async def _invite(plan: Plan, draft: InviteDraft, context: RequestContext) -> dict[str, Any]:
    result = await context.invite(draft)
    # A success has all that its type in the schema has, under the same names.
    if isinstance(result, InviteSuccess):
        return plan.data(result, InviteCandidateSuccess.__name__)
    error = to_graphql(result)
    return plan.data(error, type(error).__name__)


class _Spent:
    """Stands in for an inviter that has failed: it fails again, and does nothing else."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def invite(self, _: InviteDraft, **__: object) -> InviteResult:
        raise self._error
