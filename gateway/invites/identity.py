"""Requests with an idempotency key, identified by keyed hashes."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.invites.inputs import lowercased

if TYPE_CHECKING:
    from gateway.invites.models import InviteRequest

HASH_BYTES: Final = 32
# Stores do not purge records whose id is a hash with this suffix.
_FOR_GOOD: Final = b"\1"


@dataclass(frozen=True, slots=True)
class Identity:
    """Keyed hashes of a request; neither name, address nor key can be recovered from them."""

    record_id: bytes
    fingerprint: bytes
    email_hash: bytes
    track_id: int


class Hasher:
    """Keyed hashes (HMAC-SHA-256, 32 bytes) with one secret, separated by domain."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def identify(self, request: InviteRequest, key: str, *, scope: str) -> Identity:
        """The identity of `request` under `key`; keys of different scopes never collide."""
        canonical = [
            request.candidate_name,
            request.candidate_email,
            request.track_id,
            request.invite_format.value,
        ]
        return Identity(
            record_id=self.record_id(key, scope=scope),
            fingerprint=self._hash("input", json.dumps(canonical)),
            email_hash=self.email(request.candidate_email),
            track_id=request.track_id,
        )

    def identify_person(self, request: InviteRequest, *, account: str) -> Identity:
        """The identity of a person for an account's track and format, whatever the name.

        Its record is never purged.
        """
        person = json.dumps(
            [
                account,
                request.track_id,
                request.invite_format.value,
                lowercased(request.candidate_email),
            ]
        )
        return Identity(
            record_id=self._hash("person", person) + _FOR_GOOD,
            fingerprint=self._hash("person's input", person),
            email_hash=self.email(request.candidate_email),
            track_id=request.track_id,
        )

    def record_id(self, key: str, *, scope: str) -> bytes:
        """The id of the record of a caller's key."""
        return self._hash("key", json.dumps([scope, key]))

    def email(self, address: str) -> bytes:
        """The hash of an address, the same in upper and lower case."""
        return self._hash("email", lowercased(address))

    def scrambled(self, data: bytes, *, record_id: bytes, email: str) -> bytes:
        """Encrypt or decrypt `data` with the secret and the address; twice gives it back."""
        key = self._hash("scramble", json.dumps([record_id.hex(), lowercased(email)]))
        blocks = range(len(data) // HASH_BYTES + 1)
        stream = b"".join(hmac.digest(key, b"%d" % block, hashlib.sha256) for block in blocks)
        return bytes(one ^ other for one, other in zip(data, stream, strict=False))

    def check_value(self) -> bytes:
        """A value that identifies the secret without revealing it."""
        return self._hash("check", "")

    def _hash(self, kind: str, text: str) -> bytes:
        message = kind.encode() + b"\0" + text.encode("utf-8", "surrogatepass")
        return hmac.digest(self._secret, message, hashlib.sha256)
