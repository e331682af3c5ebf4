"""The types of the schema, with the descriptions that clients read.

The names, types and nullability are a contract; `schema.graphql` is printed from here.
"""

# Annotations are evaluated in the modules of types: Strawberry would parse strings at each start.
from collections.abc import Mapping
from enum import Enum
from typing import Annotated, TypeAlias, TypeVar

import strawberry

from gateway.invites.models import InviteErrorCode, InviteFormat, InviteOutcome

E = TypeVar("E", bound=Enum)


def _describe(enum: type[E], description: str, values: Mapping[E, str]) -> None:
    """Add an enum of the core to the schema, each value with its description."""
    definition = strawberry.enum(enum, description=description).__strawberry_definition__  # type: ignore[attr-defined]
    for value in definition.values:
        value.description = values[enum[value.name]]


_describe(
    InviteFormat,
    "How the candidate gets the invite.",
    {
        InviteFormat.GET_LINK: (
            "Only creates an invite link for you to pass on. Nobody is e-mailed: the safe default."
        ),
        InviteFormat.SEND_LINK: "The recruiting platform e-mails the invite to the candidate.",
    },
)
_describe(
    InviteOutcome,
    "What is known of the invite after a request that failed.",
    {
        InviteOutcome.INVITED: (
            "The recruiting platform accepted the invite, though it cannot be shown."
            " Do not invite again."
        ),
        InviteOutcome.NOT_INVITED: "This request invited nobody and e-mailed nobody. That is sure.",
        InviteOutcome.UNKNOWN: (
            "The candidate may or may not have been invited. Find out before inviting again,"
            " or repeat the request with the same idempotency key."
        ),
    },
)
_describe(
    InviteErrorCode,
    "Why a request failed. Stable words to branch on; new ones may be added.",
    {
        InviteErrorCode.INVALID_INPUT: (
            "Something in the input must be corrected; see `issues` or `message`."
        ),
        InviteErrorCode.TRACK_NOT_FOUND: "There is no track with this id.",
        InviteErrorCode.ALREADY_INVITED: (
            "The candidate is on this track already, or the track allows no invites now."
        ),
        InviteErrorCode.INVITE_QUOTA_EXHAUSTED: "The account has no invites left.",
        InviteErrorCode.IDEMPOTENCY_KEY_REUSED: (
            "The idempotency key was used before with other input. Use a new key."
        ),
        InviteErrorCode.IDEMPOTENCY_KEY_IN_PROGRESS: (
            "A request with this idempotency key is still under way. Repeat it a little later."
        ),
        InviteErrorCode.RATE_LIMITED: "Too many requests; wait before the next one.",
        InviteErrorCode.UPSTREAM_UNAUTHORIZED: (
            "The recruiting platform refuses the gateway's own access. A matter for its operator."
        ),
        InviteErrorCode.UPSTREAM_UNAVAILABLE: (
            "The recruiting platform was not reached, or turned the request away before acting."
        ),
        InviteErrorCode.UPSTREAM_TIMEOUT: ("The request was sent, but no answer came in time."),
        InviteErrorCode.UPSTREAM_FAULT: (
            "The recruiting platform failed, or its answer could not be read."
        ),
    },
)


@strawberry.type(description="The gateway itself.")
class GatewayInfo:
    version: str = strawberry.field(description="The version of the gateway that answers.")
    platform: str = strawberry.field(
        description=(
            "The host of the recruiting platform that this gateway invites through, like"
            " `app.xobin.com`; `stand-in` if it is only played, and nobody is e-mailed."
        )
    )


@strawberry.input(description="Whom to invite to which track, and how.")
class InviteCandidateInput:
    candidate_name: str = strawberry.field(
        description="The candidate's name: 1 to 200 characters, no line breaks."
    )
    candidate_email: str = strawberry.field(
        description="The candidate's e-mail address: one, like `name@example.com`."
    )
    track_id: strawberry.ID = strawberry.field(
        description=(
            "The track to invite to: a whole number from 1 to 2^63 - 1, as the recruiting"
            ' platform shows it. Both `6578` and `"6578"` will do.'
        )
    )
    invite_format: InviteFormat = strawberry.field(
        default=InviteFormat.GET_LINK, description="How the candidate gets the invite."
    )
    idempotency_key: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=(
            "Makes repeating safe: requests with the same key and input invite at most once and"
            " get the same answer. 1 to 255 printable ASCII characters; a new random UUID for"
            " each invite is a good choice."
        ),
    )


@strawberry.input(description="One candidate of a list.")
class CandidateInput:
    candidate_name: str = strawberry.field(
        description="The candidate's name: 1 to 200 characters, no line breaks."
    )
    candidate_email: str = strawberry.field(
        description=(
            "The candidate's e-mail address: one, like `name@example.com`. The same address twice"
            " in a list is refused the second time."
        )
    )
    idempotency_key: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=(
            "Makes repeating safe for this candidate: see `InviteCandidateInput.idempotencyKey`."
            " Each candidate needs a key of its own."
        ),
    )


