"""Requests with an idempotency key, identified by keyed hashes."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

# What json.dumps writes for a string, without the cost of an encoder.
from json.encoder import encode_basestring_ascii as quoted
from typing import TYPE_CHECKING, Final

from gateway.invites.inputs import lowercased

if TYPE_CHECKING:
    from gateway.invites.models import InviteRequest

HASH_BYTES: Final = 32
# Stores do not purge records whose id is a hash with this suffix.
_FOR_GOOD: Final = b"\1"


# Not frozen: see CONTRIBUTING, "The hot path".
@dataclass(slots=True)
class Identity:
    """Keyed hashes of a request; neither name, address nor key can be recovered from them."""

    record_id: bytes
    fingerprint: bytes
    email_hash: bytes
    track_id: int


class Hasher:
    """Keyed hashes (HMAC-SHA-256, 32 bytes) with one secret, separated by domain.

    What is hashed of several values is a JSON array. It must never change: records made by earlier
    versions are found by it.
    """

    def __init__(self, secret: bytes) -> None:
        # Copies are twice as quick as starting with the secret each time.
        self._begun = hmac.new(secret, digestmod="sha256")
        self._of_key = self._domain("key")
        self._of_input = self._domain("input")
        self._of_email = self._domain("email")

    def identify(self, request: InviteRequest, key: str, *, scope: str) -> Identity:
        """The identity of `request` under `key`; keys of different scopes never collide."""
        email = request.candidate_email
        canonical = (
            f"[{quoted(request.candidate_name)}, {quoted(email)}, {request.track_id},"
            f" {quoted(request.invite_format._value_)}]"
        )
        return Identity(
            self.record_id(key, scope=scope),
            _hash(self._of_input, canonical),
            _hash(self._of_email, lowercased(email)),
            request.track_id,
        )

    def identify_person(self, request: InviteRequest, *, account: str) -> Identity:
        """The identity of a person for an account's track and format, whatever the name.

        Its record is never purged.
        """
        email = lowercased(request.candidate_email)
        person = (
            f"[{quoted(account)}, {request.track_id}, {quoted(request.invite_format.value)},"
            f" {quoted(email)}]"
        )
        return Identity(
            record_id=_hash(self._domain("person"), person) + _FOR_GOOD,
            fingerprint=_hash(self._domain("person's input"), person),
            email_hash=self.email(email),
            track_id=request.track_id,
        )

    def record_id(self, key: str, *, scope: str) -> bytes:
        """The id of the record of a caller's key."""
        return _hash(self._of_key, f"[{quoted(scope)}, {quoted(key)}]")

    def email(self, address: str) -> bytes:
        """The hash of an address, the same in upper and lower case."""
        return _hash(self._of_email, lowercased(address))

    def scrambled(self, data: bytes, *, record_id: bytes, email: str) -> bytes:
        """Encrypt or decrypt `data` with the secret and the address; twice gives it back."""
        with_whom = f"[{quoted(record_id.hex())}, {quoted(lowercased(email))}]"
        key = _hash(self._domain("scramble"), with_whom)
        blocks = range(len(data) // HASH_BYTES + 1)
        stream = b"".join(hmac.digest(key, b"%d" % block, "sha256") for block in blocks)
        return bytes(one ^ other for one, other in zip(data, stream, strict=False))

    def check_value(self) -> bytes:
        """A value that identifies the secret without revealing it."""
        return self._domain("check").digest()

    def _domain(self, name: str) -> hmac.HMAC:
        begun = self._begun.copy()
        begun.update(name.encode() + b"\0")
        return begun


def _hash(domain: hmac.HMAC, text: str) -> bytes:
    hashed = domain.copy()
    hashed.update(text.encode("utf-8", "surrogatepass"))
    return hashed.digest()
