"""The access gates, made from the settings."""

from __future__ import annotations

from functools import partial

from gateway.access.bearer import BearerGate, Verifier
from gateway.access.forwarded_key import ForwardedKeyGate
from gateway.access.rate_limits import RateLimits, RequestRateGate
from gateway.access.token_file import TokenVerifier
from gateway.http.gates import Gate
from gateway.settings.model import Settings


class Access:
    """The gates that check the caller, and their resources."""

    def __init__(self, settings: Settings, rate_limits: RateLimits) -> None:
        """Raises OSError or ValueError if a file named by the settings is now unusable."""
        self._verifier = _verifier(settings)
        self.gates = tuple(self._gates(settings, rate_limits))

    def reread(self) -> None:
        """Check now for new tokens and keys."""
        if self._verifier is not None:
            self._verifier.reread()

    async def aclose(self) -> None:
        if self._verifier is not None:
            await self._verifier.aclose()

    def _gates(self, settings: Settings, rate_limits: RateLimits) -> list[Gate]:
        gates: list[Gate] = []
        if self._verifier is not None:
            gates.append(BearerGate(self._verifier, scope=settings.jwt_scope))
        if settings.forwards_keys:
            gates.append(ForwardedKeyGate(settings.forwarded_api_key_header))
        if settings.requests_per_minute is not None:
            limit = rate_limits.limit("requests", settings.requests_per_minute)
            gates.append(RequestRateGate(limit))
        return gates


def _verifier(settings: Settings) -> Verifier | None:
    if settings.auth == "tokens" and settings.auth_tokens_file is not None:
        return TokenVerifier(settings.auth_tokens_file)
    return _jwt_verifier(settings) if settings.auth == "jwt" else None


def _jwt_verifier(settings: Settings) -> Verifier:
    # These import a cryptography library, which takes 9 MiB in every worker.
    from gateway.access.jwks import JwksFile, JwksUrl, fetch_keys  # noqa: PLC0415 - see above
    from gateway.access.jwt_tokens import JwtVerifier, TokenRules  # noqa: PLC0415 - see above

    rules = TokenRules(
        issuer=settings.jwt_issuer or "",
        audience=settings.jwt_audience or "",
        algorithms=settings.jwt_algorithms,
        scope=settings.jwt_scope,
        read_scope=settings.jwt_read_scope,
        caller_claim=settings.jwt_caller_claim,
        scope_claim=settings.jwt_scope_claim,
        audience_claim=settings.jwt_audience_claim,
        leeway_seconds=settings.jwt_leeway_seconds,
    )
    if settings.jwt_jwks_file is not None:
        return JwtVerifier(JwksFile(settings.jwt_jwks_file), rules)
    return JwtVerifier(JwksUrl(partial(fetch_keys, settings.jwt_jwks_url or "")), rules)
