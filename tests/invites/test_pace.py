"""Turns: bounded, in order, and fewer while the upstream wants fewer."""

from __future__ import annotations

import asyncio

import pytest

from gateway.invites.deadline import Deadline, within
from gateway.invites.pace import Pace, Paces, Turn


class Time:
    """A clock that a sleep moves on at once."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def pacing(time):
    """Makes paces that wait on the test's own clock and spread nothing."""
    return lambda most: Pace(most, clock=time, sleep=time.sleep, chance=lambda: 0.0)


async def taken(pace: Pace, *, most: int = 99) -> list[Turn]:
    """The turns that are to be had at once."""
    waiting = [asyncio.create_task(pace.turn(deadline=far())) for _ in range(most)]
    for _ in range(most + 3):
        await asyncio.sleep(0)
    turns = [task.result() for task in waiting if task.done()]
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    return [turn for turn in turns if turn is not None]


async def a_turn(pace: Pace) -> Turn:
    turn = await pace.turn(deadline=far())
    assert turn is not None
    return turn


def far() -> Deadline:
    """A deadline that comes on no clock while a test runs."""
    return within(10_000)


async def test_turns_are_bounded(pacing):
    """No more than `most` have a turn at a time."""
    assert len(await taken(pacing(3))) == 3


async def test_an_ended_turn_is_the_next_ones(pacing):
    """Whoever waits goes on as soon as there is a place."""
    pace = pacing(1)
    first = await pace.turn(deadline=far())
    second = asyncio.create_task(pace.turn(deadline=far()))
    await asyncio.sleep(0)
    assert not second.done()

    first.end()

    assert await second is not None


