"""What the upstream's list says about an invite whose end is unknown."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from gateway.invites.doubt import Doubt
from gateway.invites.evidence import NotInvited
from gateway.invites.read_back import clock_offset
from gateway.invites.record import State
from gateway.upstream.wire import Applicant, Fault, NoReply, Reply
from tests.fakes.invites import a_replica, with_a_witness
from tests.fakes.records import NOW, a_record

ADA = "ada@example.com"


@pytest.fixture
async def replica():
    return await a_replica()


async def look(replica, email: str = ADA):
    return await replica.read_back.look_for(a_record(), email, seconds_left=10)


async def test_finds_the_candidate_on_a_late_page(replica):
    """All pages are read."""
    for number in range(450):
        replica.upstream.add(f"{number}.{ADA}")
    entry = replica.upstream.add(ADA)

    found = await look(replica)

    assert found.application_id == str(entry["application_id"])
    assert replica.upstream.looks == 3


@pytest.mark.parametrize("most", [2, 3])
async def test_list_is_read_up_to_its_bound(replica, monkeypatch, most):
    """The last page allowed is read, and none after it: what may stand there stays unknown."""
    monkeypatch.setattr("gateway.invites.read_back.MOST_PAGES", most)
    for number in range(450):
        replica.upstream.add(f"{number}.{ADA}")
    entry = replica.upstream.add(ADA)

    found = await look(replica)

    if most == 3:
        assert found.application_id == str(entry["application_id"])
    else:
        assert found is Doubt.UNREADABLE


@pytest.mark.parametrize("listed", ["Ada@Example.com", ADA])
async def test_address_matches_in_any_case(replica, listed):
    """The upstream may store addresses in other letters."""
    replica.upstream.add(listed)

    assert (await look(replica)).email == listed


@pytest.mark.parametrize("listed", ["ada@straße.de", "Ada@xn--strae-oqa.de", "ada@STRAẞE.de"])
async def test_address_matches_in_any_spelling_of_its_domain(replica, listed):
    """The upstream may keep a domain beyond ASCII in ASCII, and look for it there."""
    replica.upstream.add(listed)
    record = replace(a_record(), email_hash=replica.records.hasher.email("ada@straße.de"))

    found = await replica.read_back.look_for(record, "ada@straße.de", seconds_left=10)

    assert found.email == listed


async def test_a_domain_that_only_folds_alike_is_another(replica):
    """ß and ss are two domains."""
    replica.upstream.add("ada@strasse.de")
    record = replace(a_record(), email_hash=replica.records.hasher.email("ada@straße.de"))

    assert (
        await replica.read_back.look_for(record, "ada@straße.de", seconds_left=10)
        is Doubt.NOT_LISTED
    )


@pytest.mark.parametrize("email", ["x" + ADA, ADA + ".org", "ada+x@example.com"])
async def test_part_of_an_address_is_somebody_else(replica, email):
    """The upstream matches any part; the gateway the whole."""
    replica.upstream.add(email)

    assert await look(replica) is Doubt.NOT_LISTED


async def test_other_track_is_another_invite(replica):
    """Being on another track says nothing."""
    replica.upstream.add(ADA, track_id=1)

    assert await look(replica) is Doubt.NOT_LISTED


async def test_older_entry_is_not_ours(replica):
    """Nor is it a proof of the contrary: a second invite may leave the entry as it is."""
    replica.upstream.add(ADA, at=NOW - 1)

    assert await look(replica) is Doubt.EARLIER


@pytest.mark.parametrize("ahead", [-900, -1, 0, 1, 900])
async def test_dates_are_compared_by_the_platforms_clock(replica, ahead):
    """Its replies say what time it is there."""
    replica.upstream.clock_ahead = ahead
    replica.upstream.add(ADA, at=NOW + 2)
    replica.clock.now += 60

    assert isinstance(await look(replica), Applicant)


@pytest.mark.parametrize("ahead", [-900, 0, 900])
async def test_older_entry_is_older_by_the_platforms_clock_too(replica, ahead):
    """An invite of some minutes ago is not taken for ours because clocks differ."""
    replica.upstream.clock_ahead = ahead
    replica.upstream.add(ADA, at=NOW - 120)
    replica.clock.now += 60

    assert await look(replica) is Doubt.EARLIER


@pytest.mark.parametrize(
    ("date", "offset"),
    [
        (None, 0),
        ("", 0),
        ("nonsense", 0),
        ("Fri, 15 Jan 99999999999999999999 08:00:00 GMT", 0),
        ("Fri, 15 Jan 2027 08:00:00 GMT", 0),
        ("Fri, 15 Jan 2027 08:00:01 GMT", 0),
        ("Fri, 15 Jan 2027 07:59:59 GMT", 0),
        ("Fri, 15 Jan 2027 07:59:58 GMT", -3.5),
        ("Fri, 15 Jan 2027 08:10:00 GMT", 598.5),
        ("Fri, 15 Jan 2027 07:50:00 GMT", -601.5),
    ],
)
def test_clock_offset(date, offset):
    """Clocks that may agree do; a date tells whole seconds, and the reply took a while."""
    assert clock_offset(date, asked_at=NOW, got_at=NOW + 1.5) == offset


async def test_refused_api_key_is_read_anew(replica):
    """The replaced key looks at once: after a refusal only a person could settle the record."""
    entry = replica.upstream.add(ADA)
    replica.upstream.list_reply = Reply(401)

    def reread() -> bool:
        replica.upstream.list_reply = None
        return True

    replica.upstream.reread_api_key = reread

    assert (await look(replica)).application_id == str(entry["application_id"])


@pytest.mark.parametrize(
    ("reply", "doubt"),
    [
        (Reply(401), Doubt.REFUSED),
        (Reply(403), Doubt.REFUSED),
        (Reply(404), Doubt.UNREADABLE),
        (Reply(404, b'{"error": "Track not found"}'), Doubt.REFUSED),
        (Reply(403, b'{"message": "Exhausted", "error": "limit_exceed"}'), Doubt.REFUSED),
        (Reply(403, b'{"message": "Forbidden"}'), Doubt.UNREADABLE),
        (Reply(404, b'{"message": "no Route matched"}'), Doubt.UNREADABLE),
        (Reply(403, b"<html>blocked</html>"), Doubt.UNREADABLE),
        (Reply(404, b"<html>not found</html>"), Doubt.UNREADABLE),
        (Reply(429), Doubt.UNREADABLE),
        (Reply(500), Doubt.UNREADABLE),
        (NoReply(Fault.CONNECT, possibly_sent=False), Doubt.UNREADABLE),
        (Reply(200, b"<html>"), Doubt.UNREADABLE),
        (Reply(200, b"[]"), Doubt.UNREADABLE),
        (Reply(200, b'{"data": []}'), Doubt.UNREADABLE),
        (Reply(200, b'{"data": {}, "pagination": {"has_next": false}}'), Doubt.UNREADABLE),
        (Reply(200, b'{"data": [1], "pagination": {"has_next": false}}'), Doubt.UNREADABLE),
        (Reply(200, b'{"data": [{}], "pagination": {"has_next": false}}'), Doubt.UNREADABLE),
        (
            Reply(200, b'{"data": [], "pagination": {"has_next": false}}', body_complete=False),
            Doubt.UNREADABLE,
        ),
        (Reply(200, b'{"data": [], "pagination": {"has_next": true}}'), Doubt.UNREADABLE),
    ],
)
async def test_list_that_cannot_be_read_settles_nothing(replica, reply, doubt):
    """Half a list, a refusal or anything strange is no proof of absence."""
    replica.upstream.list_reply = reply

    assert await look(replica) is doubt


async def test_endless_list_of_nothing_is_given_up(replica):
    """A page that is empty and promises another one is not believed a hundred times."""
    replica.upstream.list_reply = Reply(200, b'{"data": [], "pagination": {"has_next": true}}')

    assert await look(replica) is Doubt.UNREADABLE
    assert replica.upstream.looks == 1


async def test_look_ends_with_the_callers_time(replica):
    """A list that takes longer than the caller has is not waited for."""
    replica.upstream.list_free.clear()

    sighting = await replica.read_back.look_for(a_record(), ADA, seconds_left=0.01)

    assert sighting is Doubt.UNREADABLE


async def test_quick_look_reads_no_more_than_it_has_to(replica):
    """Right after sending, only what the platform finds by the address is read."""
    finding = await replica.read_back.look_for(a_record(), ADA, seconds_left=10, whole=False)

    assert finding is Doubt.UNREADABLE
    assert replica.upstream.looks == 1


async def test_quick_look_has_nothing_to_ask_for_where_the_address_may_be_spelled_otherwise(
    replica,
):
    """The platform may keep such a domain in ASCII."""
    finding = await replica.read_back.look_for(
        a_record(), "ada@straße.de", seconds_left=10, whole=False
    )

    assert finding is Doubt.UNREADABLE
    assert replica.upstream.looks == 0


@pytest.mark.parametrize(
    ("pages", "whole"),
    [
        ([([1, 2], 3), ([3], 3)], True),
        ([([1, 2], None), ([3], None)], True),
        ([([1, 2], 4), ([4], 4)], False),
        ([([1, 2], 3), ([2], 3)], False),
        ([([1, 2], None), ([2], None)], False),
        ([([], 1)], False),
    ],
    ids=["whole", "no-total", "one-slipped", "one-twice", "twice-no-total", "empty"],
)
async def test_list_that_changes_between_its_pages_is_not_whole(replica, monkeypatch, pages, whole):
    """Somebody may have slipped from one page to the one before."""
    replies = []
    for place, (ids, total) in enumerate(pages):
        data = [{"application_id": one, "email": f"{one}@example.com"} for one in ids]
        pagination = {"has_next": place + 1 < len(pages), "total": total}
        body = json.dumps({"data": data, "pagination": pagination}).encode()
        replies.append(Reply(200, body))

    async def send(_):
        return replies.pop(0)

    monkeypatch.setattr(replica.upstream, "send", send)

    listing = await replica.read_back.list_track(6578)

    assert listing.whole is whole


async def test_list_of_those_with_an_address_is_not_whole(replica):
    """A filter may not match what we think."""
    assert not (await replica.read_back.list_track(6578, ADA)).whole
    assert (await replica.read_back.list_track(6578)).whole


@pytest.mark.parametrize(("application_id", "shown"), [("1000", True), ("1001", False)])
async def test_one_application_is_looked_up(replica, application_id, shown):
    """By its id."""
    replica.upstream.add(ADA)

    assert await replica.read_back.shows(6578, application_id) is shown


async def test_list_that_ignores_the_filter_shows_only_what_is_in_it(replica):
    """Only an entry with the id that was asked for counts."""
    other = {"application_id": 5, "email": "x@example.com", "date_added": None}
    page = {"data": [other], "pagination": {"has_next": False}}
    replica.upstream.list_reply = Reply(200, json.dumps(page).encode())

    assert await replica.read_back.shows(6578, "1000") is False


async def test_unreadable_list_does_not_say_what_it_shows(replica):
    """Neither yes nor no."""
    replica.upstream.list_reply = Reply(500)

    assert await replica.read_back.shows(6578, "1000") is None


async def test_doubt_is_noted_once(replica):
    """A doubt that is the same as before costs no write."""
    store = replica.records.store
    record = a_record()
    await store.insert(record)

    left = await replica.read_back.leave(record, Doubt.EARLIER)
    again = await replica.read_back.leave(left, Doubt.EARLIER)

    assert left == again == await store.read(record.record_id)
    assert (left.doubt, left.state) == (Doubt.EARLIER, State.UNKNOWN)
    assert store.calls["swap"] == 1


@pytest.mark.parametrize(
    ("changes", "finds"),
    [
        ({"absent": None}, Doubt.NOT_LISTED),
        ({}, NotInvited.PROVED),
    ],
    ids=["first-look", "later-look"],
)
async def test_absence_is_weighed_with_witnesses_of_the_track(replica, changes, finds):
    """What the store knows goes into the case."""
    await with_a_witness(replica)
    since = replace(replica.clock(), wall=NOW, ticks=1000)
    record = replace(a_record(), **{"absent": since, **changes})

    assert await replica.read_back.look_for(record, ADA, seconds_left=10) is finds


async def test_one_application_of_many_is_looked_up_by_its_id(replica):
    """However long the list is."""
    for number in range(450):
        replica.upstream.add(f"{number}.{ADA}")

    assert await replica.read_back.shows(6578, "1449")
    assert replica.upstream.looks == 1


async def test_first_look_needs_no_witness(replica):
    """Absence at the first look proves nothing, whoever is listed."""
    store = replica.records.store

    await look(replica)

    assert store.calls["witnesses"] == 0
