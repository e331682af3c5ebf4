"""Each row of the outcome table is held by a test: flip it, and that test fails."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from gateway.invites import outcomes
from gateway.invites.outcomes import FAULTS, STATUSES, Row, Verdict
from gateway.upstream.wire import Fault
from tests.fakes.outcomes import STATUS_ROWS, assert_sent, assert_status_row, assert_unsent

ROWS = {status: (verdict, code, retryable) for status, verdict, code, retryable in STATUS_ROWS}


def assert_row(status: int) -> None:
    verdict, code, retryable = ROWS[status]
    assert_status_row(status, verdict, code, retryable=retryable)


def flips(row: Row) -> list[Row]:
    """The row with another verdict, or with the other word on retrying."""
    others = [replace(row, verdict=verdict) for verdict in Verdict if verdict is not row.verdict]
    return [*others, replace(row, retryable=not row.retryable)]


STATUS_FLIPS = [(status, flip) for status, row in STATUSES.items() for flip in flips(row)]
FAULT_FLIPS = [(fault, flip) for fault, row in FAULTS.items() for flip in flips(row)]
OTHER_FLIPS = [
    (name, status, flip)
    for name, status in (
        ("_INVITED", 200),
        ("_REDIRECTED", 302),
        ("_MOVED", 307),
        ("_NO_PROOF", 500),
    )
    for flip in flips(getattr(outcomes, name))
]


@pytest.mark.parametrize(("status", "flip"), STATUS_FLIPS)
def test_flipped_status_is_noticed(monkeypatch, status, flip):
    """What a refusal proves cannot be changed unseen."""
    monkeypatch.setitem(STATUSES, status, flip)

    with pytest.raises(AssertionError):
        assert_row(status)


@pytest.mark.parametrize(("name", "status", "flip"), OTHER_FLIPS)
def test_flipped_group_of_statuses_is_noticed(monkeypatch, name, status, flip):
    """What 2xx, 3xx and everything unnamed prove cannot be changed unseen."""
    monkeypatch.setattr(outcomes, name, flip)

    with pytest.raises(AssertionError):
        assert_row(status)


@pytest.mark.parametrize(("fault", "flip"), FAULT_FLIPS)
def test_flipped_fault_is_noticed(monkeypatch, fault, flip):
    """What a fault after the first byte proves cannot be changed unseen."""
    row = FAULTS[fault]
    monkeypatch.setitem(FAULTS, fault, flip)

    with pytest.raises(AssertionError):
        assert_sent(fault, row.code)


@pytest.mark.parametrize(
    ("name", "fault", "flip"),
    [
        (name, fault, flip)
        for name, fault in (("_UNSENT", Fault.CONNECT), ("_UNTRUSTED", Fault.CERTIFICATE))
        for flip in flips(getattr(outcomes, name))
    ],
)
def test_flipped_unsent_fault_is_noticed(monkeypatch, name, fault, flip):
    """What a fault before the first byte proves cannot be changed unseen."""
    monkeypatch.setattr(outcomes, name, flip)

    with pytest.raises(AssertionError):
        assert_unsent(fault)


def test_every_flip_is_one():
    """No row is compared with itself."""
    pairs = itertools.chain(
        ((STATUSES[status], flip) for status, flip in STATUS_FLIPS),
        ((FAULTS[fault], flip) for fault, flip in FAULT_FLIPS),
    )

    assert all(row != flip for row, flip in pairs)
