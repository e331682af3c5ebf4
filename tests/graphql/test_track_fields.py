"""`track`: what a page shows before anybody is invited, through the application of `serve`."""

from __future__ import annotations

from collections import deque

import pytest

from gateway.upstream.wire import Fault, NoReply, Reply
from tests.fakes.applications import FakeTrack, answered, stats
from tests.fakes.gateway import asking, the_error

TRACK = "query Titled($id: ID!) { track(trackId: $id) { trackId title isActive applicationCount } }"


async def test_track_is_told():
    """All that the platform tells of it."""
    answer = await asking(FakeTrack(9))(TRACK, id="6578")

    assert answer == {
        "data": {
            "track": {
                "trackId": "6578",
                "title": "Backend",
                "isActive": True,
                "applicationCount": 9,
            }
        }
    }


async def test_unknown_track_is_null():
    """The platform's word, and nothing in between, says that there is none."""
    track = FakeTrack(answers=deque([answered({"error": "Track not found"}, 404)]))

    assert await asking(track)(TRACK, id=1) == {"data": {"track": None}}


async def test_page_of_something_in_between_is_no_missing_track():
    """A 404 in HTML says nothing of tracks."""
    track = FakeTrack(answers=deque([Reply(404, b"<html>")]))

    error = the_error(await asking(track)(TRACK, id=1))

    assert error["extensions"]["code"] == "UPSTREAM_UNAVAILABLE"
    assert error["path"] == ["track"]


@pytest.mark.parametrize(
    ("exchange", "code"),
    [
        (Reply(401), "UPSTREAM_UNAUTHORIZED"),
        (Reply(429, retry_after="7"), "RATE_LIMITED"),
        (answered({}), "UPSTREAM_FAULT"),
        (NoReply(Fault.READ_TIMEOUT, possibly_sent=True), "UPSTREAM_TIMEOUT"),
    ],
    ids=["unauthorized", "rate-limited", "fault", "timeout"],
)
async def test_failures_have_the_words_of_invites(exchange, code):
    """A read that fails says so in the top-level errors."""
    ask = asking(FakeTrack(answers=deque([exchange])), retry_attempts=1)

    assert the_error(await ask(TRACK, id=1))["extensions"]["code"] == code


async def test_wrong_id_is_told():
    """It is not sent."""
    track = FakeTrack()

    error = the_error(await asking(track)(TRACK, id="007"))

    assert error["extensions"]["issues"][0]["field"] == "trackId"
    assert track.calls == 0


async def test_track_is_read_once_and_counts_as_reads():
    """However often it is asked for; each track counts for itself."""
    track = FakeTrack()
    fields = " ".join(f"a{n}: track(trackId: {n // 2 + 1}) {{ title }}" for n in range(6))

    answer = await asking(track, max_reads=2)(f"{{ {fields} }}")

    assert track.calls == 2
    assert answer["data"]["a0"] == answer["data"]["a3"] == {"title": "Backend"}
    assert answer["data"]["a4"] is None
    assert [error["path"] for error in answer["errors"]] == [["a4"], ["a5"]]
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"BAD_USER_INPUT"}


async def test_reading_can_be_switched_off():
    """The switch of applications is this one's."""
    track = FakeTrack()

    answer = await asking(track, applications=False)(TRACK, id="x")

    assert the_error(answer)["extensions"] == {"code": "FORBIDDEN"}
    assert track.calls == 0


async def test_key_of_the_caller_is_used():
    """Where callers bring their keys, each reads its own account's track."""
    track = FakeTrack()
    ask = asking(track, upstream_api_key=None, upstream_api_key_mode="forward")

    await ask(TRACK, id=1, headers={"X-Upstream-Api-Key": "theirs"})

    assert track.api_keys == ["theirs"]


async def test_large_counts_are_left_out():
    """What no Int can hold is unknown."""
    track = FakeTrack(answers=deque([answered(stats(2**31))]))

    answer = await asking(track)(TRACK, id=1)

    assert answer["data"]["track"]["applicationCount"] is None
