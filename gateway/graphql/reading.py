"""What a resolver that reads applications needs: leave to read, bounds, and errors to raise."""

from __future__ import annotations

from typing import TypeAlias, TypeVar

import strawberry
from graphql import GraphQLError

from gateway.applications.failures import ReadFailure
from gateway.applications.models import ApplicationDetails, ApplicationKey
from gateway.applications.reads import Reads, TooManyReadsError
from gateway.graphql.context import RequestContext
from gateway.graphql.errors import ErrorCode
from gateway.invites.models import InputIssue

Info: TypeAlias = strawberry.Info[RequestContext, None]
_Found = TypeVar("_Found")


def reads_of(info: Info) -> Reads:
    """The request's reads; raises the field error of a caller who may not read."""
    if info.context.reads is None:
        raise GraphQLError(
            "Applications may not be read with this access.",
            extensions={"code": ErrorCode.FORBIDDEN.value},
        )
    return info.context.reads


async def read_details(info: Info, key: ApplicationKey) -> ApplicationDetails | None:
    """The application with all that is told of it, or None if there is none."""
    reads = reads_of(info)
    try:
        return found(await reads.one(key))
    except TooManyReadsError as error:
        raise too_much(error) from None


def found(result: _Found | ReadFailure) -> _Found:
    """What was read; raises the field error that says why there is nothing."""
    if not isinstance(result, ReadFailure):
        return result
    told: dict[str, object] = {
        "code": result.code.value,
        "retryable": result.retryable,
        "retryAfterSeconds": result.retry_after_seconds,
        "upstreamStatus": result.upstream_status,
        "issues": [_issue(issue) for issue in result.issues] or None,
    }
    known = {name: value for name, value in told.items() if value is not None}
    raise GraphQLError(result.message, extensions=known)


def too_much(error: TooManyReadsError) -> GraphQLError:
    return GraphQLError(
        f"This request takes more than the {error.most} reads allowed: ask for fewer applications.",
        extensions={"code": ErrorCode.BAD_USER_INPUT.value},
    )


def _issue(issue: InputIssue) -> dict[str, str]:
    return {"field": _camel_case(issue.field), "message": issue.message}


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))
