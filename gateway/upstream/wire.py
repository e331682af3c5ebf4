"""The upstream's request and reply formats, as typed facts.

Source: the upstream's public documentation of `POST /tracks/invite` and its siblings.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from typing import TypeAlias

import orjson

from gateway.upstream.denials import beginning_of_json, complete_values, denies, is_failure

LARGEST_ID = 2**63 - 1
SHORTEST_HIDDEN_KEY = 8
"""Shorter API keys may be ordinary words, so they are removed from error messages only."""
# JSON's escapes besides `\u` with four digits.
_ESCAPED = frozenset('/"\\')
# Decoding some others, such as punycode, takes quadratic time.
_CHARSETS = frozenset(
    {
        *("utf-8", "utf8", "us-ascii", "utf-16", "utf-16le", "utf-16be"),
        *("iso-8859-1", "latin-1", "latin1", "iso-8859-15", "windows-1252"),
    }
)
_INVITE_FIELDS = frozenset(
    {"application_id", "email", "invite_link", "invite_status", "name", "track_id"}
)
_ERROR_FIELDS = frozenset({"error", "message", "success"})
_WEB = ("https://", "http://")
# White space, byte order marks, and the zero bytes of UTF-16.
_BEFORE_MARKUP = b" \t\r\n\f\v\xef\xbb\xbf\xff\xfe\x00"


class Fault(Enum):
    """Why there is no reply."""

    CONNECT = "connect"
    """Refused, unreachable, name not found, TLS handshake failed."""
    CERTIFICATE = "certificate"
    """The upstream's certificate is not trusted: a configuration fault."""
    CONNECT_TIMEOUT = "connect_timeout"
    POOL_TIMEOUT = "pool_timeout"
    """No connection became free in time."""
    WRITE_TIMEOUT = "write_timeout"
    READ_TIMEOUT = "read_timeout"
    READ = "read"
    """The connection was reset."""
    PROTOCOL = "protocol"
    """The connection was closed without a reply, or what came was not HTTP."""
    DEADLINE = "deadline"
    """The deadline of the whole call passed."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class NoReply:
    """A call that got no status line; `possibly_sent` is False only if no byte was sent."""

    fault: Fault
    possibly_sent: bool


# Not frozen, and without a repr: see CONTRIBUTING, "The hot path".
@dataclass(slots=True, repr=False)
class Reply:
    """A call that got a status line; the body is what arrived of it, at most 1 MiB.

    `body_complete` is False if the body was cut off, stalled or longer than that.
    `content_type`, `retry_after` and `date` are the headers' raw values. `api_key` is the call's
    key, which is removed from everything that is read from the body.
    """

    status: int
    body: bytes = b""
    body_complete: bool = True
    content_type: str | None = None
    retry_after: str | None = None
    date: str | None = None
    api_key: str = field(default="", compare=False)


Exchange: TypeAlias = Reply | NoReply


@dataclass(slots=True, repr=False)
class InviteFields:
    """The readable fields of an invite in a 2xx body; ids are decimal.

    `shows_invite` is True only if the body has an application id, a link, an `invite_status` or
    the candidate's address, or `"success": true`. Of a body that was cut off, it is also True if
    all fields so far are an invite's.
    """

    application_id: str | None = None
    email: str | None = None
    invite_link: str | None = None
    invite_status: str | None = None
    name: str | None = None
    track_id: str | None = None
    shows_invite: bool = False
    denied: bool = False
    """Whether the body reports that the invite failed although its status says success."""
    is_object: bool = True
    """Whether it is a JSON object, or the beginning of one that was cut off."""
    has_odd_link: bool = False
    """Whether its link was left out, because it is not one for the web."""


@dataclass(frozen=True, slots=True)
class ErrorFields:
    """What an error body says, and whether it has the platform's documented form."""

    message: str | None = None
    error_code: str | None = None
    is_platforms: bool = False


@dataclass(frozen=True, slots=True)
class Applicant:
    """One entry of a track's applicants list; `date_added` is as the upstream writes it."""

    application_id: str
    email: str
    date_added: str | None


@dataclass(frozen=True, slots=True)
class ApplicantPage:
    """One page of a track's applicants list; `total` counts those of all pages, if given."""

    applicants: tuple[Applicant, ...]
    has_next: bool
    total: int | None = None


def invite_body(
    *, candidate_name: str, candidate_email: str, track_id: int, invite_format: str
) -> bytes:
    """The JSON body of `POST /tracks/invite`; `invite_format` is `getlink` or `sendlink`."""
    return orjson.dumps(
        {
            "candidate_name": candidate_name,
            "candidate_email": candidate_email,
            "track_id": track_id,
            "invite_format": invite_format,
        }
    )


def read_invite(reply: Reply) -> InviteFields:
    """The readable fields of a 2xx body; absent, null and wrongly typed ones are None."""
    body = json_of(reply)
    if not isinstance(body, dict):
        return InviteFields(is_object=False) if reply.body_complete else _read_beginning(reply)
    get = body.get
    application_id, link = id_of(get("application_id")), text_of(get("invite_link"))
    email, status = text_of(get("email")), text_of(get("invite_status"))
    has_odd_link = link is not None and not link.startswith(_WEB) and not _is_for_web(link)
    if has_odd_link:
        link = None
    return InviteFields(
        application_id,
        email,
        link,
        status,
        text_of(get("name")),
        id_of(get("track_id")),
        application_id is not None
        or not (link is None and status is None and email is None)
        or get("success") is True,
        is_failure(get("invite_status")) or (not body.keys() <= _INVITE_FIELDS and denies(body)),
        has_odd_link=has_odd_link,
    )


