"""What a record means for a request, and how it may change."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.invites.clocks import Moment
from gateway.invites.doubt import Doubt
from gateway.invites.identity import Hasher
from gateway.invites.models import InviteFormat
from gateway.invites.record import (
    Standing,
    State,
    accepts,
    follows_doubt,
    in_doubt,
    left_in_doubt,
    next_claim,
    settled,
    standing,
)
from tests.fakes.records import HASHER, LEASE_SECONDS, NOW, a_record, a_request

LATER = NOW + LEASE_SECONDS


def test_identity_is_stable():
    """The same request under the same key is known again after a restart."""
    again = Hasher(b"a secret for the tests only, 32 b")

    assert again.identify(a_request(), "k", scope="s") == HASHER.identify(
        a_request(), "k", scope="s"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"candidate_name": "Ada King"},
        {"candidate_email": "ada.king@example.com"},
        {"track_id": 1},
        {"invite_format": InviteFormat.GET_LINK},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_other_input_has_other_fingerprint(changes):
    """Whatever differs in the input shows in the fingerprint, and in it alone."""
    one = HASHER.identify(a_request(), "k", scope="s")
    other = HASHER.identify(a_request(**changes), "k", scope="s")

    assert other.fingerprint != one.fingerprint
    assert other.record_id == one.record_id


@pytest.mark.parametrize(
    ("scope", "key"),
    [("s", "other"), ("other", "k"), ("", "sk"), ("sk", ""), ('s", "k', "")],
)
def test_scopes_and_keys_do_not_meet(scope, key):
    """No other key, and no other caller's key, leads to the same record."""
    one = HASHER.identify(a_request(), "k", scope="s")

    assert HASHER.identify(a_request(), key, scope=scope).record_id != one.record_id


def test_other_secret_has_other_hashes():
    """Without the secret nobody can try addresses against a record."""
    other = Hasher(b"another secret")

    assert other.email("ada@example.com") != HASHER.email("ada@example.com")
    assert other.check_value() != HASHER.check_value()


def test_address_is_known_in_any_case():
    """The upstream may write an address in other letters than the caller did."""
    assert HASHER.email("Ada@Example.COM") == HASHER.email("ada@example.com")


@pytest.mark.parametrize(
    ("state", "now", "expected"),
    [
        (State.SENDING, LATER - 1, Standing.IN_FLIGHT),
        (State.SENDING, LATER, Standing.IN_DOUBT),
        (State.INVITED, LATER, Standing.ANSWERED),
        (State.REFUSED, LATER, Standing.ANSWERED),
        (State.UNKNOWN, NOW, Standing.IN_DOUBT),
        (State.RELEASED, NOW, Standing.FREE),
    ],
)
def test_standing(state, now, expected):
    """Each state says what a request with the same key and input is to do."""
    record = a_record(state=state)

    assert standing(record, record.fingerprint, now=now) is expected


@pytest.mark.parametrize("state", State)
def test_other_input_is_reuse_in_every_state(state):
    """A key stays with the input it was first used for."""
    record = a_record(state=state)

    assert standing(record, b"other", now=NOW) is Standing.REUSED


@pytest.mark.parametrize(
    ("state", "now", "expected"),
    [
        (State.SENDING, LATER - 1, False),
        (State.SENDING, LATER, True),
        (State.UNKNOWN, NOW, True),
        (State.INVITED, LATER, False),
        (State.REFUSED, LATER, False),
        (State.RELEASED, LATER, False),
    ],
)
def test_in_doubt(state, now, expected):
    """Only records that nobody is working on and nobody has settled are in doubt."""
    assert in_doubt(a_record(state=state), now=now) is expected


def test_end_is_when_the_record_was_last_changed():
    """Old results are purged by it, and later requests know a first attempt by it."""
    record = settled(a_record(), State.INVITED, now=LATER, answer=b"{}")

    assert record == replace(
        a_record(), state=State.INVITED, updated_at=LATER, lease_until=LATER, answer=b"{}"
    )


def test_takeover_keeps_the_first_time():
    """An invite of the first attempt must still be found after the second."""
    record = settled(a_record(), State.UNKNOWN, now=LATER, answer=b"{}")

    absent = left_in_doubt(record, Doubt.NOT_LISTED, now=at(LATER), quiet_seconds=30)

    after = next_claim(absent, now=LATER + 9, lease_seconds=LEASE_SECONDS)

    assert after == replace(
        a_record(),
        attempt=2,
        updated_at=LATER + 9,
        lease_until=LATER + 9 + LEASE_SECONDS,
        doubt=Doubt.NOT_LISTED,
    )


