"""Answers as records keep them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.invites.failures import (
    held_back,
    in_progress,
    interrupted,
    key_reused,
    keyed,
    not_recorded,
    overloaded,
)
from gateway.invites.models import (
    Invite,
    InviteErrorCode,
    InviteFailure,
    InviteOutcome,
    InviteSuccess,
)
from gateway.invites.record import State
from gateway.invites.stored_result import (
    application_id_in,
    pack,
    packed_applicant,
    state_after,
    unpack,
)
from gateway.upstream.wire import Applicant
from tests.fakes.records import HASHER, a_request

SUCCESS = InviteSuccess(
    Invite(
        application_id="7",
        email="ada@example.com",
        invite_link="https://example.com/i/7",
        invite_status="invited",
        name="Ada Lovelace",
        track_id="6578",
    )
)

failures = st.builds(
    InviteFailure,
    code=st.sampled_from(InviteErrorCode),
    message=st.text(st.characters(exclude_categories=["Cs"]), max_size=50),
    outcome=st.sampled_from(InviteOutcome),
    retryable=st.booleans(),
    track_id=st.none() | st.just("6578"),
    retry_after_seconds=st.none() | st.integers(0, 3600),
    upstream_status=st.none() | st.integers(100, 999),
)


def test_success_is_replayed():
    """A stored success comes back whole, marked as replayed."""
    assert unpack(pack(SUCCESS), a_request()) == InviteSuccess(SUCCESS.invite, replayed=True)


@given(failure=failures)
def test_failure_is_replayed(failure):
    """A stored failure comes back as it was."""
    assert unpack(pack(failure), a_request()) == failure


def test_stored_answer_names_nobody():
    """Neither name nor address is written to disk."""
    packed = pack(SUCCESS)

    assert b"Ada" not in packed
    assert b"@" not in packed


def test_applicant_makes_an_answer():
    """What the list tells is enough for a success without a link."""
    packed = packed_applicant(Applicant("9", "ADA@example.com", None), track_id=6578)

    result = unpack(packed, a_request())

    assert isinstance(result, InviteSuccess)
    assert (result.invite.application_id, result.invite.invite_link) == ("9", None)
    assert application_id_in(packed) == "9"


@pytest.mark.parametrize("answer", [None, pack(key_reused())])
def test_answer_without_an_application(answer):
    """Not every record knows an application."""
    assert application_id_in(answer) is None


@given(failure=failures)
def test_state_follows_the_outcome(failure):
    """What is told and what is recorded never contradict each other."""
    states = {
        InviteOutcome.INVITED: {State.INVITED},
        InviteOutcome.UNKNOWN: {State.UNKNOWN},
        InviteOutcome.NOT_INVITED: {State.REFUSED, State.RELEASED},
    }

    assert state_after(failure) in states[failure.outcome]
    assert state_after(SUCCESS) is State.INVITED


@given(failure=failures, may_change=st.booleans())
def test_unknown_outcome_is_retryable_if_that_may_change_it(failure, may_change):
    """A request with a key may be repeated while its outcome is unknown; nothing else changes."""
    told = keyed(failure, may_change=may_change)

    assert isinstance(told, InviteFailure)
    if failure.outcome is InviteOutcome.UNKNOWN:
        assert told.retryable is may_change
        assert ("safe to repeat" in told.message) is may_change
        assert (told.code, told.outcome) == (failure.code, failure.outcome)
    else:
        assert told is failure
    assert keyed(SUCCESS, may_change=may_change) is SUCCESS


@pytest.mark.parametrize(
    ("failure", "outcome", "retryable"),
    [
        (key_reused(), InviteOutcome.NOT_INVITED, False),
        (in_progress(), InviteOutcome.UNKNOWN, True),
        (overloaded(3), InviteOutcome.NOT_INVITED, True),
        (interrupted(6578), InviteOutcome.UNKNOWN, True),
        (not_recorded(InviteOutcome.UNKNOWN), InviteOutcome.UNKNOWN, True),
        (not_recorded(InviteOutcome.NOT_INVITED), InviteOutcome.NOT_INVITED, True),
    ],
)
def test_what_a_key_brings_about(failure, outcome, retryable):
    """Each of the gateway's own answers says what is known, and claims no more in words."""
    assert (failure.outcome, failure.retryable) == (outcome, retryable)
    assert ("was not invited" in failure.message) <= (outcome is InviteOutcome.NOT_INVITED)


def scramble(data: bytes) -> bytes:
    return HASHER.scrambled(data, record_id=b"1", email="ada@example.com")


def test_replay_spells_as_the_first_answer_did():
    """Also where the platform spells name and address in its own way; nobody can read that."""
    invite = Invite("91", "Ada@Example.com", None, "sent", "A. Lovelace \u00e9", "6578")
    request = a_request()

    packed = pack(InviteSuccess(invite), request, scramble)

    assert unpack(packed, request, scramble) == InviteSuccess(invite, replayed=True)
    assert b"Example" not in packed
    assert b"Lovelace" not in packed


def test_spelling_that_is_the_inputs_takes_no_room():
    """The input stands in, as in records of earlier versions."""
    request = a_request()
    invite = Invite("91", request.candidate_email, None, None, request.candidate_name, "6578")

    assert pack(InviteSuccess(invite), request, scramble) == pack(InviteSuccess(invite))


def test_spelling_is_not_stored_readably():
    """Without a way to encrypt it, it is left out."""
    invite = Invite("91", "Ada@Example.com", None, None, "A. Lovelace", "6578")

    assert pack(InviteSuccess(invite), a_request()) == pack(InviteSuccess(invite))


def test_scrambled_bytes_need_the_address():
    """Another one makes nothing readable of them."""
    text = b"Ada Lovelace " * 10
    hidden = scramble(text)

    assert scramble(hidden) == text
    assert hidden != text
    assert HASHER.scrambled(hidden, record_id=b"1", email="bob@example.com") != text
    assert HASHER.scrambled(hidden, record_id=b"2", email="ada@example.com") != text
    assert HASHER.scrambled(hidden, record_id=b"1", email="ADA@example.com") == text


def test_what_a_limit_held_back_is_told_as_that():
    """The platform's limit is named as its own, the gateway's overload as the gateway's."""
    limited = replace(overloaded(3), code=InviteErrorCode.RATE_LIMITED, upstream_status=429)

    by_platform = held_back(limited, retry_after_seconds=7)
    by_gateway = held_back(overloaded(3), retry_after_seconds=7)

    assert by_platform.message.startswith("The recruiting platform is limiting requests")
    assert by_gateway.message == overloaded(3).message
    assert {one.retry_after_seconds for one in (by_platform, by_gateway)} == {7}
    assert by_platform.code is InviteErrorCode.RATE_LIMITED
    assert by_platform.upstream_status is None
