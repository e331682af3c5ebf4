"""What a caller is told: the truth, and nothing that is not theirs to see."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.invites.models import (
    Anomaly,
    InputIssue,
    Invite,
    InviteErrorCode,
    InviteFailure,
    InviteFormat,
    InviteOutcome,
    InviteRequest,
    InviteSuccess,
)
from gateway.invites.outcomes import judge
from gateway.invites.results import refusal_of, result_of
from gateway.upstream.wire import Exchange, Fault, NoReply, Reply

REQUEST = InviteRequest("Ada Lovelace", "ada@example.com", 6578, InviteFormat.GET_LINK)


def told(exchange: Exchange, request: InviteRequest = REQUEST):
    return result_of(
        exchange, judge(exchange, request, now=lambda: datetime(2026, 1, 1, tzinfo=UTC)), request
    )


def reply(status: int, body: object, **facts) -> Reply:
    return Reply(status, json.dumps(body).encode(), **facts)


def test_a_full_answer_is_passed_on():
    """All six fields are the upstream's."""
    result = told(
        reply(
            201,
            {
                "application_id": 91,
                "email": "Ada@Example.com",
                "invite_link": "https://x.example/1",
                "invite_status": "sent",
                "name": "A. Lovelace",
                "track_id": 6578,
                "surprise": [1],
            },
        )
    )

    assert result == InviteSuccess(
        Invite("91", "Ada@Example.com", "https://x.example/1", "sent", "A. Lovelace", "6578")
    )


@pytest.mark.parametrize("decoration", [{}, {"email": None, "name": 5, "track_id": "x"}])
def test_a_success_is_not_lost_for_want_of_decoration(decoration):
    """The input's own values stand in."""
    result = told(reply(200, {"application_id": 91, **decoration}))

    assert result == InviteSuccess(
        Invite("91", "ada@example.com", None, None, "Ada Lovelace", "6578")
    )


@pytest.mark.parametrize(
    "body", [b"", b'{"application_id": 9', b'{"invite_link": "https://x.example/i/1"}']
)
def test_an_unreadable_success_is_still_an_invite(body):
    """Nobody is told to invite again."""
    result = told(Reply(200, body, body_complete=body != b'{"application_id": 9'))

    assert isinstance(result, InviteFailure)
    assert result.code is InviteErrorCode.UPSTREAM_FAULT
    assert result.outcome is InviteOutcome.INVITED
    assert result.upstream_status == 200
    assert not result.retryable
    assert "has been invited" in result.message


@pytest.mark.parametrize(
    "body", [{"success": False, "error": "No"}, {"success": False}, {"error": "No"}]
)
def test_a_denied_success_proves_neither(body):
    """A success status over a body that says the opposite is no proof of anything."""
    result = told(reply(200, body))

    assert isinstance(result, InviteFailure)
    assert result.outcome is InviteOutcome.UNKNOWN
    assert not result.retryable


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>Ada Lovelace, 91</html>", "A page came back"),
        (b"Ada Lovelace, 91", "could not be read"),
        (b'{"name": "Ada Lovelace", "id": 91}', "does not show an invite"),
        (b'{"application_id": 91, "error": "Ada Lovelace"}', "contradicts itself"),
        (b'{"application_id": 91, "email": "bob@example.com"}', "about another invite"),
    ],
)
def test_nothing_is_told_of_a_reply_that_is_not_believed(body, words):
    """What happened is open, and what the body says may be somebody else's."""
    result = told(Reply(200, body))

    assert isinstance(result, InviteFailure)
    assert (result.outcome, result.upstream_status) == (InviteOutcome.UNKNOWN, 200)
    assert words in result.message
    assert "check before inviting again" in result.message
    assert not [word for word in ("Ada", "bob", "91") if word in result.message]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        *((status, b"<html>blocked</html>") for status in (400, 401, 403, 404, 409, 422)),
        *((status, b'{"message": "no Route matched"}') for status in (401, 403, 404)),
        *((status, b"no route") for status in (401, 403, 404)),
    ],
)
def test_a_reply_from_in_between_is_told_as_one(status, body):
    """Neither input, key nor track is blamed."""
    result = told(Reply(status, body))

    assert isinstance(result, InviteFailure)
    assert (result.outcome, result.retryable) == (InviteOutcome.NOT_INVITED, True)
    assert "something in front of it" in result.message
    assert "oute" not in result.message


