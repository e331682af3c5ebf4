"""When one more attempt is made, and after what wait."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.invites.models import InviteErrorCode
from gateway.invites.outcomes import Judgement, Verdict
from gateway.invites.retries import RetryBudget, RetryPolicy


def judgement(verdict: Verdict, *, retryable: bool = True, after: int | None = None) -> Judgement:
    return Judgement(
        verdict, InviteErrorCode.RATE_LIMITED, retryable=retryable, retry_after_seconds=after
    )


UNSENT = judgement(Verdict.NOT_SENT)


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize("retryable", [True, False])
def test_only_what_is_proved_undone(verdict, retryable):
    """No verdict but "not sent" and "not processed" is ever tried again."""
    wait = RetryPolicy().wait_before_next(
        judgement(verdict, retryable=retryable), attempts=1, seconds_left=60
    )

    undone = verdict in (Verdict.NOT_SENT, Verdict.NOT_PROCESSED)
    assert (wait is not None) == (undone and retryable)


def test_a_policy_may_leave_some_to_others():
    """Where somebody else waits for the upstream's limit, nothing is tried again for it here."""
    policy = RetryPolicy(after=frozenset({Verdict.NOT_SENT}))
    limited = judgement(Verdict.NOT_PROCESSED, after=1)

    assert policy.wait_before_next(limited, attempts=1, seconds_left=60) is None
    assert policy.wait_before_next(UNSENT, attempts=1, seconds_left=60) is not None


@given(attempts=st.integers(1, 20), chance=st.floats(0, 1))
def test_waits_are_jittered_and_bounded(attempts, chance):
    """A wait is anything from nothing up to a doubled, bounded maximum."""
    policy = RetryPolicy(attempts=99, chance=lambda: chance)

    wait = policy.wait_before_next(UNSENT, attempts=attempts, seconds_left=60)

    assert wait == pytest.approx(chance * min(2.0, 0.2 * 2 ** (attempts - 1)))


@given(after=st.integers(0, 3600), chance=st.floats(0, 1), seconds_left=st.floats(0, 100))
def test_hint_is_kept_in_full_or_not_at_all(after, chance, seconds_left):
    """Never earlier than the upstream asked, never later than the deadline."""
    wait = RetryPolicy(chance=lambda: chance).wait_before_next(
        judgement(Verdict.NOT_PROCESSED, after=after), attempts=1, seconds_left=seconds_left
    )

    assert wait is None or after <= wait < seconds_left


def test_no_attempt_beyond_the_last():
    """After as many attempts as allowed there is no other."""
    policy = RetryPolicy(attempts=2)

    assert policy.wait_before_next(UNSENT, attempts=1, seconds_left=60) is not None
    assert policy.wait_before_next(UNSENT, attempts=2, seconds_left=60) is None


def test_reserve_is_for_so_many_retries():
    """Each retry takes one of it."""
    budget = RetryBudget(share=0, reserve=2)

    assert [budget.spend() for _ in range(3)] == [True, True, False]


def test_traffic_fills_the_reserve_and_no_more():
    """After a quiet night there are not more retries than at first."""
    budget = RetryBudget(share=1, reserve=1)
    budget.earn()

    assert [budget.spend() for _ in range(2)] == [True, False]


def test_budget_is_a_share_of_the_traffic():
    """Ten first attempts earn one retry, and savings are bounded."""
    budget = RetryBudget(share=0.1, reserve=1)
    assert budget.spend()
    assert not budget.spend()

    for _ in range(1000):
        budget.earn()

    assert budget.spend()
    assert not budget.spend()
