"""All that one request reads: each application once, parts of lists without gaps."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.applications.failures import ReadFailure
from gateway.applications.inputs import ListDraft, ListRequest, check_list, cursor_at
from gateway.applications.models import ApplicationDetails, ApplicationKey
from gateway.applications.reads import AT_ONCE, Applications, TooManyReadsError, Window
from gateway.invites.models import InviteErrorCode, Origin
from gateway.upstream.wire import Reply
from tests.fakes.applications import (
    TRACK,
    FakeTrack,
    a_reader,
    a_request,
    answered,
    entry,
    listed,
    some_reads,
)


async def a_window(track: FakeTrack, request: ListRequest) -> Window:
    window = await some_reads(track).window(request)
    assert isinstance(window, Window)
    return window


def ids(window: Window) -> list[int]:
    return [int(application.application_id) for _, application in window.entries]


async def test_application_is_read_once():
    """However often and at whatever time it is asked for."""
    track = FakeTrack(9)
    reads = some_reads(track)
    key = ApplicationKey(TRACK, 7)

    together = await asyncio.gather(*(reads.one(key) for _ in range(5)))
    later = await reads.one(key)

    assert isinstance(later, ApplicationDetails)
    assert all(each is later for each in together)
    assert track.asked_for == [7]


async def test_failure_is_told_to_all_who_asked():
    """One that failed is not tried again for the next alias."""
    track = FakeTrack(9)
    track.answers.append(Reply(500))
    reads = some_reads(track)
    key = ApplicationKey(TRACK, 7)

    found = [await reads.one(key), await reads.one(key)]

    assert isinstance(found[0], ReadFailure)
    assert found[0] is found[1]
    assert track.calls == 1


async def test_unknown_application_is_none():
    """The upstream says 404, and that is an answer."""
    assert await some_reads(FakeTrack(1)).one(ApplicationKey(TRACK, 2)) is None


async def test_who_leaves_takes_no_other_along():
    """If one of two who wait for an application goes, the other one still gets it."""
    track = FakeTrack(9)
    track.free.clear()
    reads = some_reads(track)
    key = ApplicationKey(TRACK, 7)
    first, second = (asyncio.create_task(reads.one(key)) for _ in range(2))
    await track.reached.wait()

    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    track.free.set()

    assert isinstance(await second, ApplicationDetails)


async def test_reads_are_bounded():
    """What goes beyond the number is refused, whichever kind it is; what was read stays."""
    track = FakeTrack(9)
    reads = some_reads(track, most=2)

    await reads.window(a_request())
    await reads.one(ApplicationKey(TRACK, 1))
    with pytest.raises(TooManyReadsError):
        await reads.one(ApplicationKey(TRACK, 2))
    with pytest.raises(TooManyReadsError):
        await reads.window(a_request())

    assert isinstance(await reads.one(ApplicationKey(TRACK, 1)), ApplicationDetails)
    assert track.calls == 2


async def test_one_request_takes_few_places():
    """A request for many applications leaves places to others."""
    track = FakeTrack(30)
    reads = some_reads(track)

    await asyncio.gather(*(reads.one(ApplicationKey(TRACK, n)) for n in range(1, 21)))

    assert track.most_under_way == AT_ONCE


async def test_part_that_fits_a_page_is_one_read():
    """A position that is a multiple of the size is where a page begins."""
    track = FakeTrack(25)
    window = await a_window(track, a_request(10, 10))

    assert ids(window) == list(range(11, 21))
    assert [position for position, _ in window.entries] == list(range(10, 20))
    assert track.queries == [{"page": "2", "per_page": "10"}]
    assert (window.has_next, window.has_previous, window.total) == (True, True, 25)


async def test_part_within_pages_is_two_reads():
    """Any other lies on two pages."""
    track = FakeTrack(25)
    window = await a_window(track, a_request(7, 10))

    assert ids(window) == list(range(8, 18))
    assert [position for position, _ in window.entries] == list(range(7, 17))
    assert [query["page"] for query in track.queries] == ["1", "2"]
    assert window.has_next


async def test_second_page_is_read_only_if_there_is_one():
    """At the end of a list one read is enough."""
    track = FakeTrack(9)
    window = await a_window(track, a_request(7, 10))

    assert ids(window) == [8, 9]
    assert not window.has_next
    assert track.calls == 1


@pytest.mark.parametrize(("size", "has_next"), [(17, False), (18, True)])
async def test_end_is_known(size, has_next):
    """The rest of the second page tells whether the list goes on."""
    window = await a_window(FakeTrack(size), a_request(7, 10))

    assert ids(window) == list(range(8, 18))
    assert window.has_next is has_next


@pytest.mark.parametrize("start", [9, 10, 500])
async def test_nothing_is_behind_the_end(start):
    """A cursor from a longer list leads nowhere."""
    window = await a_window(FakeTrack(9), a_request(start, 10))

    assert window.entries == ()
    assert not window.has_next


@pytest.mark.parametrize("fails", [0, 1])
async def test_half_a_part_is_none(fails):
    """If either page cannot be read, there is no part of the list to tell."""
    track = FakeTrack(25)
    pages = [answered(listed(*map(entry, range(1, 11)), has_next=True)), Reply(500)]
    track.answers += pages[1 - fails :]

    failure = await some_reads(track).window(a_request(7, 10))

    assert isinstance(failure, ReadFailure)
    assert failure.code is InviteErrorCode.UPSTREAM_FAULT


async def test_missing_track_is_a_failure():
    """A list that does not exist is not an empty one."""
    track = FakeTrack()
    track.answers.append(Reply(404, b'{"error": "Not found"}'))

    failure = await some_reads(track).window(a_request())

    assert isinstance(failure, ReadFailure)
    assert failure.code is InviteErrorCode.TRACK_NOT_FOUND


async def test_caller_may_shorten_the_time():
    """And not lengthen it."""
    track = FakeTrack(9)
    applications = Applications(a_reader(track), most=9, timeout_seconds=4)

    for seconds in (None, 2, 60):
        await applications.reads(Origin(timeout_seconds=seconds)).window(a_request())

    assert [round(seconds) for seconds in track.timeouts] == [4, 2, 4]


async def test_key_of_the_caller_goes_along():
    """With every read of the request."""
    track = FakeTrack(9)
    applications = Applications(a_reader(track), most=9, timeout_seconds=4)

    reads = applications.reads(Origin(upstream_api_key="theirs"))
    await reads.window(a_request())
    await reads.one(ApplicationKey(TRACK, 7))

    assert track.api_keys == ["theirs", "theirs"]


@pytest.mark.parametrize(
    ("start", "has_next"), [(0, True), (8, True), (9, False), (500, False)], ids=str
)
async def test_the_whole_list_is_known_without_any_of_it(start, has_next):
    """One read tells how many there are, and whether anybody comes at the place."""
    track = FakeTrack(9)

    window = await a_window(track, a_request(start, first=0))

    assert (window.entries, window.total) == ((), 9)
    assert (window.has_next, window.has_previous) == (has_next, start > 0)
    assert track.calls == 1


async def test_failure_without_any_of_the_list():
    """It is the failure of any other read."""
    track = FakeTrack(9)
    track.answers.append(Reply(500))

    assert isinstance(await some_reads(track).window(a_request(first=0)), ReadFailure)


@given(size=st.integers(0, 60), firsts=st.lists(st.integers(1, 70), min_size=1, max_size=4))
@settings(deadline=None)
def test_walk_shows_everybody_once(size, firsts):
    """From cursor to cursor, with parts of whatever sizes, nobody is missed and none comes twice."""
    seen = asyncio.run(walk(FakeTrack(size), firsts))

    assert seen == list(range(1, size + 1))


async def walk(track: FakeTrack, firsts: list[int]) -> list[int]:
    """The ids in the order in which a caller sees them, who takes the sizes in turn."""
    seen: list[int] = []
    after, turn = None, 0
    while True:
        draft = ListDraft(str(TRACK), firsts[turn % len(firsts)], after)
        request = check_list(draft)
        assert isinstance(request, ListRequest)
        window = await a_window(track, request)
        seen += ids(window)
        assert len(window.entries) == min(draft.first, track.size - request.start)
        assert window.has_next == (request.start + draft.first < track.size)
        if not window.has_next:
            return seen
        after, turn = cursor_at(window.entries[-1][0]), turn + 1
