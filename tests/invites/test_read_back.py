"""What the upstream's list says about an invite whose end is unknown."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.invites.read_back import SKEW_SECONDS, Doubt, latest_moment
from gateway.invites.record import State, settled
from gateway.upstream.wire import Applicant, Fault, NoReply, Reply
from tests.fakes.invites import QUIET_SECONDS, a_replica
from tests.fakes.records import NOW, a_record, a_request

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

    assert await replica.read_back.look_for(record, "ada@straße.de", seconds_left=10) is None


@pytest.mark.parametrize("email", ["x" + ADA, ADA + ".org", "ada+x@example.com"])
async def test_part_of_an_address_is_somebody_else(replica, email):
    """The upstream matches any part; the gateway the whole."""
    replica.upstream.add(email)

    assert await look(replica) is None


async def test_other_track_is_another_invite(replica):
    """Being on another track says nothing."""
    replica.upstream.add(ADA, track_id=1)

    assert await look(replica) is None


@pytest.mark.parametrize(
    ("age", "found"), [(SKEW_SECONDS + 1, False), (SKEW_SECONDS - 1, True), (-60, True)]
)
async def test_earlier_applicant_is_not_ours(replica, age, found):
    """Only who was added since the first attempt, give or take the clocks, is its invite.

    Nor is it a proof of the contrary: a second invite may leave the entry of the first as it is.
    """
    replica.upstream.add(ADA, at=NOW - age)
    replica.clock.now += 60

    sighting = await look(replica)

    assert isinstance(sighting, Applicant) is found
    assert found or sighting is Doubt.EARLIER


@pytest.mark.parametrize(
    "date",
    [
        None,
        "",
        "yesterday",
        17,
        "0001-01-01",
        "9999-12-31",
        # Each of these a tolerant reader takes for an earlier moment than it may mean.
        "1800000000000",
        "20270115",
        "2027-W02",
        "2027-01-15T20",
        "15 Jan 2027 08:00 PM",
        "Jan 15, 2027 08:00:00 PM",
        "Fri, 15 Jan 2027 08:00:00 PM",
        "15 Jan 27 08:00:00 GMT",
        "2027-13-01",
        "32 Jan 2027 08:00:00 GMT",
    ],
)
async def test_unreadable_date_settles_nothing(replica, date):
    """A listed candidate without a date may be an old one."""
    replica.upstream.add(ADA)["date_added"] = date

    assert await look(replica) is Doubt.UNDATED


async def test_dated_entry_counts_beside_an_undated_one(replica):
    """One entry that is clearly ours is enough."""
    replica.upstream.add(ADA)["date_added"] = None
    entry = replica.upstream.add(ADA)

    assert (await look(replica)).application_id == str(entry["application_id"])


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-23T12:00:00+00:00", datetime(2026, 11, 23, 12, tzinfo=UTC)),
        ("2026-11-23T12:00:00Z", datetime(2026, 11, 23, 12, tzinfo=UTC)),
        ("2026-11-23T14:00:00+02:00", datetime(2026, 11, 23, 12, tzinfo=UTC)),
        ("2026-11-23T12:00:00.123456789Z", datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)),
        ("2026-11-23 17:30:00+0530", datetime(2026, 11, 23, 12, tzinfo=UTC)),
        ("Mon, 23 Nov 2026 12:00:00 GMT", datetime(2026, 11, 23, 12, tzinfo=UTC)),
        ("23 Nov 2026 14:00:00 +0200", datetime(2026, 11, 23, 12, tzinfo=UTC)),
        ("2026-11-23 12:00", datetime(2026, 11, 24, 2, tzinfo=UTC)),
        ("2026-11-23 12:00:00", datetime(2026, 11, 24, 2, tzinfo=UTC)),
        ("2026-11-23", datetime(2026, 11, 24, 14, tzinfo=UTC)),
    ],
)
def test_latest_moment(text, moment):
    """A date that leaves room is read as late as it may mean: better found than sent twice."""
    assert latest_moment(text) == moment


@pytest.mark.parametrize(
    ("reply", "doubt"),
    [
        (Reply(401), Doubt.REFUSED),
        (Reply(403), Doubt.REFUSED),
        (Reply(404), Doubt.REFUSED),
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


async def a_witness(replica, name: str) -> None:
    await replica.invite(a_request(candidate_email=f"{name}@example.com"), key=name)


async def test_fresh_gateway_has_no_witness(replica):
    """Before any known invite the list has proved nothing."""
    assert not await replica.read_back.shows_invites()


async def test_slow_list_is_no_witness(replica):
    """Witnesses that cannot be looked up in time prove nothing."""
    await a_witness(replica, "a")
    replica.clock.now += QUIET_SECONDS + 1
    replica.upstream.list_free.clear()

    assert not await replica.read_back.shows_invites(seconds_left=0.01)


async def test_latest_known_invites_are_witnesses(replica):
    """A list that shows the latest known invites shows invites."""
    for name in "abcd":
        await a_witness(replica, name)
    replica.clock.now += QUIET_SECONDS + 1

    assert await replica.read_back.shows_invites()


async def test_recent_invite_is_no_witness(replica):
    """A list may lag: an invite younger than the quiet period proves nothing."""
    await a_witness(replica, "a")
    replica.clock.now += QUIET_SECONDS - 1

    assert not await replica.read_back.shows_invites()


async def test_missing_witness_discredits_the_list(replica):
    """One of the latest known invites missing is enough not to believe in absence."""
    for name in "abc":
        await a_witness(replica, name)
    replica.clock.now += QUIET_SECONDS + 1
    replica.upstream.invited.pop(1)

    assert not await replica.read_back.shows_invites()


async def test_list_that_ignores_the_filter_is_no_witness(replica):
    """Only an entry with the witness's own id counts."""
    await a_witness(replica, "a")
    replica.clock.now += QUIET_SECONDS + 1
    other = {"application_id": 5, "email": "x@example.com", "date_added": None}
    page = {"data": [other], "pagination": {"has_next": False}}
    replica.upstream.list_reply = Reply(200, json.dumps(page).encode())

    assert not await replica.read_back.shows_invites()


async def test_success_without_details_is_no_witness(replica):
    """An invite whose application is not known cannot be looked up."""
    record = settled(a_record(), State.INVITED, now=NOW, answer=b'{"code": "UPSTREAM_FAULT"}')
    await replica.records.store.insert(record)
    replica.clock.now += QUIET_SECONDS + 1

    assert not await replica.read_back.shows_invites()
