"""What a person learns of the track before anybody is invited."""

from __future__ import annotations

import json

import pytest

from gateway.spreadsheet.track import look_at_track
from gateway.upstream.call import Call, Route
from gateway.upstream.wire import Exchange, Fault, NoReply, Reply


def answering(exchange: Exchange):
    async def send(call: Call) -> Exchange:
        assert call.route is Route.STATS
        return exchange

    return send


@pytest.mark.parametrize(
    ("body", "shown", "name"),
    [
        ({"title": "Engineer", "active": True}, "6578, Engineer", "track 6578, Engineer"),
        (
            {"title": "Engineer", "active": False},
            "6578, Engineer (it takes no invites now)",
            "track 6578, Engineer",
        ),
        ({"title": "A\u001b[2JB"}, "6578, A[2JB", "track 6578, A[2JB"),
        ({"active": True}, "6578", "track 6578"),
    ],
)
async def test_title_and_state(body, shown, name):
    """As far as the platform tells them, and safe to print."""
    look = await look_at_track(answering(Reply(200, json.dumps(body).encode())), "6578")

    assert (str(look), look.name, look.problem) == (shown, name, None)


@pytest.mark.parametrize(
    ("exchange", "problem"),
    [
        (NoReply(Fault.CONNECT, possibly_sent=False), "could not be reached"),
        (Reply(401, b"{}"), "does not accept the API key"),
        (Reply(403, b"{}"), "does not let this API key look"),
        (Reply(404, b"{}"), "does not find the track"),
        (Reply(599, b"<p>"), "says nothing of the track"),
        (Reply(200, b"<p>"), "says nothing of the track"),
    ],
)
async def test_what_is_in_the_way(exchange, problem):
    """The person reads it before the question."""
    look = await look_at_track(answering(exchange), "6578")

    assert look.problem is not None
    assert problem in look.problem
    assert str(look) == f"6578: {look.problem}"
