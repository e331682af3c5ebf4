"""Requests as keyed hashes."""

from __future__ import annotations

import hmac
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.invites.identity import Hasher
from gateway.invites.models import InviteFormat
from tests.fakes.records import HASHER, a_request

TEXT = st.text(st.characters(exclude_categories=()))


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


@given(secret=st.binary(min_size=1, max_size=100), name=TEXT, email=TEXT, key=TEXT, scope=TEXT)
@example(
    secret=b"s", name='"\\\x00\x7f\ud800', email="ADA@EXAMPLE.COM", key="é\U0001f600", scope=""
)
def test_hashes_never_change(secret, name, email, key, scope):
    """Records of earlier versions are found by these; otherwise each key would be sent again."""

    def hashed(domain: str, text: str) -> bytes:
        message = domain.encode() + b"\0" + text.encode("utf-8", "surrogatepass")
        return hmac.digest(secret, message, "sha256")

    hasher = Hasher(secret)
    request = a_request(candidate_name=name, candidate_email=email)
    identity = hasher.identify(request, key, scope=scope)
    person = hasher.identify_person(request, account=scope)
    a_person = json.dumps([scope, 6578, "sendlink", email.lower()])
    pad = hashed("scramble", json.dumps(["07", email.lower()]))

    assert identity.record_id == hashed("key", json.dumps([scope, key]))
    assert identity.fingerprint == hashed("input", json.dumps([name, email, 6578, "sendlink"]))
    assert identity.email_hash == person.email_hash == hashed("email", email.lower())
    assert person.record_id == hashed("person", a_person) + b"\1"
    assert person.fingerprint == hashed("person's input", a_person)
    assert hasher.check_value() == hashed("check", "")
    assert hasher.scrambled(bytes(32), record_id=b"\7", email=email) == hmac.digest(
        pad, b"0", "sha256"
    )