@strawberry.input(description="Whom to invite to one track, and how.")
class InviteCandidatesInput:
    track_id: strawberry.ID = strawberry.field(
        description=(
            "The track to invite to: a whole number from 1 to 2^63 - 1, as the recruiting"
            ' platform shows it. Both `6578` and `"6578"` will do.'
        )
    )
    invite_format: InviteFormat = strawberry.field(
        default=InviteFormat.GET_LINK, description="How the candidates get their invites."
    )
    candidates: list[CandidateInput] = strawberry.field(
        description=(
            "The candidates. How many are allowed is for the gateway's operator to say: 100 if"
            " nothing else is said. For a longer list nobody is invited, and the request gets an"
            " error with the code `BAD_USER_INPUT`."
        )
    )


@strawberry.type(description="An invite to a track.")
class Invite:
    application_id: strawberry.ID = strawberry.field(
        description="Identifies the candidate's application from now on."
    )
    email: str = strawberry.field(description="The candidate's e-mail address.")
    invite_link: str | None = strawberry.field(
        description=(
            "The address at which the candidate starts. Null only if the recruiting platform"
            " sent none."
        )
    )
    invite_status: str | None = strawberry.field(
        description=(
            "The recruiting platform's own word for the state of the invite. Its vocabulary is"
            " not documented: show it, do not branch on it."
        )
    )
    name: str = strawberry.field(description="The candidate's name.")
    track_id: strawberry.ID = strawberry.field(
        description="The track that the candidate is invited to."
    )


@strawberry.type(description="The candidate is invited.")
class InviteCandidateSuccess:
    invite: Invite = strawberry.field(description="The invite.")
    replayed: bool = strawberry.field(
        description=(
            "True if an earlier request with the same idempotency key made this invite:"
            " nothing was sent now."
        )
    )


@strawberry.interface(
    description=(
        "What all failures have in common. Spread `... on InviteError` to handle those of today"
        " and of tomorrow."
    )
)
class InviteError:
    code: InviteErrorCode = strawberry.field(description="Why the request failed.")
    message: str = strawberry.field(description="A sentence that is safe to show to a person.")
    outcome: InviteOutcome = strawberry.field(description="What is known of the invite.")
    retryable: bool = strawberry.field(
        description="True if the same request, sent again, is safe and may succeed."
    )


@strawberry.type(description="One thing to correct in the input.")
class InputIssue:
    field: str = strawberry.field(
        description="The input field as you wrote it, such as `candidateEmail`."
    )
    message: str = strawberry.field(description="What is wrong with it and what would be right.")


@strawberry.type(description="The input was refused; correct it and send it again.")
class InvalidInputError(InviteError):
    issues: list[InputIssue] = strawberry.field(
        description=(
            "Everything found wrong before sending. Empty if the recruiting platform refused"
            " the input: then `message` has its reason."
        )
    )


@strawberry.type(description="There is no track with this id.")
class TrackNotFoundError(InviteError):
    track_id: strawberry.ID = strawberry.field(description="The id that was looked for.")


@strawberry.type(description="The candidate is on this track already; nothing was sent now.")
class AlreadyInvitedError(InviteError):
    pass


@strawberry.type(description="The account has no invites left; nobody was invited.")
class InviteQuotaExhaustedError(InviteError):
    pass


@strawberry.type(description="The idempotency key cannot be used for this request.")
class IdempotencyKeyError(InviteError):
    pass


@strawberry.type(description="Too many requests; nobody was invited.")
class RateLimitedError(InviteError):
    retry_after_seconds: int | None = strawberry.field(
        description="How many seconds to wait before the next try, where that is known."
    )


@strawberry.type(
    description=(
        "The recruiting platform refuses the gateway's own access. Callers cannot mend this;"
        " the operator can."
    )
)
class UpstreamAuthenticationError(InviteError):
    pass


@strawberry.type(
    description=(
        "The recruiting platform failed, or could not be reached. Look at `outcome` before"
        " anything else."
    )
)
class UpstreamError(InviteError):
    upstream_status: int | None = strawberry.field(
        description="The HTTP status that the recruiting platform answered with, if it did."
    )
    retry_after_seconds: int | None = strawberry.field(
        description="How many seconds the recruiting platform asks to wait, if it said so."
    )


InviteCandidateResult: TypeAlias = Annotated[
    InviteCandidateSuccess
    | InvalidInputError
    | TrackNotFoundError
    | AlreadyInvitedError
    | InviteQuotaExhaustedError
    | IdempotencyKeyError
    | RateLimitedError
    | UpstreamAuthenticationError
    | UpstreamError,
    strawberry.union(
        "InviteCandidateResult",
        description="The invite, or one of the ways in which it can fail.",
    ),
]


@strawberry.type(description="What became of each candidate of a list.")
class InviteCandidatesPayload:
    results: list[InviteCandidateResult] = strawberry.field(
        description=(
            "One result for each candidate, in the order of the input, each as it would be for"
            " the candidate alone."
        )
    )
    invited_count: int = strawberry.field(
        description=(
            "How many are invited: successes, earlier ones with the same key included, and"
            " errors whose `outcome` is `INVITED`."
        )
    )
    not_invited_count: int = strawberry.field(
        description="How many this request did not invite: errors with `NOT_INVITED`."
    )
    failed_count: int = strawberry.field(
        description="The same as `notInvitedCount`.",
        deprecation_reason="It reads as if it counted all errors: use `notInvitedCount`.",
    )
    unknown_count: int = strawberry.field(
        description="Of how many it is not known: errors whose `outcome` is `UNKNOWN`."
    )
