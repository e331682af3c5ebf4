"""What is read of the platform's replies about a track, and what is left alone."""

from __future__ import annotations

import pytest

from gateway.upstream.tracks import Track, read_track
from gateway.upstream.wire import Reply
from tests.fakes.applications import TRACK, answered

STATS = {
    "title": "Backend",
    "active": True,
    "totals": {"by_status": {"pending": 3, "rejected": 2}},
    "stages": [{"stage_id": 1, "count": 5}],
}


def read(reply: Reply) -> Track | None:
    return read_track(reply, track_id=TRACK)


@pytest.mark.parametrize("more", [{}, {"track_id": TRACK}, {"track_id": str(TRACK)}], ids=str)
def test_reads_a_track(more):
    """Title, state and the sum of all applications."""
    assert read(answered(STATS | more)) == Track(TRACK, "Backend", True, 5)


def test_nothing_but_an_object_is_promised():
    """What is missing is unknown."""
    assert read(answered({"other": 1})) == Track(TRACK)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"title": 5}, Track(TRACK, None, True, 5)),
        ({"title": ""}, Track(TRACK, None, True, 5)),
        ({"active": "yes"}, Track(TRACK, "Backend", None, 5)),
        ({"active": 1}, Track(TRACK, "Backend", None, 5)),
        ({"active": False}, Track(TRACK, "Backend", False, 5)),
        ({"totals": None}, Track(TRACK, "Backend", True, None)),
        ({"totals": {}}, Track(TRACK, "Backend", True, None)),
        ({"totals": {"by_status": {}}}, Track(TRACK, "Backend", True, 0)),
        ({"totals": {"by_status": {"a": 1, "b": "2"}}}, Track(TRACK, "Backend", True, None)),
        ({"totals": {"by_status": {"a": -1}}}, Track(TRACK, "Backend", True, None)),
        ({"totals": {"by_status": [1]}}, Track(TRACK, "Backend", True, None)),
    ],
    ids=str,
)
def test_what_cannot_be_read_is_unknown(changed, expected):
    """A field of another form hides no other, and a part is not taken for the whole."""
    assert read(answered(STATS | changed)) == expected


@pytest.mark.parametrize(
    "reply",
    [
        answered(STATS, 201),
        answered(STATS, 404),
        answered(STATS | {"success": False}),
        answered(STATS | {"error": "Track not found"}),
        answered(STATS | {"track_id": TRACK + 1}),
        answered({}),
        answered([STATS]),
        answered(STATS, body_complete=False),
        Reply(200, b"<html>"),
        Reply(200, b""),
    ],
    ids=map(str, range(10)),
)
def test_other_replies_are_no_track(reply):
    """What denies, is cut, or is about another track tells nothing of this one."""
    assert read(reply) is None
