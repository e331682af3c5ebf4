"""Records for the tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway.invites.identity import Hasher
from gateway.invites.models import InviteFormat, InviteRequest
from gateway.invites.record import Record, first_claim

SECRET = b"a secret for the tests only, 32 b"
HASHER = Hasher(SECRET)
NOW = 1_800_000_000.0
LEASE_SECONDS = 60.0


def a_request(**changes: Any) -> InviteRequest:
    request = InviteRequest(
        candidate_name="Ada Lovelace",
        candidate_email="ada@example.com",
        track_id=6578,
        invite_format=InviteFormat.SEND_LINK,
        idempotency_key="key-1",
    )
    return replace(request, **changes)


def a_record(key: str = "key-1", **changes: Any) -> Record:
    identity = HASHER.identify(a_request(), key, scope="")
    return replace(first_claim(identity, now=NOW, lease_seconds=LEASE_SECONDS), **changes)
