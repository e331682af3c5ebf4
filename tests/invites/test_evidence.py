"""What the list proves, row by row: presence, absence, and every doubt in between."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.invites.clocks import Moment
from gateway.invites.doubt import Doubt
from gateway.invites.evidence import Case, NotInvited, Rules, weigh
from gateway.invites.record import State, settled
from gateway.invites.stored_result import packed_invite
from gateway.upstream.wire import Applicant
from tests.fakes.records import NOW, a_record

QUIET = 30.0
RULES = Rules(QUIET)
RECORD = settled(a_record(), State.UNKNOWN, now=NOW + 1)
LATER = Moment(NOW + 100, 1100, "boot")
HOUR = 3600


def entry(seconds: float, *, application_id: str = "7", zone: str = "+00:00") -> Applicant:
    """Listed as added so long after the attempt."""
    text = datetime.fromtimestamp(NOW + seconds, UTC).replace(tzinfo=None).isoformat()
    return Applicant(application_id, "ada@example.com", text + zone)


def undated(text: str | None = None) -> Applicant:
    return Applicant("7", "ada@example.com", text)


def another(
    state: State, *, application_id: str | None = None, sent: float = -1, key: str = "another"
):
    """Another record of the same person and track, first sent so long after ours."""
    answer = None
    if application_id is not None:
        answer = packed_invite(
            application_id=application_id, invite_link=None, invite_status=None, track_id="6578"
        )
    record = settled(a_record(key), state, now=NOW, answer=answer)
    return replace(record, first_sent_at=NOW + sent)


def witness(application_id: str, *, seen: bool = True):
    return replace(
        another(State.INVITED, application_id=application_id, key=application_id), witness=seen
    )


def case(*entries: Applicant, **facts) -> Case:
    return Case(RECORD, LATER, entries=entries, **{"whole": True, **facts})


def absent(*, wall: float = NOW + 100 - QUIET, ticks: float = 1100 - QUIET, boot="boot", **facts):
    record = replace(RECORD, absent=Moment(wall, ticks, boot))
    return Case(record, LATER, **{"whole": True, **facts})


# Listed


@pytest.mark.parametrize(
    "listed",
    [
        entry(0),
        entry(0.25),
        entry(50),
        entry(5.5 * HOUR, zone="+05:30"),
        entry(HOUR * 26, zone=""),
        Applicant("7", "ada@example.com", "2027-01-17"),
    ],
    ids=lambda one: one.date_added,
)
def test_entry_that_cannot_be_older_is_ours(listed):
    """Its earliest possible moment is not before the first attempt."""
    days_later = Moment(NOW + 72 * HOUR, 72 * HOUR, "boot")

    assert weigh(replace(case(listed), now=days_later), RULES) == listed


@pytest.mark.parametrize(
    ("listed", "offset", "is_ours"),
    [
        (entry(159), 0, True),
        (entry(161), 0, False),
        (entry(HOUR), 0, False),
        (entry(HOUR + 50), HOUR, True),
        (entry(HOUR * 15, zone=""), 0, False),
    ],
)
def test_entry_of_the_future_proves_nothing(listed, offset, is_ours):
    """Its zone is wrong, so it may be older than it says; the platform's own clock counts."""
    finding = weigh(case(listed, offsets=(offset, offset)), RULES)

    assert finding == (listed if is_ours else Doubt.UNCLEAR_DATE)


@pytest.mark.parametrize(
    ("seconds", "zone"),
    [(-1, "+00:00"), (-2, "+00:00"), (-240, "+00:00"), (-HOUR * 20, ""), (-HOUR, "+05:30")],
)
def test_older_entry_proves_nothing(seconds, zone):
    """Not even one of a minute ago: it may be an invite of ours under no key, or by hand."""
    assert weigh(case(entry(seconds, zone=zone)), RULES) is Doubt.EARLIER


@pytest.mark.parametrize(
    "listed",
    [
        entry(-11 * HOUR, zone=""),
        entry(5, zone=""),
        undated("2027-01-14"),
        undated("2027-01-15"),
        undated("Jan 15, 2027, 8:00:05 AM"),
        undated("2027-01-15T08:00Z"),
    ],
    ids=lambda one: one.date_added,
)
def test_date_that_may_be_older_proves_nothing(listed):
    """A time without a zone, or a day alone, may lie on either side."""
    record = replace(RECORD, first_sent_at=NOW + 1)

    assert weigh(replace(case(listed), record=record), RULES) is Doubt.UNCLEAR_DATE


