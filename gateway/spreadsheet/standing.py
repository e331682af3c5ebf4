"""The status of a row, with a reason that says what to do next."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.invites.failures import not_recorded
from gateway.invites.models import (
    InviteErrorCode,
    InviteFailure,
    InviteOutcome,
    InviteResult,
    InviteSuccess,
)
from gateway.spreadsheet.invite_list import Entry
from gateway.spreadsheet.report import Result

# Failures that concern all rows: the next ones would fail too.
_STOPS: Final = {
    InviteErrorCode.UPSTREAM_UNAUTHORIZED: "The platform does not accept the API key.",
    InviteErrorCode.INVITE_QUOTA_EXHAUSTED: "The account has no invites left.",
    InviteErrorCode.TRACK_NOT_FOUND: "The platform knows no such track.",
}
_NO_RECORD: Final = "What is sent cannot be recorded; is the disk full?"
INVALID: Final = InviteErrorCode.INVALID_INPUT.value
NOT_YET: Final = "Not sent yet."
ON_ITS_WAY: Final = "Being sent. Run the same command again: it finds out how that ended."
_ASK_AGAIN: Final = (
    "It is not known whether this person is invited. Run the same command again {when}: it looks"
    " the person up, and sends nothing twice."
)
ASK_LATER: Final = _ASK_AGAIN.format(when="later")
_LOOK_UP: Final = (
    "It is not known whether this person is invited, and the command cannot find out. Look the"
    " person up on the platform; nothing more is sent to this address."
)
REPORTED: Final = "Invited according to the results of an earlier run."
_NO_LINK: Final = "Invited, but the platform sent no link: look it up there."


@dataclass(frozen=True, slots=True, repr=False)
class Standing:
    """The status of one row. `is_earlier`: it was reached before this run."""

    outcome: InviteOutcome
    link: str = ""
    code: str = ""
    reason: str = ""
    is_earlier: bool = False


def ask_after(moment: float, *, now: float) -> str:
    """`ASK_LATER` with the time of day, in the next full minute, and the date unless it is today's.

    `moment` and `now` are wall-clock seconds.
    """
    local = datetime.fromtimestamp(math.ceil(moment / 60) * 60)  # noqa: DTZ006 - for a person here
    is_today = local.date() == datetime.fromtimestamp(now).date()  # noqa: DTZ006 - as above
    return _ASK_AGAIN.format(when=f"after {local:{'%H:%M' if is_today else '%Y-%m-%d %H:%M'}}")


def status_of(outcome: InviteOutcome) -> str:
    """`invited`, `not invited` or `unknown`."""
    return outcome.value.lower().replace("_", " ")


def standing_of(result: InviteResult, *, wants_link: bool) -> Standing:
    """The row's status after the core's result."""
    if isinstance(result, InviteSuccess):
        link = result.invite.invite_link or ""
        return Standing(
            InviteOutcome.INVITED,
            link=link,
            reason=_NO_LINK if wants_link and not link else "",
            is_earlier=result.replayed,
        )
    reason = _STOPS.get(result.code, result.message)
    if result.outcome is InviteOutcome.UNKNOWN:
        reason = ASK_LATER if result.retryable else _LOOK_UP
    elif _is_unrecorded(result):
        reason = f"Not sent. {_NO_RECORD}"
    return Standing(result.outcome, code=result.code.value, reason=reason)


def concern_of_all(failure: InviteFailure) -> str | None:
    """The message, if the failure concerns all rows: the next ones would fail too."""
    return _NO_RECORD if _is_unrecorded(failure) else _STOPS.get(failure.code)


def _is_unrecorded(failure: InviteFailure) -> bool:
    return failure == not_recorded(failure.outcome)


def not_invited(reason: str, *, code: str = "") -> Standing:
    return Standing(InviteOutcome.NOT_INVITED, code=code, reason=reason)


def held_back(entry: Entry, result: Result, listed: set[str] | None) -> Standing:
    """The status of a person who is known only from an earlier report."""
    if result.says_invited:
        return Standing(InviteOutcome.INVITED, result.link, reason=REPORTED, is_earlier=True)
    status = result.status.strip()
    words = f'say "{status}"' if status else "leave the status empty"
    if listed is None:
        found = "the platform's list could not be read"
    elif entry.address in listed:
        found = "the platform lists this person on the track"
    else:
        found = "the platform does not list this person on the track"
    return Standing(
        InviteOutcome.UNKNOWN,
        reason=(
            f"Nothing was sent: the results of an earlier run {words}, and {found}. If you are sure"
            ' that this person is not invited, write "not invited" there as the status and run the'
            " command again."
        ),
    )
