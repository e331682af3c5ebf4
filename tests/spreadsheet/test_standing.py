"""Results of the core in the words of a list."""

from __future__ import annotations

from datetime import datetime

import pytest

from gateway.invites.failures import in_progress, interrupted, not_recorded
from gateway.invites.models import (
    Invite,
    InviteErrorCode,
    InviteFailure,
    InviteOutcome,
    InviteSuccess,
)
from gateway.spreadsheet.standing import ask_after, concern_of_all, standing_of, status_of

NO_LINK = Invite("1", "a@example.com", None, None, "A", "1")


def a_failure(code: InviteErrorCode, *, retryable: bool = False) -> InviteFailure:
    return InviteFailure(code, "in the core's words", InviteOutcome.NOT_INVITED, retryable)


@pytest.mark.parametrize(("wants", "reason"), [(True, "sent no link"), (False, "")])
def test_a_success_without_a_link(wants, reason):
    """It is said where links were wanted."""
    standing = standing_of(InviteSuccess(NO_LINK, replayed=True), wants_link=wants)

    assert standing.is_earlier
    assert reason in standing.reason


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (interrupted(1), "Run the same command again later"),
        (in_progress(), "Run the same command again later"),
        (
            InviteFailure(InviteErrorCode.UPSTREAM_FAULT, "x", InviteOutcome.UNKNOWN, False),
            "the command cannot find out",
        ),
        (not_recorded(InviteOutcome.NOT_INVITED), "Not sent. What is sent cannot be recorded"),
        (a_failure(InviteErrorCode.RATE_LIMITED), "in the core's words"),
        (a_failure(InviteErrorCode.UPSTREAM_UNAUTHORIZED), "does not accept the API key"),
    ],
)
def test_what_the_person_reads(result, reason):
    """What to do next, without the words of an interface for programs."""
    standing = standing_of(result, wants_link=False)

    assert reason in standing.reason
    assert "idempotency" not in standing.reason
    assert (standing.outcome, standing.code) == (result.outcome, result.code.value)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "14:32"), (1, "14:33"), (60, "14:33"), (12 * 3600, "2026-11-28 02:32")],
)
def test_when_to_run_again(seconds, said):
    """In full minutes of this machine's time, with the date only if it is another day's."""
    now = datetime(2026, 11, 27, 14, 32).timestamp()  # noqa: DTZ001 - this machine's time

    assert f"Run the same command again after {said}: it" in ask_after(now + seconds, now=now)


@pytest.mark.parametrize(
    ("failure", "concerns"),
    [
        (not_recorded(InviteOutcome.NOT_INVITED), True),
        (a_failure(InviteErrorCode.INVITE_QUOTA_EXHAUSTED), True),
        (a_failure(InviteErrorCode.TRACK_NOT_FOUND), True),
        (a_failure(InviteErrorCode.INVALID_INPUT), False),
        (interrupted(1), False),
    ],
)
def test_what_stops_a_run(failure, concerns):
    """What is true of one row is true of all."""
    assert (concern_of_all(failure) is not None) is concerns


def test_words_of_outcomes():
    """As the column `status` has them."""
    assert [status_of(one) for one in InviteOutcome] == ["invited", "not invited", "unknown"]
