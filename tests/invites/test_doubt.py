"""Every doubt has words for the operator."""

from __future__ import annotations

import pytest

from gateway.invites.doubt import Doubt


@pytest.mark.parametrize("doubt", Doubt)
def test_every_doubt_is_described(doubt):
    """A plain sentence, and a word that records can keep."""
    assert doubt.description
    assert doubt.value == doubt.name.lower()
    assert isinstance(doubt.settles_itself, bool)


def test_what_needs_a_person_is_known():
    """No later look changes what an old or undated entry means, or opens a closed list."""
    lasting = {doubt for doubt in Doubt if not doubt.settles_itself}

    assert lasting == {
        Doubt.OFF,
        Doubt.OWN_KEY,
        Doubt.REFUSED,
        Doubt.OTHER_RECORD,
        Doubt.UNDATED,
        Doubt.EARLIER,
        Doubt.UNCLEAR_DATE,
        Doubt.RIVALS,
    }
