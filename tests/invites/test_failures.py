"""What is said where a key, a limit or a bug is the reason, not a reply of the platform."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.invites.failures import (
    held_back,
    in_progress,
    interrupted,
    key_reused,
    keyed,
    never_sent,
    not_recorded,
    overloaded,
    stumbled,
)
from gateway.invites.models import InviteErrorCode, InviteFailure, InviteOutcome

NOT_INVITED, UNKNOWN = InviteOutcome.NOT_INVITED, InviteOutcome.UNKNOWN
REFUSED = InviteFailure(
    InviteErrorCode.UPSTREAM_UNAVAILABLE,
    "It is down.",
    NOT_INVITED,
    retryable=True,
    track_id="1",
    retry_after_seconds=9,
    upstream_status=503,
)


@pytest.mark.parametrize(
    ("make", "code", "outcome", "retryable", "says"),
    [
        (lambda: interrupted(7), "UPSTREAM_FAULT", UNKNOWN, True, "It is not known"),
        (
            key_reused,
            "IDEMPOTENCY_KEY_REUSED",
            NOT_INVITED,
            False,
            "Nothing was sent now",
        ),
        (in_progress, "IDEMPOTENCY_KEY_IN_PROGRESS", UNKNOWN, True, "still on its way"),
        (lambda: overloaded(3), "UPSTREAM_UNAVAILABLE", NOT_INVITED, True, "was not invited"),
        (never_sent, "UPSTREAM_UNAVAILABLE", NOT_INVITED, True, "was not invited"),
        (
            lambda: stumbled(retryable=True),
            "UPSTREAM_FAULT",
            UNKNOWN,
            True,
            "may have been invited",
        ),
        (
            lambda: stumbled(retryable=False),
            "UPSTREAM_FAULT",
            UNKNOWN,
            False,
            "may have been invited",
        ),
        (
            lambda: not_recorded(NOT_INVITED),
            "UPSTREAM_UNAVAILABLE",
            NOT_INVITED,
            True,
            "was not invited",
        ),
        (
            lambda: not_recorded(UNKNOWN),
            "UPSTREAM_UNAVAILABLE",
            UNKNOWN,
            True,
            "Nothing was sent now;",
        ),
    ],
)
def test_message_claims_no_more_than_the_outcome(make, code, outcome, retryable, says):
    """Each failure has its code, and its text says the same as its outcome."""
    failure = make()

    assert (failure.code.value, failure.outcome, failure.retryable) == (code, outcome, retryable)
    assert says in failure.message


def test_interrupted_invite_names_its_track():
    """The caller may have lost the request that it asks about."""
    assert interrupted(7).track_id == "7"


def test_overload_says_when_to_come_back():
    assert overloaded(3).retry_after_seconds == 3


def test_others_limit_is_told_as_a_limit():
    """The platform limited others of the list, and this one was not sent."""
    limited = replace(REFUSED, code=InviteErrorCode.RATE_LIMITED, upstream_status=429)

    held = held_back(limited, retry_after_seconds=4)

    assert (held.code, held.outcome, held.retryable) == (limited.code, NOT_INVITED, True)
    assert held.message.startswith("The recruiting platform is limiting requests")
    assert (held.retry_after_seconds, held.upstream_status, held.track_id) == (4, None, None)


def test_others_outage_is_told_without_their_details():
    """Their track and the status of their reply are not this candidate's."""
    assert held_back(REFUSED, retry_after_seconds=4) == replace(
        REFUSED, track_id=None, retry_after_seconds=4, upstream_status=None
    )


def test_repetition_is_called_safe_only_if_it_may_settle_something():
    """Without a key, or with nothing to look up, a repeated request could invite twice."""
    unknown = replace(REFUSED, outcome=UNKNOWN, retryable=False)

    may, may_not = [keyed(unknown, may_change=change) for change in (True, False)]

    assert isinstance(may, InviteFailure)
    assert isinstance(may_not, InviteFailure)
    assert (may.retryable, may_not.retryable) == (True, False)
    assert "safe to repeat" in may.message
    assert "check before inviting again" in may_not.message
    assert keyed(REFUSED, may_change=True) is REFUSED
