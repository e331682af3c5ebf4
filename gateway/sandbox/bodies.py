"""Reads request bodies as strictly as the upstream's documentation allows."""

from __future__ import annotations

from dataclasses import dataclass

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request

LARGEST_BODY = 16 * 1024
LARGEST_ID = 2**63 - 1
LONGEST_NAME = 300
LONGEST_EMAIL = 320
FORMATS = ("getlink", "sendlink")


@dataclass(frozen=True, slots=True)
class InviteBody:
    """The body of `POST /tracks/invite`; `invite_format` is `getlink` or `sendlink`."""

    candidate_name: str
    candidate_email: str
    track_id: int
    invite_format: str


async def read_invite(request: Request) -> InviteBody:
    """The body of the request; HTTPException with the upstream's status where it is wrong."""
    if _media_type(request) != "application/json":
        raise HTTPException(400, "Content-Type must be application/json")
    body = _object(await _read(request))
    name, email = body.get("candidate_name"), body.get("candidate_email")
    track_id, invite_format = body.get("track_id"), body.get("invite_format")
    if not isinstance(name, str) or not 0 < len(name.strip()) <= len(name) <= LONGEST_NAME:
        raise _invalid("candidate_name")
    if not isinstance(email, str) or not _is_address(email):
        raise _invalid("candidate_email")
    # In Python, a bool is an int.
    if not isinstance(track_id, int) or isinstance(track_id, bool):
        raise _invalid("track_id")
    if not 0 < track_id <= LARGEST_ID:
        raise _invalid("track_id")
    if not isinstance(invite_format, str) or invite_format not in FORMATS:
        raise _invalid("invite_format")
    return InviteBody(name, email, track_id, invite_format)


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _read(request: Request) -> bytes:
    body = await request.body()
    # The server does not read a body whose Content-Length is above the limit.
    announced = int(request.headers.get("content-length", "0"))
    if max(len(body), announced) > LARGEST_BODY:
        raise HTTPException(413, "Body too large", {"connection": "close"})
    return body


def _object(body: bytes) -> dict[str, object]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise HTTPException(400, "Body is not valid JSON") from None
    if not isinstance(value, dict):
        raise HTTPException(400, "Body must be a JSON object")
    return value


def _is_address(email: str) -> bool:
    local_part, at, domain = email.partition("@")
    plain = len(email) <= LONGEST_EMAIL and email.isprintable() and " " not in email
    return plain and bool(local_part and at and domain) and "@" not in domain


def _invalid(field: str) -> HTTPException:
    return HTTPException(400, f"Missing or invalid field: {field}")
