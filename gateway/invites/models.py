"""The domain model of an invite."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeAlias


class InviteFormat(Enum):
    """How the candidate receives the invite; the values are the upstream's."""

    GET_LINK = "getlink"
    SEND_LINK = "sendlink"


class InviteOutcome(Enum):
    """What is proved about the invite."""

    INVITED = "INVITED"
    NOT_INVITED = "NOT_INVITED"
    UNKNOWN = "UNKNOWN"


class InviteErrorCode(Enum):
    """Why there is no invite to show."""

    INVALID_INPUT = "INVALID_INPUT"
    TRACK_NOT_FOUND = "TRACK_NOT_FOUND"
    ALREADY_INVITED = "ALREADY_INVITED"
    INVITE_QUOTA_EXHAUSTED = "INVITE_QUOTA_EXHAUSTED"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    IDEMPOTENCY_KEY_IN_PROGRESS = "IDEMPOTENCY_KEY_IN_PROGRESS"
    RATE_LIMITED = "RATE_LIMITED"
    UPSTREAM_UNAUTHORIZED = "UPSTREAM_UNAUTHORIZED"
    UPSTREAM_UNAVAILABLE = "UPSTREAM_UNAVAILABLE"
    UPSTREAM_TIMEOUT = "UPSTREAM_TIMEOUT"
    UPSTREAM_FAULT = "UPSTREAM_FAULT"


@dataclass(frozen=True, slots=True, repr=False)
class Origin:
    """Whose request it is.

    `scope` separates one caller's idempotency keys from another's. `sender` is the name under
    which invites are counted against limits; it may be known even if the caller is not.
    `upstream_api_key` is the caller's, if the request brings one. `timeout_seconds` can only
    shorten the gateway's timeout. `caller` is the caller's name, for people who read records.
    """

    scope: str = ""
    sender: str = ""
    upstream_api_key: str | None = None
    timeout_seconds: float | None = None
    caller: str | None = None

    def seconds_of(self, gateways: float) -> float:
        """The request's timeout, if the gateway's is `gateways` seconds."""
        return gateways if self.timeout_seconds is None else min(gateways, self.timeout_seconds)


ANYONE: Final = Origin()
"""The origin where callers are not distinguished."""


# Neither frozen nor with a repr: see CONTRIBUTING, "The hot path".
@dataclass(slots=True, repr=False)
class InviteRequest:
    """A checked request for one invite; `track_id` is 1 to 2^63 - 1."""

    candidate_name: str
    candidate_email: str
    track_id: int
    invite_format: InviteFormat
    idempotency_key: str | None = None


@dataclass(slots=True, repr=False)
class Invite:
    """An invite that the upstream made; ids are decimal strings."""

    application_id: str
    email: str
    invite_link: str | None
    invite_status: str | None
    name: str
    track_id: str


@dataclass(slots=True)
class InviteSuccess:
    """The candidate was invited; if `replayed`, by an earlier request with the same key."""

    invite: Invite
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class InputIssue:
    """One problem of the input; `field` is an attribute name of InviteRequest."""

    field: str
    message: str


class Anomaly(Enum):
    """Why a reply cannot be the platform's own to this request; the values are for operators."""

    PAGE = "html_page"
    """HTML, from an intermediary."""
    NO_JSON = "no_json"
    OTHER_JSON = "other_json"
    """JSON that does not say in the platform's words what its status says."""
    DENIED = "denied"
    """The body contradicts the status."""
    OTHER_INVITE = "other_invite"
    """It is about another person or another track."""
    REDIRECT = "redirect"
    ODD_LINK = "odd_link"
    """The invite's link is not one for the web, and is left out."""


@dataclass(frozen=True, slots=True)
class InviteFailure:
    """A request without an invite as its result: the error, and the outcome that is proved."""

    code: InviteErrorCode
    message: str
    outcome: InviteOutcome
    retryable: bool
    issues: tuple[InputIssue, ...] = ()
    track_id: str | None = None
    retry_after_seconds: int | None = None
    upstream_status: int | None = None
    anomaly: Anomaly | None = field(default=None, compare=False)
    is_conflict: bool = field(default=False, compare=False)
    """Whether the platform refused because of an earlier invite of the same candidate."""


InviteResult: TypeAlias = InviteSuccess | InviteFailure
