"""Requests as keyed hashes."""

from __future__ import annotations

import pytest

from gateway.invites.models import InviteFormat
from tests.fakes.records import HASHER, a_request


def a_person(account: str = "platform.example", **changes):
    return HASHER.identify_person(a_request(**changes), account=account)


@pytest.mark.parametrize(
    "changes",
    [{"candidate_name": "Countess"}, {"candidate_email": "ADA@example.com"}],
    ids=["name", "case"],
)
def test_a_person_is_known_by_the_address(changes):
    """However the name or the address is written, it is one person, with one record."""
    assert a_person(**changes) == a_person()


@pytest.mark.parametrize(
    "other",
    [
        a_person("another.example"),
        a_person(track_id=1),
        a_person(invite_format=InviteFormat.GET_LINK),
        a_person(candidate_email="bob@example.com"),
        HASHER.identify(a_request(), "key-1", scope="platform.example"),
    ],
    ids=["account", "track", "format", "address", "a key"],
)
def test_others_have_records_of_their_own(other):
    """Nobody is taken for somebody else, nor for a caller's key."""
    assert other.record_id != a_person().record_id
