"""A request that cannot be run, and how errors are formatted.

RequestError            the request itself is wrong; the caller can correct it
  its codes             ErrorCode, with the names that GraphQL clients know

Any other exception is a bug: the caller gets INTERNAL_SERVER_ERROR and an id, and the log has
that id with the exception's type and frames. Messages of unknown exceptions are neither sent nor
logged, as they may hold names and addresses.
"""

from __future__ import annotations

import logging
import secrets
import traceback
from collections.abc import Sequence
from enum import Enum
from typing import Any, TypeAlias

LOGGER = logging.getLogger("gateway.graphql")

FormattedError: TypeAlias = dict[str, Any]
Header: TypeAlias = tuple[bytes, bytes]


class ErrorCode(Enum):
    """The values of `extensions.code`."""

    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    BAD_REQUEST = "BAD_REQUEST"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    RATE_LIMITED = "RATE_LIMITED"
    OVERLOADED = "OVERLOADED"
    SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE"
    INTERNAL_SERVER_ERROR = "INTERNAL_SERVER_ERROR"


class RequestError(Exception):
    """The request cannot be run, and no part of it was.

    `status` applies to `application/graphql-response+json`. A *well-formed* request is one whose
    parameters could be read: in `application/json` the specification gives it status 200.
    """

    def __init__(
        self,
        errors: Sequence[FormattedError],
        *,
        status: int = 400,
        well_formed: bool = False,
        headers: tuple[Header, ...] = (),
    ) -> None:
        super().__init__(errors[0]["message"])
        self.errors = errors
        self.status = status
        self.well_formed = well_formed
        self.headers = headers


def request_error(
    message: str,
    code: ErrorCode = ErrorCode.BAD_REQUEST,
    *,
    status: int = 400,
    well_formed: bool = False,
    headers: tuple[Header, ...] = (),
    retry_after_seconds: int | None = None,
) -> RequestError:
    """A request error with one message, which must not quote the request."""
    if retry_after_seconds is not None:
        headers = (retry_after(retry_after_seconds), *headers)
    return RequestError(
        [formatted(message, code, retry_after_seconds)],
        status=status,
        well_formed=well_formed,
        headers=headers,
    )


def formatted(
    message: str, code: ErrorCode, retry_after_seconds: int | None = None
) -> FormattedError:
    """The error as clients get it, including when to retry, as routers drop headers."""
    extensions: dict[str, Any] = {"code": code.value}
    if retry_after_seconds is not None:
        extensions["retryAfterSeconds"] = retry_after_seconds
    return {"message": message, "extensions": extensions}


def retry_after(seconds: int) -> Header:
    """When to retry, as a header."""
    return b"retry-after", b"%d" % seconds


def internal_error(error: BaseException) -> FormattedError:
    """A masked bug; logs the id, the exception's type and its frames."""
    error_id = secrets.token_hex(8)
    trace = "\n  ".join([type(error).__qualname__, *frames_of(error)])
    LOGGER.error("Internal error %s: %s", error_id, trace)
    masked = formatted(
        f"Something went wrong here. Quote {error_id} when you report it.",
        ErrorCode.INTERNAL_SERVER_ERROR,
    )
    masked["extensions"]["errorId"] = error_id
    return masked


def frames_of(error: BaseException) -> list[str]:
    """Where the exception came through, the place that raised it last."""
    return [
        f"{frame.f_code.co_filename}:{line} in {frame.f_code.co_name}"
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