@pytest.mark.parametrize(
    ("state", "answer", "doubt"),
    [
        (State.RELEASED, b"{}", False),
        (State.RELEASED, None, True),
        (State.UNKNOWN, b"{}", True),
        (State.SENDING, None, True),
    ],
)
def test_doubt_is_handed_on(state, answer, doubt):
    """Only where every attempt was proved to have done nothing does the next one begin anew."""
    record = replace(a_record(), state=state, answer=answer)

    after = next_claim(record, now=LATER, lease_seconds=LEASE_SECONDS)

    assert not follows_doubt(a_record())
    assert follows_doubt(after) is doubt
    assert after.first_sent_at == (NOW if doubt else LATER)


def at(wall: float, *, boot: str = "this machine") -> Moment:
    return Moment(wall, wall - NOW, boot)


def looked_at(record, doubt=Doubt.NOT_LISTED, *, now):
    return left_in_doubt(record, doubt, now=now, quiet_seconds=30)


def test_first_look_without_the_candidate_is_noted_once():
    """The quiet period counts from the first look, however often the list is looked at."""
    record = settled(a_record(), State.UNKNOWN, now=LATER)

    once = looked_at(record, now=at(LATER))
    twice = looked_at(once, now=at(LATER + 10))

    same_second = looked_at(once, now=replace(at(LATER), ticks=LATER - NOW + 0.5))

    assert (once.absent, once.doubt) == (at(LATER), Doubt.NOT_LISTED)
    assert twice == once
    assert same_second == once
    assert looked_at(once, now=at(LATER + 99)) == once


def test_other_doubts_leave_the_first_look_as_it_is():
    """Only a look that did not show the candidate begins a quiet period."""
    record = a_record()

    unread = looked_at(record, Doubt.UNREADABLE, now=at(LATER))
    absent = looked_at(unread, now=at(LATER + 1))
    unread_again = looked_at(absent, Doubt.UNREADABLE, now=at(LATER + 2))

    assert (unread.absent, unread.doubt, unread.state) == (None, Doubt.UNREADABLE, State.UNKNOWN)
    assert unread_again.absent == at(LATER + 1)


def test_clock_that_was_set_back_begins_the_quiet_period_anew():
    """A look in the future cannot be waited for."""
    record = looked_at(a_record(), now=at(LATER))

    assert looked_at(record, now=at(LATER - 1)).absent == at(LATER - 1)


@pytest.mark.parametrize(("seconds", "anew"), [(29, False), (30, True)])
def test_quiet_period_of_another_machine_is_begun_anew_at_its_end(seconds, anew):
    """Its second clock cannot be read here; but two machines must not put each other off."""
    record = looked_at(a_record(), now=at(LATER, boot="another"))
    now = at(LATER + seconds)

    assert looked_at(record, now=now).absent == (now if anew else at(LATER, boot="another"))


@pytest.mark.parametrize(
    ("current", "outcome", "expected"),
    [
        (State.SENDING, State.INVITED, True),
        (State.SENDING, State.RELEASED, True),
        (State.UNKNOWN, State.INVITED, True),
        (State.UNKNOWN, State.REFUSED, True),
        (State.RELEASED, State.INVITED, True),
        (State.RELEASED, State.REFUSED, False),
        (State.INVITED, State.REFUSED, False),
        (State.INVITED, State.UNKNOWN, False),
        (State.REFUSED, State.INVITED, False),
    ],
)
def test_settle_of_the_latest_attempt(current, outcome, expected):
    """A final answer stays; a 2xx outweighs a conclusion from the list."""
    assert accepts(a_record(state=current), a_record(state=outcome)) is expected


@pytest.mark.parametrize("state", State)
def test_settle_of_a_former_attempt(state):
    """An attempt that was taken over changes nothing in any state."""
    assert not accepts(a_record(state=state, attempt=2), a_record(state=State.INVITED))


@pytest.mark.parametrize("state", State)
def test_states_keep_their_names(state):
    """They are on disk."""
    assert state.value == state.name.lower()