@pytest.mark.parametrize("status", [400, 404, 409, 422])
def test_the_upstreams_words_are_passed_on_where_the_input_is_the_cause(status):
    """A short plain sentence helps the caller."""
    result = told(reply(status, {"error": "Track is closed"}))

    assert isinstance(result, InviteFailure)
    assert result.message == "Track is closed"


@pytest.mark.parametrize("status", [301, 401, 403, 405, 429, 500, 503])
def test_the_upstreams_words_are_kept_back_elsewhere(status):
    """They are about the gateway's own matters."""
    result = told(reply(status, {"error": "Track is closed"}))

    assert isinstance(result, InviteFailure)
    assert "closed" not in result.message


@pytest.mark.parametrize(
    "message",
    [
        "x" * 201,
        "no " * 67,
        "<b>No</b>",
        "2 < 1",
        "2 > 1",
        "write to help@platform",
        "see a://b",
        "Candidate bo exists",
        "line\nbreak",
        "ada@example.com exists",
        "Candidate ada LOVELACE exists",
        "Lovelace, A. has applied already",
        "ADA has applied already",
        "ａｄａ has applied already",
        "ada_king of example.com exists",
        "The key 0123456789abcdef01234 is not valid",
        "see https://internal.example/stack",
        "\x1b[31mred",
        {"nested": "object"},
        ["list"],
        "",
        None,
    ],
    ids=lambda message: repr(message)[:20],
)
def test_unfit_words_are_replaced(message):
    """Long, marked-up, broken or personal messages give way to our own."""
    request = replace(REQUEST, candidate_name="Ada Lovelace Bo")

    result = told(reply(409, {"error": message}), request)

    assert isinstance(result, InviteFailure)
    assert result.message == "This candidate has already been invited to this track."


@pytest.mark.parametrize(
    "message",
    [
        "x " * 99 + "xx",
        "A word of " + "x" * 20 + " letters",
        "A B is not the only initial",
        "Addresses of example.com are not allowed",
    ],
    ids=["200 characters", "20 letters", "initials", "domain"],
)
def test_fit_words_are_passed_on(message):
    """Up to the bounds, and whatever is no part of the candidate's name or mailbox."""
    request = replace(REQUEST, candidate_name="A. B. Lovelace Bo")

    assert told(reply(409, {"error": message}), request).message == message


def test_invalid_input_is_not_sent_again_as_it_is():
    """Its issues say what to correct."""
    issues = (InputIssue("track_id", "No."),)

    refusal = refusal_of(issues)

    assert (refusal.code, refusal.outcome) == (
        InviteErrorCode.INVALID_INPUT,
        InviteOutcome.NOT_INVITED,
    )
    assert (refusal.retryable, refusal.issues) == (False, issues)


def test_anomaly_is_passed_on():
    """The log names it."""
    result = told(Reply(200, b"<p>Hello</p>"))

    assert isinstance(result, InviteFailure)
    assert result.anomaly is Anomaly.PAGE


def test_numbers_of_the_exchange_are_passed_on():
    """A client can wait as long as it is asked to."""
    result = told(reply(503, {}, retry_after="7"))

    assert isinstance(result, InviteFailure)
    assert (result.upstream_status, result.retry_after_seconds) == (503, 7)


def test_an_unknown_track_is_named():
    """The id that was looked for comes back."""
    result = told(reply(404, {}))

    assert isinstance(result, InviteFailure)
    assert result.track_id == "6578"


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("sent", [True, False])
def test_every_fault_has_words(fault, sent):
    """The message and the outcome agree."""
    result = told(NoReply(fault, possibly_sent=sent))

    assert isinstance(result, InviteFailure)
    assert ("may have been invited" in result.message) is sent
    assert result.outcome is (InviteOutcome.UNKNOWN if sent else InviteOutcome.NOT_INVITED)


@pytest.mark.parametrize("status", [*range(300, 600), 101, 777])
def test_every_status_has_words_that_agree_with_the_outcome(status):
    """No message claims more than is known."""
    result = told(Reply(status))

    assert isinstance(result, InviteFailure)
    assert ("may have been invited" in result.message) is (result.outcome is InviteOutcome.UNKNOWN)