async def test_newcomer_does_not_overtake(pacing):
    """A turn that has just ended is for whoever waits, not for who asks at that moment."""
    pace = pacing(1)
    first = await a_turn(pace)
    waiting = asyncio.create_task(pace.turn(deadline=far()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    first.end()
    newcomer = await pace.turn(deadline=within(0.05))

    assert newcomer is None
    assert await waiting is not None


async def test_first_come_first_served(pacing):
    """Turns are had in the order in which they were asked for."""
    pace, order = pacing(1), []

    async def take(number: int) -> None:
        turn = await a_turn(pace)
        order.append(number)
        turn.end()

    await asyncio.gather(*(take(number) for number in range(5)))

    assert order == [0, 1, 2, 3, 4]


async def test_no_turn_after_the_deadline(pacing, time):
    """Whoever has no time left gets none, even where there is room."""
    assert await pacing(1).turn(deadline=Deadline(time.now)) is None


async def test_no_turn_before_the_deadline():
    """Whoever waits for a place waits no longer than the deadline."""
    pace = Pace(1)
    await pace.turn(deadline=far())

    assert await pace.turn(deadline=within(0.01)) is None


async def test_a_wait_given_up_leaves_the_turn_to_others(pacing):
    """A cancelled wait takes no place with it."""
    pace = pacing(1)
    first = await pace.turn(deadline=far())
    second = asyncio.create_task(pace.turn(deadline=far()))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)

    first.end()

    assert len(await taken(pace)) == 1


async def test_all_wait_for_as_long_as_the_upstream_asks(pacing, time):
    """One call that was turned away makes the next one wait."""
    pace = pacing(4)
    turn = await pace.turn(deadline=far())
    turn.turned_away(7)
    turn.end()
    assert pace.pause_seconds == 7

    await pace.turn(deadline=far())

    assert time.slept == [7]


async def test_a_pause_past_the_deadline_is_not_waited_for(pacing, time):
    """That there will be no turn is said at once."""
    pace = pacing(4)
    (await a_turn(pace)).turned_away(7)

    assert await pace.turn(deadline=Deadline(time.now + 6)) is None
    assert time.slept == []


async def test_the_longest_pause_counts(pacing):
    """A shorter hint does not cut a longer one."""
    pace = pacing(4)
    one, two = [await pace.turn(deadline=far()) for _ in range(2)]

    one.turned_away(7)
    two.turned_away(2)

    assert pace.pause_seconds == 7


async def test_pauses_of_our_own_grow(pacing, time):
    """Where the upstream gives no hint, each pause is twice the last, up to a bound."""
    pace = pacing(4)
    for _ in range(7):
        turn = await pace.turn(deadline=far())
        turn.turned_away(None)
        turn.end()
    await pace.turn(deadline=far())

    assert time.slept == [1, 2, 4, 8, 16, 30, 30]


async def test_pauses_start_small_again(pacing, time):
    """A call that went through ends the growth of the pauses."""
    pace = pacing(4)
    turn = await pace.turn(deadline=far())
    turn.turned_away(None)
    turn.turned_away(None)
    turn.went_through()
    turn.end()

    turn = await pace.turn(deadline=far())
    turn.turned_away(None)

    assert pace.pause_seconds == 1


async def test_pauses_are_spread_past_the_hint(time):
    """Several gateways do not all come back at the same moment, and none comes too early."""
    pace = Pace(1, clock=time, chance=lambda: 1.0)
    (await a_turn(pace)).turned_away(2)

    assert pace.pause_seconds == 2.25


async def test_fewer_at_a_time_after_each_pause(pacing):
    """Calls that were turned away together halve the number once; one always goes on."""
    pace = pacing(8)
    left = []
    for _ in range(5):
        turns = await taken(pace)
        left.append(len(turns))
        for turn in turns:
            turn.turned_away(1)
            turn.end()

    assert left == [8, 4, 2, 1, 1]


async def test_more_at_a_time_while_all_goes_well(pacing):
    """The number comes back step by step, and never past its bound."""
    pace = pacing(4)
    turn = await pace.turn(deadline=far())
    turn.turned_away(1)
    turn.end()
    left = []
    for _ in range(5):
        turns = await taken(pace)
        left.append(len(turns))
        for turn in turns:
            turn.went_through()
            turn.end()

    assert left[0] == 2
    assert left[-1] == 4
    assert left == sorted(left)


async def test_number_comes_back_slowly(pacing):
    """From two at a time it takes more than one call that goes through to have three."""
    pace = pacing(4)
    turn = await a_turn(pace)
    turn.turned_away(0)
    turn.end()

    turn = await a_turn(pace)
    turn.went_through()
    turn.end()

    assert len(await taken(pace)) == 2


async def test_growth_of_pauses_begins_anew_after_each_success(pacing, time):
    """The second pause after a call that went through is twice the first."""
    pace = pacing(4)
    turn = await a_turn(pace)
    turn.went_through()
    turn.end()
    for _ in range(2):
        turn = await a_turn(pace)
        turn.turned_away(None)
        turn.end()
    await a_turn(pace)

    assert time.slept == [1, 2]


async def test_late_refusal_after_a_success_pauses_no_less(pacing, time):
    """It was sent together with one that was turned away before."""
    pace = pacing(4)
    refused, taken_up, late = [await a_turn(pace) for _ in range(3)]
    refused.turned_away(None)
    taken_up.went_through()
    time.now += 10

    late.turned_away(None)

    assert pace.pause_seconds == 1


@pytest.mark.parametrize(("asked", "waited"), [(300, 300), (3600, 300)])
async def test_pause_is_bounded(pacing, time, asked, waited):
    """Whatever the platform asks for, after five minutes one call finds out whether it holds."""
    pace = pacing(4)
    turn = await pace.turn(deadline=far())
    turn.turned_away(asked)
    turn.end()

    assert pace.pause_seconds == waited


async def test_each_account_has_its_own_pace(pacing):
    """What limits one is no limit for the others, nor is it told them."""
    paces = Paces(lambda: pacing(4))
    turn = await paces.of("account-a").turn(deadline=far())
    assert turn is not None
    turn.turned_away(3600)
    turn.end()

    assert paces.of("account-a").pause_seconds
    assert not paces.of("account-b").pause_seconds
    assert not paces.of(None).pause_seconds


def test_accounts_that_are_no_longer_used_are_forgotten(pacing, monkeypatch):
    """What is remembered has a limit."""
    monkeypatch.setattr("gateway.invites.pace._MOST_ACCOUNTS", 2)
    paces = Paces(lambda: pacing(4))
    first = paces.of("a")
    second = paces.of("b")
    paces.of("a")
    paces.of("c")

    assert paces.of("a") is first
    assert paces.of("b") is not second