@pytest.mark.parametrize("text", ["Jan 15, 2027, 8:00:05 AM", "2027-01-15 08:00:05"])
def test_operators_time_zone_settles_a_time_without_one(text):
    """Then it is one moment like any other."""
    rules = replace(RULES, time_zone=UTC)
    early = replace(RECORD, first_sent_at=NOW + 10)

    assert weigh(case(undated(text)), rules) == undated(text)
    assert weigh(replace(case(undated(text)), record=early), rules) is Doubt.EARLIER


@pytest.mark.parametrize("text", [None, "", "1800000000000", "yesterday"])
def test_unreadable_date_proves_nothing(text):
    """A listed candidate without a date may be an old one."""
    assert weigh(case(undated(text)), RULES) is Doubt.UNDATED


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("seconds", [-50, 0, 50])
def test_application_of_another_record_is_no_evidence(state, seconds):
    """Whatever its date, one entry settles one record."""
    other = another(state, application_id="7")

    assert weigh(case(entry(seconds), others=[other]), RULES) is Doubt.OTHER_RECORD


def test_own_entry_counts_beside_those_that_do_not():
    """One entry that is clearly ours is enough, and the first of several is told."""
    ours, later = entry(2, application_id="8"), entry(9, application_id="9")
    doubtful = [entry(-99), undated(), entry(1, application_id="6")]
    others = [another(State.INVITED, application_id="6")]

    assert weigh(case(*doubtful, later, ours, others=others), RULES) == ours


@pytest.mark.parametrize(
    ("listed", "doubt"),
    [
        ([undated(), entry(-9)], Doubt.UNDATED),
        ([entry(-9), entry(0, zone="")], Doubt.UNCLEAR_DATE),
        ([entry(5, application_id="6"), entry(-9)], Doubt.EARLIER),
    ],
)
def test_worst_doubt_is_told(listed, doubt):
    """What a person has to look into first."""
    others = [another(State.INVITED, application_id="6")]

    assert weigh(case(*listed, others=others), RULES) is doubt


@pytest.mark.parametrize(
    ("state", "application_id", "is_rival"),
    [
        (State.SENDING, None, True),
        (State.UNKNOWN, None, True),
        (State.INVITED, None, True),
        (State.INVITED, "6", False),
        (State.REFUSED, None, False),
        (State.RELEASED, None, False),
    ],
)
def test_entry_that_another_invite_may_have_caused_proves_nothing(state, application_id, is_rival):
    """Two invites of one person are in doubt, and one entry is there."""
    other = another(state, application_id=application_id)

    finding = weigh(case(entry(5), others=[other]), RULES)

    assert finding == (Doubt.RIVALS if is_rival else entry(5))


@pytest.mark.parametrize(("sent", "is_rival"), [(5, True), (6, True), (6.1, False)])
def test_invite_that_was_sent_after_the_entry_was_made_is_no_rival(sent, is_rival):
    """It cannot have caused it."""
    finding = weigh(case(entry(5), others=[another(State.UNKNOWN, sent=sent)]), RULES)

    assert finding == (Doubt.RIVALS if is_rival else entry(5))


@pytest.mark.parametrize(
    ("offset", "seconds", "expected"),
    [
        (600, 601, "ours"),
        (600, 598, Doubt.EARLIER),
        (600, 500, Doubt.EARLIER),
        (-600, -599, "ours"),
        (-600, -601, Doubt.EARLIER),
    ],
)
def test_dates_are_compared_by_the_platforms_clock(offset, seconds, expected):
    """Its clock and ours may differ; what its replies say of it is allowed for."""
    finding = weigh(case(entry(seconds), offsets=(offset, offset)), RULES)

    assert finding == (entry(seconds) if expected == "ours" else expected)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(-601, Doubt.EARLIER), (-1, Doubt.UNCLEAR_DATE), (299, Doubt.UNCLEAR_DATE), (300, "ours")],
)
def test_clock_that_may_have_been_set_leaves_more_in_doubt(seconds, expected):
    """The attempt was at one of many moments of the platform's clock."""
    finding = weigh(case(entry(seconds), offsets=(-600, 300)), RULES)

    assert finding == (entry(seconds) if expected == "ours" else expected)


