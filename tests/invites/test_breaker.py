"""When calls to a failing upstream are spared."""

from __future__ import annotations

import pytest

from gateway.invites.breaker import Breaker, BreakerLimits, BreakerState, Health

LIMITS = BreakerLimits(window_seconds=10, least_calls=4, failed_share=0.5, pause_seconds=5)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breaker(clock):
    return Breaker(clock=clock, limits=LIMITS)


def call(breaker: Breaker, *healths: Health) -> None:
    for health in healths:
        permit = breaker.admit()
        assert permit is not None
        breaker.report(permit, health)


def opened(breaker: Breaker) -> None:
    call(breaker, *[Health.BAD] * 4)
    assert breaker.state is BreakerState.OPEN


@pytest.mark.parametrize("last", [Health.BAD, Health.GOOD])
def test_opens_when_half_fails(breaker, last):
    """Half of enough calls failing opens the breaker, whichever call makes them enough."""
    call(breaker, Health.GOOD, Health.BAD, Health.BAD, last)

    assert breaker.state is BreakerState.OPEN
    assert breaker.admit() is None
    assert breaker.retry_after_seconds == 5


@pytest.mark.parametrize(
    "healths",
    [
        [Health.BAD] * 3,
        [Health.GOOD] * 3 + [Health.BAD] * 2,
        [Health.UNTOLD] * 50,
        [Health.BAD] * 3 + [Health.UNTOLD] * 50,
    ],
    ids=["too few", "mostly good", "untold", "untold does not count"],
)
def test_stays_closed(breaker, healths):
    """Few failures, or calls that say nothing of the upstream, do not open it."""
    call(breaker, *healths)

    assert breaker.state is BreakerState.CLOSED


def test_old_failures_are_forgotten(breaker, clock):
    """Failures of a window that is over do not add to those of the next."""
    call(breaker, *[Health.BAD] * 3)
    clock.now += 11

    call(breaker, *[Health.BAD] * 3)

    assert breaker.state is BreakerState.CLOSED


def test_window_ends_at_its_last_moment(breaker, clock):
    """A call at the end of the window begins the next."""
    call(breaker, *[Health.BAD] * 3)
    clock.now += 10

    call(breaker, *[Health.BAD] * 3)

    assert breaker.state is BreakerState.CLOSED


def test_probe_that_lasts_is_the_only_one(breaker, clock):
    """However long the probe takes, no second call is let through beside it."""
    opened(breaker)
    clock.now += 5
    breaker.admit()

    clock.now += 60

    assert breaker.admit() is None


def test_counts_anew_once_it_has_closed(breaker, clock):
    """After the probe it opens again after as many failures as the first time, no fewer, no more."""
    opened(breaker)
    clock.now += 5
    call(breaker, Health.GOOD)

    call(breaker, *[Health.BAD] * 3)
    before = breaker.state
    call(breaker, Health.BAD)

    assert (before, breaker.state) == (BreakerState.CLOSED, BreakerState.OPEN)


def test_one_probe_after_the_pause(breaker, clock):
    """After the pause one call is let through, and no other before it has ended."""
    opened(breaker)
    clock.now += 5

    probe = breaker.admit()

    assert probe is not None
    assert breaker.admit() is None
    assert breaker.state is BreakerState.HALF_OPEN


def test_good_probe_closes(breaker, clock):
    """One good answer is enough to go on as before."""
    opened(breaker)
    clock.now += 5

    call(breaker, Health.GOOD)

    assert breaker.state is BreakerState.CLOSED


def test_bad_probe_opens_again(breaker, clock):
    """A failed probe starts another pause."""
    opened(breaker)
    clock.now += 5

    call(breaker, Health.BAD)

    assert breaker.state is BreakerState.OPEN
    assert breaker.admit() is None


def test_probe_that_tells_nothing_is_repeated(breaker, clock):
    """A probe that never reached the upstream leaves its place to the next call."""
    opened(breaker)
    clock.now += 5

    call(breaker, Health.UNTOLD)

    assert breaker.admit() is not None


def test_late_reports_of_a_former_state_do_not_count(breaker, clock):
    """Calls that began before it opened neither close it nor end the probe."""
    late = breaker.admit()
    opened(breaker)
    breaker.report(late, Health.GOOD)
    assert breaker.admit() is None
    clock.now += 5
    probe = breaker.admit()

    breaker.report(late, Health.GOOD)

    assert breaker.admit() is None
    breaker.report(probe, Health.GOOD)
    assert breaker.state is BreakerState.CLOSED


def test_hint_is_at_least_a_second(breaker, clock):
    """A pause that is over still asks for a second's patience."""
    opened(breaker)
    clock.now += 60

    assert breaker.retry_after_seconds == 1


def test_states_keep_their_names():
    """They are labels of a metric."""
    assert [state.value for state in BreakerState] == ["closed", "open", "half-open"]
