"""JSON Web Tokens of an identity provider, as access tokens (RFC 7519, RFC 9068)."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from gateway.access.bearer import Caller, Rejection
from gateway.access.jwks import KeyRing, KeySource

LOGGER = logging.getLogger("gateway.auth")
REMEMBER_SECONDS = 60.0
_REMEMBERED = 10_000
_LONGEST_NAME = 255
# Some providers use `scp` or `roles` instead of RFC 8693's `scope`.
_SCOPE_CLAIMS = ("scope", "scp", "roles")
# Reported once the signature is valid, except for unreadable tokens.
_REASONS: Mapping[type[Exception], str] = {
    jwt.ExpiredSignatureError: "it has expired",
    jwt.ImmatureSignatureError: "it is not valid yet",
    jwt.InvalidIssuerError: "its iss is not GATEWAY_JWT_ISSUER",
    jwt.InvalidAudienceError: "its aud is not GATEWAY_JWT_AUDIENCE",
}
# What the library raises, and what its parsing of JSON and numbers may.
_FAULTS = (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What a token must contain; `caller_claim` names the caller.

    If `read_scope` is set, only tokens with it may read applications. `scope_claim` is the name
    of the claim with the scopes, or a dotted path to it; without it, the usual claims are read.
    """

    issuer: str
    audience: str
    algorithms: tuple[str, ...]
    scope: str | None = None
    read_scope: str | None = None
    caller_claim: str = "sub"
    scope_claim: str | None = None
    audience_claim: str = "aud"
    leeway_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class _Verified:
    """A token that was valid, with the keys known then."""

    caller: Caller
    kid: str | None
    ring: KeyRing
    until: float


class JwtVerifier:
    """Verifies tokens signed by the provider, and names their caller.

    A valid token is cached by its hash for a minute, and no longer than it or the keys are
    valid.
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
                "require": ["exp", "iss", rules.audience_claim, rules.caller_claim],
                "verify_aud": rules.audience_claim == "aud",
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
            return await self._checked(token)
        except _RefusedError as error:
            LOGGER.info("an access token was refused: %s", error)
            return error.rejection

    async def _checked(self, token: str) -> _Verified:
        try:
            header = jwt.get_unverified_header(token)
        except _FAULTS:
            raise _RefusedError("it is not a JSON Web Token that can be read") from None
        kid, algorithm = header.get("kid"), header.get("alg")
        if algorithm not in self._rules.algorithms:
            raise _RefusedError("its algorithm is none of GATEWAY_JWT_ALGORITHMS")
        ring = await self._keys.ring(kid)
        if ring is None:
            raise _RefusedError("the provider's keys are not available", Rejection.UNDECIDED)
        claims = self._claims(token, ring.keys(kid, algorithm))
        return self._caller(claims, kid, ring)

    def _claims(self, token: str, keys: tuple[jwt.PyJWK, ...]) -> dict[str, Any]:
        for key in keys:
            try:
                claims = self._decoder.decode(
                    token,
                    key,
                    algorithms=[key.algorithm_name],
                    issuer=self._rules.issuer,
                    audience=self._rules.audience if self._rules.audience_claim == "aud" else None,
                    leeway=self._rules.leeway_seconds,
                )
            except jwt.InvalidSignatureError:
                continue
            except jwt.MissingRequiredClaimError as error:
                raise _RefusedError(f"it has no {error.claim}") from None
            except _FAULTS as error:
                reason = _REASONS.get(type(error), "it cannot be read")
                raise _RefusedError(reason) from None
            self._check_audience(claims)
            return claims
        raise _RefusedError("no key of the provider's has signed it")

    def _check_audience(self, claims: Mapping[str, Any]) -> None:
        named = claims[self._rules.audience_claim]
        if self._rules.audience not in (named if isinstance(named, list) else [named]):
            claim = self._rules.audience_claim
            raise _RefusedError(f"its {claim} is not GATEWAY_JWT_AUDIENCE")

    def _caller(self, claims: Mapping[str, Any], kid: str | None, ring: KeyRing) -> _Verified:
        rules = self._rules
        name = claims[rules.caller_claim]
        if not (isinstance(name, str) and name.isprintable() and 0 < len(name) <= _LONGEST_NAME):
            raise _RefusedError(f"its {rules.caller_claim} cannot be a caller's name")
        scopes = {None, *_scopes(claims, rules.scope_claim)}
        if rules.scope not in scopes:
            raise _RefusedError("it lacks the scope", Rejection.WITHOUT_SCOPE)
        # The library reads it as an int too; as a float it could be too large.
        until = min(self._now() + REMEMBER_SECONDS, int(claims["exp"]))
        return _Verified(Caller(name, rules.read_scope in scopes), kid, ring, until)

    def _remember(self, digest: bytes, verified: _Verified) -> None:
        if len(self._verified) >= _REMEMBERED:
            self._verified.pop(next(iter(self._verified)))
        self._verified[digest] = verified


class _RefusedError(Exception):
    """An invalid token; the message is for the log and does not quote the token."""

    def __init__(self, reason: str, rejection: Rejection = Rejection.INVALID) -> None:
        super().__init__(reason)
        self.rejection = rejection


def _scopes(claims: Mapping[str, Any], path: str | None) -> set[str]:
    held = [claims.get(name) for name in _SCOPE_CLAIMS] if path is None else [_at(claims, path)]
    scopes: set[str] = set()
    for value in held:
        match value:
            case str() as text:
                scopes.update(text.split())
            case list() as listed:
                scopes.update(scope for scope in listed if isinstance(scope, str))
    return scopes


def _at(claims: Mapping[str, Any], path: str) -> object:
    """The claim of that name, which may contain dots, or else at that dotted path."""
    if path in claims:
        return claims[path]
    place: object = claims
    for name in path.split("."):
        place = place.get(name) if isinstance(place, dict) else None
    return place
