"""What an invite is, in the words of the domain."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeAlias


class InviteFormat(Enum):
    """How the candidate gets the invite; the values are the upstream's own words."""

    GET_LINK = "getlink"
    SEND_LINK = "sendlink"


class InviteOutcome(Enum):
    """What is known of the invite."""

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

    `scope` names the caller whose idempotency keys are meant, `sender` the one whose invites are
    counted, who may be known where no caller is. `upstream_api_key` is the caller's own, if it
    brings one. Its `timeout_seconds` may shorten the gateway's, not lengthen it. `caller` is its
    name, for people who look into its records.
    """

    scope: str = ""
    sender: str = ""
    upstream_api_key: str | None = None
    timeout_seconds: float | None = None
    caller: str | None = None

    def seconds_of(self, gateways: float) -> float:
        """The time that the request may take where the gateway allows so many seconds."""
        return gateways if self.timeout_seconds is None else min(gateways, self.timeout_seconds)


ANYONE: Final = Origin()
"""Where callers are not told apart."""


# Not frozen: that would take four times as long to make, and a named tuple eight times as long
# to read, of every invite. Nothing changes it all the same. Without a repr, none of it comes into
# a log by way of an error's message.
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
    """An invite as the upstream made it; ids are decimal strings."""

    application_id: str
    email: str
    invite_link: str | None
    invite_status: str | None
    name: str
    track_id: str


@dataclass(slots=True)
class InviteSuccess:
    """The candidate is invited; `replayed` means by an earlier request with the same key."""

    invite: Invite
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class InputIssue:
    """One thing wrong with the input; `field` is an attribute name of InviteRequest."""

    field: str
    message: str


class Anomaly(Enum):
    """A reply that the platform would not give to this request; the values are for operators."""

    PAGE = "html_page"
    """HTML, from something in between."""
    NO_JSON = "no_json"
    DENIED = "denied"
    """The body contradicts the status."""
    OTHER_INVITE = "other_invite"
    """It is about somebody else, or about another track."""
    REDIRECT = "redirect"


@dataclass(frozen=True, slots=True)
class InviteFailure:
    """A request that ends without an invite to show, and what is known all the same."""

    code: InviteErrorCode
    message: str
    outcome: InviteOutcome
    retryable: bool
    issues: tuple[InputIssue, ...] = ()
    track_id: str | None = None
    retry_after_seconds: int | None = None
    upstream_status: int | None = None
    anomaly: Anomaly | None = field(default=None, compare=False)


InviteResult: TypeAlias = InviteSuccess | InviteFailure
