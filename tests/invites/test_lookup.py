"""What an exchange left open is looked up in the time that the caller has."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.invites.deadline import within
from gateway.invites.doubt import Doubt
from gateway.invites.failures import interrupted, key_reused
from gateway.invites.lookup import Clearing
from gateway.invites.models import Invite, InviteOutcome, InviteSuccess
from tests.fakes.invites import QUIET_SECONDS, a_replica
from tests.fakes.records import NOW, a_record, a_request


@pytest.fixture
async def replica():
    return await a_replica()


@pytest.fixture
def clearing(replica):
    return Clearing(replica.read_back)


async def clear_up(clearing, *, seconds: float, result=None):
    return await clearing.clear_up(
        a_record(), result or interrupted(6578), a_request(), deadline=within(seconds)
    )


async def test_half_a_second_is_enough_for_a_look(clearing, replica):
    """Little time is better than none."""
    replica.upstream.add("ada@example.com", at=NOW)

    result, doubt = await clear_up(clearing, seconds=0.5)

    assert isinstance(result, InviteSuccess)
    assert (result.replayed, doubt) == (False, None)


async def test_without_time_nothing_is_asked(clearing, replica):
    """The caller is answered, and the next look tells more."""
    _, doubt = await clear_up(clearing, seconds=0)

    assert doubt is Doubt.NOT_LOOKED_UP
    assert replica.upstream.looks == 0


async def test_what_is_certain_is_not_looked_up(clearing, replica):
    """Neither a success nor a refusal."""
    success = InviteSuccess(Invite("1", "ada@example.com", None, None, "Ada", "6578"))

    assert await clear_up(clearing, seconds=9, result=key_reused()) == (key_reused(), None)
    assert await clear_up(clearing, seconds=9, result=success) == (success, None)
    assert replica.upstream.looks == 0


async def test_invite_that_is_certain_but_for_its_details_leaves_no_doubt(clearing, replica):
    """A list that does not have it yet takes nothing back."""
    cut = replace(interrupted(6578), outcome=InviteOutcome.INVITED)

    assert await clear_up(clearing, seconds=9, result=cut) == (cut, None)
    assert replica.upstream.looks == 1


@pytest.mark.parametrize(
    ("doubt", "age", "may_change"),
    [
        (None, 10**6, True),
        (Doubt.NOT_LISTED, 10**6, True),
        (Doubt.NO_WITNESS, 10**6, True),
        (Doubt.REFUSED, 0, False),
        (Doubt.OWN_KEY, 0, False),
        (Doubt.EARLIER, QUIET_SECONDS - 1, True),
        (Doubt.EARLIER, QUIET_SECONDS, False),
    ],
)
def test_repetition_is_offered_while_it_may_change_something(clearing, doubt, age, may_change):
    """A list may be behind for a quiet period; what it then says, it says for good."""
    assert clearing.may_change(a_record(), doubt, now=NOW + age) is may_change


def test_repetition_changes_nothing_where_the_list_is_not_read():
    """Reading back is switched off."""
    assert not Clearing(None).may_change(a_record(), None, now=NOW)
