"""Responses to bytes that are not a readable request."""

from __future__ import annotations

from http import HTTPStatus

from gateway.http.errors import ErrorCode, formatted, retry_after
from gateway.http.responses import error_response


def _refusal(status: HTTPStatus, message: str, code: ErrorCode = ErrorCode.BAD_REQUEST) -> bytes:
    seconds = 1 if status is HTTPStatus.SERVICE_UNAVAILABLE else None
    response = error_response(
        [formatted(message, code, seconds)],
        status=status,
        headers=() if seconds is None else (retry_after(seconds),),
    )
    lines = [
        b"HTTP/1.1 %d %s" % (status, status.phrase.encode()),
        *(name + b": " + value for name, value in response.all_headers()),
        b"connection: close",
        b"",
        response.body,
    ]
    return b"\r\n".join(lines)


MALFORMED = _refusal(HTTPStatus.BAD_REQUEST, "This is not a valid HTTP request.")
TOO_SLOW = _refusal(HTTPStatus.REQUEST_TIMEOUT, "The request took too long to arrive.")
HEAD_TOO_LARGE = _refusal(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The URL and headers are too long."
)
OVERLOADED = _refusal(
    HTTPStatus.SERVICE_UNAVAILABLE, "There are too many connections.", ErrorCode.OVERLOADED
)
