"""JSON Web Tokens of an identity provider, as access tokens (RFC 7519, RFC 9068)."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from gateway.access.bearer import Caller, Rejection
from gateway.access.jwks import KeyRing, KeySource

REMEMBER_SECONDS = 60.0
_REMEMBERED = 10_000
_LONGEST_NAME = 255
# `scp` and `roles` are what some providers write instead of RFC 8693's `scope`.
_SCOPE_CLAIMS = ("scope", "scp", "roles")
# What the library raises, and what its own JSON and number reading may.
_FAULTS = (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What a token must say; `caller_claim` is the one that names the caller.

    Without `read_scope`, if there is one, a caller may not read applications.
    """

    issuer: str
    audience: str
    algorithms: tuple[str, ...]
    scope: str | None = None
    read_scope: str | None = None
    caller_claim: str = "sub"
    leeway_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class _Verified:
    """A token that was found good, under the keys that were known then."""

    caller: Caller
    kid: str | None
    ring: KeyRing
    until: float


class JwtVerifier:
    """Knows a token's caller by the provider's signature.

    A token that was found good is remembered by its hash, for a minute, and no longer than it
    or the keys are good.
    """

    def __init__(
        self, keys: KeySource, rules: TokenRules, *, now: Callable[[], float] = time.time
    ) -> None:
        self._keys = keys
        self._rules = rules
        self._now = now
        self._verified: dict[bytes, _Verified] = {}
        self._decoder = jwt.PyJWT(
            options={
                "require": ["exp", "iss", "aud", rules.caller_claim],
                "enforce_minimum_key_length": True,
            }
        )

    async def verify(self, token: str) -> Caller | Rejection:
        digest = hashlib.sha256(token.encode()).digest()
        known = self._verified.get(digest)
        if known is not None:
            if self._now() < known.until and await self._keys.ring(known.kid) is known.ring:
                return known.caller
            self._verified.pop(digest, None)
        verified = await self._verify(token)
        if isinstance(verified, Rejection):
            return verified
        self._remember(digest, verified)
        return verified.caller

    def reread(self) -> None:
        self._keys.reread()

    async def aclose(self) -> None:
        await self._keys.aclose()

    async def _verify(self, token: str) -> _Verified | Rejection:
        try:
            header = jwt.get_unverified_header(token)
        except _FAULTS:
            return Rejection.INVALID
        kid, algorithm = header.get("kid"), header.get("alg")
        if algorithm not in self._rules.algorithms:
            return Rejection.INVALID
        ring = await self._keys.ring(kid)
        if ring is None:
            return Rejection.UNDECIDED
        claims = self._claims(token, ring.keys(kid, algorithm))
        if claims is None:
            return Rejection.INVALID
        return self._caller(claims, kid, ring)

    def _claims(self, token: str, keys: tuple[jwt.PyJWK, ...]) -> dict[str, Any] | None:
        for key in keys:
            try:
                return self._decoder.decode(
                    token,
                    key,
                    algorithms=[key.algorithm_name],
                    issuer=self._rules.issuer,
                    audience=self._rules.audience,
                    leeway=self._rules.leeway_seconds,
                )
            except jwt.InvalidSignatureError:
                continue
            except _FAULTS:
                return None
        return None

    def _caller(
        self, claims: Mapping[str, Any], kid: str | None, ring: KeyRing
    ) -> _Verified | Rejection:
        name = claims[self._rules.caller_claim]
        if not (isinstance(name, str) and name.isprintable() and 0 < len(name) <= _LONGEST_NAME):
            return Rejection.INVALID
        scopes, rules = {None, *_scopes(claims)}, self._rules
        if rules.scope not in scopes:
            return Rejection.WITHOUT_SCOPE
        # The library has read it in this way too; as a float it could be too large.
        until = min(self._now() + REMEMBER_SECONDS, int(claims["exp"]))
        return _Verified(Caller(name, rules.read_scope in scopes), kid, ring, until)

    def _remember(self, digest: bytes, verified: _Verified) -> None:
        if len(self._verified) >= _REMEMBERED:
            self._verified.pop(next(iter(self._verified)))
        self._verified[digest] = verified


def _scopes(claims: Mapping[str, Any]) -> set[str]:
    scopes: set[str] = set()
    for name in _SCOPE_CLAIMS:
        match claims.get(name):
            case str() as text:
                scopes.update(text.split())
            case list() as listed:
                scopes.update(scope for scope in listed if isinstance(scope, str))
    return scopes
