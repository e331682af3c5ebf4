"""The trail of a request: all that a log line, a metric or a span may contain of it."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

from gateway.graphql.results import ERROR_TYPES
from gateway.graphql.types import InviteCandidateSuccess
from gateway.invites.models import InviteOutcome, InviteResult, InviteSuccess


class Trail:
    """One request; `started` is on `time.perf_counter`'s clock.

    `document` is the text; only its hash is ever reported. `code` is that of the result, or of the
    first top-level error.
    """

    # Class defaults: a request sets only what applies to it.
    status: int | None = None
    caller: str | None = None
    operation: str | None = None
    operation_type: str | None = None
    document: str | None = None
    admitted_ns: int | None = None
    """When reading the document began, in nanoseconds of wall-clock time, if traced."""
    result_type: str | None = None
    code: str | None = None
    outcome: str | None = None
    error_code: str | None = None
    replayed: bool = False
    upstream_status: int | None = None
    upstream_fault: str | None = None
    upstream_calls: int = 0
    upstream_seconds: float = 0.0
    upstream_reads: int = 0
    seconds: float = 0.0
    trace_id: str | None = None

    def __init__(self, request_id: str, started: float, method: str = "") -> None:
        self.request_id = request_id
        self.started = started
        self.method = method


TRAIL: ContextVar[Trail | None] = ContextVar("trail", default=None)
"""The request that is being answered, also in tasks that it has begun."""


# Compared by identity: there is one of each, and it is hashed with every invite.
@dataclass(frozen=True, slots=True, eq=False)
class Summary:
    """An invite's result in the words of the schema; `code` is empty for a success."""

    type: str
    code: str
    outcome: str


SUCCESS = Summary(InviteCandidateSuccess.__name__, "", InviteOutcome.INVITED.value)
_FAILURES = {
    (code, outcome): Summary(kind.__name__, code.value, outcome.value)
    for code, kind in ERROR_TYPES.items()
    for outcome in InviteOutcome
}


def summary_of(result: InviteResult) -> Summary:
    """The part of a result that may be logged and counted."""
    if isinstance(result, InviteSuccess):
        return SUCCESS
    return _FAILURES[result.code, result.outcome]


def is_replayed(result: InviteResult) -> bool:
    """It repeats the result of an earlier request with the same key."""
    return isinstance(result, InviteSuccess) and result.replayed