def test_rivals_are_compared_by_our_own_clock():
    """When they were sent was read from it."""
    rival = another(State.UNKNOWN, sent=10)
    ahead = case(entry(605), offsets=(600, 600), others=[rival])

    assert weigh(ahead, RULES) == entry(605)


def test_clock_that_may_have_been_set_leaves_more_rivals():
    """The entry may have been made as late as the least offset says."""
    rival = another(State.UNKNOWN, sent=300)

    assert weigh(case(entry(605), offsets=(0, 600), others=[rival]), RULES) is Doubt.RIVALS


# Not listed


def test_absence_is_proved_by_time_and_a_witness():
    """The quiet period has passed, and the list shows people who have not acted."""
    proved = absent(witnesses=[witness("5")], listed=frozenset({"5"}))

    assert weigh(proved, RULES) is NotInvited.PROVED


def test_operators_word_stands_for_a_witness():
    """Who knows the platform may vouch for its list."""
    assert weigh(absent(), replace(RULES, list_shows_invited=True)) is NotInvited.PROVED


@pytest.mark.parametrize("rules", [RULES, replace(RULES, list_shows_invited=True)])
def test_part_of_a_list_proves_no_absence(rules):
    """A filter may not match what we think."""
    part = absent(whole=False, witnesses=[witness("5")], listed=frozenset({"5"}))

    assert weigh(part, rules) is Doubt.UNREADABLE


def test_first_look_proves_no_absence():
    """A list may be behind."""
    assert weigh(case(), replace(RULES, list_shows_invited=True)) is Doubt.NOT_LISTED


@pytest.mark.parametrize(
    "since",
    [
        {"wall": NOW + 100 - QUIET + 1},
        {"ticks": 1100 - QUIET + 1},
        {"wall": NOW - 86_400, "ticks": 1099},
        {"wall": NOW + 200},
        {"boot": "another"},
    ],
    ids=str,
)
def test_quiet_period_has_to_pass_on_both_clocks(since):
    """A wall clock that jumps ends none, nor does a look of another machine."""
    rules = replace(RULES, list_shows_invited=True)

    assert weigh(absent(**since), rules) is Doubt.NOT_LISTED


@pytest.mark.parametrize(
    ("witnesses", "listed"),
    [
        ([], {"5"}),
        ([witness("5")], set()),
        ([witness("5")], {"6"}),
        ([witness("5", seen=False)], {"5"}),
        ([witness("6", seen=False), witness("5")], {"5", "6"}),
    ],
    ids=["none", "empty-list", "not-in-it", "not-seen-at-once", "later-one-not-seen"],
)
def test_without_a_witness_in_the_very_list_absence_is_not_proved(witnesses, listed):
    """An invite that was opened since is listed too, and says nothing of those that were not."""
    unproved = absent(witnesses=witnesses, listed=frozenset(listed))

    assert weigh(unproved, RULES) is Doubt.NO_WITNESS


def test_older_witness_may_stand_in():
    """The latest may have been taken off the list by hand."""
    proved = absent(witnesses=[witness("6"), witness("5")], listed=frozenset({"5"}))

    assert weigh(proved, RULES) is NotInvited.PROVED


@given(st.data())
def test_more_doubt_never_proves_more(data):
    """Taking away a witness, time or part of the list never turns a doubt into a proof."""
    whole = data.draw(st.booleans())
    seen, listed = data.draw(st.booleans()), data.draw(st.booleans())
    wall, ticks = data.draw(st.floats(0, 100)), data.draw(st.floats(0, 100))
    weighed = weigh(
        absent(
            wall=NOW + 100 - wall,
            ticks=1100 - ticks,
            whole=whole,
            witnesses=[witness("5", seen=seen)],
            listed=frozenset({"5"} if listed else ()),
        ),
        RULES,
    )

    everything = whole and seen and listed
    passed = LATER.has_passed(QUIET, since=Moment(NOW + 100 - wall, 1100 - ticks, "boot"))
    assert (weighed is NotInvited.PROVED) is (everything and passed)