def _read_beginning(reply: Reply) -> InviteFields:
    """Whom a body that was cut off is about, and whether it is the beginning of an invite's."""
    body, complete = beginning_of_json(reply.body), complete_values(reply.body)
    if not isinstance(body, dict) or not isinstance(complete, dict):
        return InviteFields(is_object=False)
    return InviteFields(
        email=text_of(complete.get("email")),
        name=text_of(complete.get("name")),
        track_id=id_of(complete.get("track_id")),
        shows_invite=id_of(body.get("application_id")) is not None or body.keys() <= _INVITE_FIELDS,
        denied=is_failure(body.get("invite_status")) or denies(body),
    )


def _is_for_web(link: str) -> bool:
    return link.lstrip().lower().startswith(_WEB)


def is_html(reply: Reply) -> bool:
    """Whether the body is a web page: it begins with markup, or is called HTML and is not JSON."""
    if reply.body.lstrip(_BEFORE_MARKUP).startswith(b"<"):
        return True
    announced = (reply.content_type or "").lower()
    return "html" in announced and not is_json(reply)


def is_json(reply: Reply) -> bool:
    """Whether the body is a whole JSON object, list or null."""
    return isinstance(json_of(reply), dict | list) or reply.body.strip() == b"null"


def read_error(reply: Reply) -> ErrorFields:
    """What an error body says, in any of the known shapes."""
    body = json_of(reply)
    if not isinstance(body, dict):
        return ErrorFields()
    message, error = text_of(body.get("message")), text_of(body.get("error"))
    said = message or error or _first_text(body.get("errors"))
    if said is not None and reply.api_key and reply.api_key.lower() in said.lower():
        said = None
    is_platforms = error is not None and body.keys() <= _ERROR_FIELDS and not body.get("success")
    return ErrorFields(said, error, is_platforms)


def read_applicants(reply: Reply) -> ApplicantPage | None:
    """The page, or None unless all of it is readable: half a list proves no absence.

    Nor does one beside which an error is reported.
    """
    body = json_of(reply) if reply.status == HTTPStatus.OK and reply.body_complete else None
    if not isinstance(body, dict) or not isinstance(body.get("data"), list):
        return None
    # An error with an empty list beside it is not an empty list.
    if denies({name: value for name, value in body.items() if name != "data"}):
        return None
    pagination = body.get("pagination")
    if not isinstance(pagination, dict) or not isinstance(pagination.get("has_next"), bool):
        return None
    applicants = [_applicant(entry) for entry in body["data"]]
    if None in applicants:
        return None
    total = pagination.get("total")
    return ApplicantPage(
        tuple(filter(None, applicants)),
        pagination["has_next"],
        total if type(total) is int else None,
    )


def _applicant(entry: object) -> Applicant | None:
    if not isinstance(entry, dict):
        return None
    application_id, email = id_of(entry.get("application_id")), text_of(entry.get("email"))
    if application_id is None or email is None:
        return None
    return Applicant(application_id, email, text_of(entry.get("date_added")))


def json_of(reply: Reply) -> object:
    """The body's JSON with the call's API key removed; None if it is not JSON."""
    body, key = reply.body, reply.api_key
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = _lenient_json(reply)
        return _without(key, value) if len(key) >= SHORTEST_HIDDEN_KEY else value
    # Without escapes the key can be found in the raw bytes, and the value need not be walked.
    # Not `in`: for bytes it first takes them for a number and drops the error.
    if len(key) < SHORTEST_HIDDEN_KEY or (body.find(b"\\") < 0 and body.find(key.encode()) < 0):
        return value
    return _without(key, value) if _may_hold(key, body) else value


def _may_hold(key: str, body: bytes) -> bool:
    return key.encode() in body or b"\\u" in body or not _ESCAPED.isdisjoint(key)


def _without(key: str, value: object) -> object:
    """The value with the key removed from all its texts; None if it is nested too deeply."""
    try:
        return _cleared(value, key)
    except RecursionError:
        return None


def _cleared(value: object, key: str) -> object:
    if isinstance(value, str):
        return value.replace(key, "***")
    if isinstance(value, list):
        return [_cleared(one, key) for one in value]
    if isinstance(value, dict):
        return {_cleared(name, key): _cleared(one, key) for name, one in value.items()}
    return value


def _lenient_json(reply: Reply) -> object:
    """JSON in another charset, with lone surrogates or a byte order mark; None if not JSON."""
    encoding = _declared_charset(reply.content_type) or json.detect_encoding(reply.body)
    try:
        return json.loads(reply.body.decode(encoding, "replace").removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return None


def _declared_charset(content_type: str | None) -> str | None:
    _, _, charset = (content_type or "").lower().partition("charset=")
    name = charset.partition(";")[0].strip().strip('"')
    return name if name in _CHARSETS else None


def id_of(value: object) -> str | None:
    # Compares exact types, because a bool is an int too.
    if type(value) is int and 0 < value <= LARGEST_ID:
        return str(value)
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 19:  # noqa: PLR2004 - digits of 2^63 - 1
        return id_of(int(value))
    return None


def text_of(value: object) -> str | None:
    if value is None or not isinstance(value, str) or not value.strip():
        return None
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        # Lone surrogates cannot be encoded as UTF-8, so no response could contain them.
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def _first_text(value: object) -> str | None:
    """The first sentence in `errors`: a text, a list of them, or a mapping of fields to them."""
    for _ in range(4):
        if isinstance(value, Mapping):
            value = value.get("message") or next(iter(value.values()), None)
        elif isinstance(value, list):
            value = value[0] if value else None
    return text_of(value)
