"""What resolvers that read applications share: permission, limits and errors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias, TypeVar, cast

import strawberry
from graphql import GraphQLError
from strawberry.utils.str_converters import to_camel_case

from gateway.applications.failures import ReadFailure
from gateway.applications.inputs import ListRequest
from gateway.applications.models import ApplicationDetails, ApplicationKey, Track
from gateway.applications.reads import Reads, TooManyReadsError, Window
from gateway.graphql.allowance import AnswerTooLargeError
from gateway.graphql.context import RequestContext
from gateway.http.errors import ErrorCode
from gateway.invites.models import InputIssue

Info: TypeAlias = strawberry.Info[RequestContext, None]
_Found = TypeVar("_Found")
_Items = TypeVar("_Items", bound=Sequence[Any] | None)
_Method = TypeVar("_Method", bound=Callable[..., Any])


def resolved(description: str) -> Callable[[_Method], _Method]:
    """`strawberry.field`, but keeping the method's type."""
    return cast("Callable[[_Method], _Method]", strawberry.field(description=description))


def reads_of(info: Info) -> Reads:
    """The request's reads; raises the field error if the caller may not read."""
    if info.context.reads is None:
        raise GraphQLError(
            "Applications may not be read with this access.",
            extensions={"code": ErrorCode.FORBIDDEN.value},
        )
    return info.context.reads


async def read_details(info: Info, key: ApplicationKey) -> ApplicationDetails | None:
    """The application with its details, or None if there is none."""
    return await _read(info, lambda reads: reads.one(key))


async def read_track(info: Info, track_id: int) -> Track | None:
    """The track, or None if there is none."""
    return await _read(info, lambda reads: reads.track(track_id))


async def read_window(info: Info, request: ListRequest) -> Window:
    """The requested part of a list."""
    window = await _read(info, lambda reads: reads.window(request))
    count_bytes(info, window.size)
    return window


async def _read(info: Info, read: Callable[[Reads], Awaitable[_Found | ReadFailure]]) -> _Found:
    reads = reads_of(info)
    try:
        return found(await read(reads))
    except TooManyReadsError as error:
        message = f"This takes more than the {error.most} reads allowed for one request"
        raise _bad_input(message) from None


def found(result: _Found | ReadFailure) -> _Found:
    """What was read; raises the field error if the read failed."""
    if not isinstance(result, ReadFailure):
        return result
    extensions: dict[str, object] = {
        "code": result.code.value,
        "retryable": result.retryable,
        "retryAfterSeconds": result.retry_after_seconds,
        "upstreamStatus": result.upstream_status,
        "issues": [_issue(issue) for issue in result.issues] or None,
    }
    known = {name: value for name, value in extensions.items() if value is not None}
    raise GraphQLError(result.message, extensions=known)


def counted_items(info: Info, items: _Items, *, each: int = 1) -> _Items:
    """The items of a list; raises the field error if the response would be too large.

    `each` is how many values an item counts for, besides its fields.
    """
    try:
        count = 0 if items is None else len(items)
        info.context.allowance.take_items(info._raw_info, count, each=each)  # noqa: SLF001 - no public way
    except AnswerTooLargeError:
        raise _too_much() from None
    return items


def count_bytes(info: Info, size: int) -> None:
    """Raises the field error if `size` more bytes are too many for the response."""
    try:
        info.context.allowance.take_bytes(info._raw_info, size)  # noqa: SLF001 - no public way
    except AnswerTooLargeError:
        raise _too_much() from None


def _too_much() -> GraphQLError:
    return _bad_input("This is more than one response may hold")


def _bad_input(message: str) -> GraphQLError:
    return GraphQLError(
        f"{message}: ask for fewer applications, or less of each.",
        extensions={"code": ErrorCode.BAD_USER_INPUT.value},
    )


def _issue(issue: InputIssue) -> dict[str, str]:
    return {"field": to_camel_case(issue.field), "message": issue.message}
