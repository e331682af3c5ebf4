"""Who is calling: a bearer token becomes a Caller, or the request is refused.

Refusals, after RFC 6750:

    no bearer token             401 UNAUTHENTICATED
    invalid token               401 UNAUTHENTICATED, error="invalid_token"
    scope missing               403 FORBIDDEN, error="insufficient_scope"
    token cannot be checked     503 SERVICE_UNAVAILABLE
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, assert_never

from gateway.http.errors import ErrorCode, Header, RequestError, request_error
from gateway.http.gates import Admitted
from gateway.http.requests import RequestHead

REALM = "track-invite-gateway"
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_RETRY_AFTER_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling; `name` is the same for all of the caller's tokens.

    `may_read` is False if the token lacks the scope for reading applications.
    """

    name: str
    may_read: bool = True


class Rejection(Enum):
    """Why a token was refused."""

    INVALID = "invalid"
    WITHOUT_SCOPE = "without scope"
    UNDECIDED = "undecided"
    """The token cannot be checked at the moment."""


class Verifier(Protocol):
    """Finds the caller of a token."""

    async def verify(self, token: str) -> Caller | Rejection: ...

    def reread(self) -> None:
        """Check now whether the underlying files have changed."""
        ...

    async def aclose(self) -> None: ...


class BearerGate:
    """Admits callers that `verifier` knows; `scope` is the required one, for the response."""

    def __init__(self, verifier: Verifier, *, scope: str | None = None) -> None:
        self._verifier = verifier
        self._scope = scope

    async def __call__(self, head: RequestHead, /) -> Admitted | RequestError:
        token = bearer_token(head)
        if token is None:
            return _unauthenticated("Send an access token: Authorization: Bearer …", _challenge())
        verified = (
            await self._verifier.verify(token) if _TOKEN.fullmatch(token) else Rejection.INVALID
        )
        return Admitted(verified) if isinstance(verified, Caller) else self._refusal(verified)

    def _refusal(self, rejection: Rejection) -> RequestError:
        match rejection:
            case Rejection.INVALID:
                return _unauthenticated(
                    "The access token is not valid, or no longer.", _challenge("invalid_token")
                )
            case Rejection.WITHOUT_SCOPE:
                return request_error(
                    "The access token does not allow this.",
                    ErrorCode.FORBIDDEN,
                    status=403,
                    headers=(_challenge("insufficient_scope", self._scope),),
                )
            case Rejection.UNDECIDED:
                return request_error(
                    "Access tokens cannot be checked at the moment. Nothing was done.",
                    ErrorCode.SERVICE_UNAVAILABLE,
                    status=503,
                    retry_after_seconds=_RETRY_AFTER_SECONDS,
                )
            case _:
                assert_never(rejection)


def bearer_token(head: RequestHead) -> str | None:
    """Whatever follows `Bearer` in the Authorization header; None if nothing does."""
    scheme, _, token = (head.header(b"authorization") or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _unauthenticated(message: str, challenge: Header) -> RequestError:
    return request_error(message, ErrorCode.UNAUTHENTICATED, status=401, headers=(challenge,))


def _challenge(error: str | None = None, scope: str | None = None) -> Header:
    parts = [f'Bearer realm="{REALM}"']
    parts += [f'error="{error}"'] if error else []
    parts += [f'scope="{scope}"'] if scope else []
    return b"www-authenticate", ", ".join(parts).encode()
