"""The values that travel through the gateway with every invite."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.graphql.requests import GraphQLRequest
from gateway.http.requests import RequestHead
from gateway.http.responses import Response
from gateway.invites.deadline import Deadline
from gateway.invites.inputs import InviteDraft
from gateway.invites.models import (
    Anomaly,
    Invite,
    InviteErrorCode,
    InviteFormat,
    InviteOutcome,
    InviteRequest,
    InviteSuccess,
    Origin,
)
from gateway.invites.outcomes import judge
from gateway.invites.sender import Sent, _Post
from gateway.upstream.call import invite_call
from gateway.upstream.wire import InviteFields, Reply

SECRET = "ada@example.com"
INVITE = Invite("1", SECRET, SECRET, SECRET, SECRET, "2")
REQUEST = InviteRequest(SECRET, SECRET, 1, InviteFormat.GET_LINK, SECRET)
NOW = datetime(2026, 11, 23, tzinfo=UTC)
REPLY = Reply(200, SECRET.encode())


@pytest.mark.parametrize(
    "value",
    [
        InviteDraft(SECRET, SECRET, "1", InviteFormat.GET_LINK, SECRET),
        REQUEST,
        INVITE,
        InviteSuccess(INVITE),
        InviteFields("1", SECRET, SECRET, SECRET, SECRET, "2"),
        REPLY,
        Sent(REPLY, judge(REPLY, now=lambda: pytest.fail("there is no Retry-After"))),
        Origin(SECRET, SECRET, SECRET),
        _Post(REQUEST, SECRET.encode(), Deadline(0.0), None, SECRET, SECRET, lambda: NOW),
        invite_call(SECRET.encode(), timeout_seconds=1, api_key=SECRET),
        RequestHead("POST", {b"authorization": SECRET.encode()}, SECRET.encode()),
        GraphQLRequest(SECRET, variables={"input": SECRET}),
        Response(200, (), SECRET.encode()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_value_does_not_show_what_is_in_it(value):
    """An error's message that quotes it holds no name, no address and no secret."""
    assert SECRET not in repr(value)


@pytest.mark.parametrize("one", [*InviteErrorCode, *InviteOutcome])
def test_codes_are_written_as_they_are_named(one):
    """In the schema, in records, in metrics and in the log."""
    assert one.value == one.name


def test_formats_are_the_platforms_words():
    assert [one.value for one in InviteFormat] == ["getlink", "sendlink"]


def test_anomalies_keep_their_names():
    """They are labels of a metric."""
    assert {one.name: one.value for one in Anomaly} == {
        "PAGE": "html_page",
        **{name: name.lower() for name in Anomaly.__members__ if name != "PAGE"},
    }
