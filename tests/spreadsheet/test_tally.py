"""The last words of a run."""

from __future__ import annotations

import pytest

from gateway.invites.models import InviteOutcome
from gateway.spreadsheet.standing import Standing
from gateway.spreadsheet.tally import Tally

INVITED = Standing(InviteOutcome.INVITED, link="x")
EARLIER = Standing(InviteOutcome.INVITED, link="x", is_earlier=True)
REFUSED = Standing(InviteOutcome.NOT_INVITED, reason="This candidate is not accepted")
UNKNOWN = Standing(InviteOutcome.UNKNOWN, reason="Look it up.")


def tally(*standings: Standing, **options) -> Tally:
    return Tally(list(enumerate(standings, 2)), **options)


def test_every_row_is_counted():
    """With those that need a person, and why."""
    summary = tally(INVITED, EARLIER, UNKNOWN, *[REFUSED] * 10).summary()

    assert summary.splitlines() == [
        "13 rows: 2 invited (1 of them before this run), 10 not invited, 1 unknown.",
        "Not invited:",
        "  10 rows (5, 6, 7, 8, 9, 10, 11, 12 and 2 more): This candidate is not accepted",
        "Unknown:",
        "  row 4: Look it up.",
    ]


def test_a_long_reason_is_cut():
    """The results have it whole."""
    summary = tally(Standing(InviteOutcome.UNKNOWN, reason="x" * 999)).summary()

    assert len(summary.splitlines()[-1]) < 200


@pytest.mark.parametrize(
    ("complete", "one"),
    [
        (True, tally(INVITED, EARLIER)),
        (True, tally(Standing(InviteOutcome.INVITED))),
        (False, tally(Standing(InviteOutcome.INVITED), wants_links=True)),
        (False, tally(INVITED, REFUSED)),
        (False, tally(INVITED, UNKNOWN)),
        (False, tally(INVITED, interrupted=True)),
        (False, tally(INVITED, declined=True)),
        (False, tally(INVITED, stopped="The disk is full.")),
    ],
)
def test_what_is_complete(complete, one):
    """Everybody is invited, with a link where links were wanted."""
    assert one.is_complete is complete


def test_links_that_are_missing_are_named():
    """A list of links with holes is no success."""
    told = tally(Standing(InviteOutcome.INVITED), INVITED, wants_links=True).summary()

    assert told.endswith("Invited, but without a link:\n  row 2: look the link up on the platform.")


def test_how_a_run_ended_early():
    """And how to go on."""
    told = tally(INVITED, stopped="No invites are left.", interrupted=True).summary()

    assert "1 row: 1 invited" in told
    assert "Stopped early: No invites are left." in told
    assert "Run the same command again" in told


def test_who_failed():
    """Those not invited, to be corrected."""
    assert tally(INVITED, REFUSED, UNKNOWN).failed() == [(3, REFUSED)]
