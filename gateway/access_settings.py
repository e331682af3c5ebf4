"""The settings on who may call, how often, and over what."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode

from gateway.api_tokens import read_token_file
from gateway.certificates import certified
from gateway.upstream.proxy import proxy_for
from gateway.upstream.trust import trusting

ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
"""All of them asymmetric: whoever can check a token cannot make one."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_NAMES = Annotated[tuple[str, ...], NoDecode]
_JWT_ONLY = ("jwt_jwks_url", "jwt_jwks_file", "jwt_issuer", "jwt_audience", "jwt_scope")


class AccessSettings(BaseSettings):
    """The part of the settings that decides on a caller."""

    upstream_api_key_mode: Literal["own", "forward"] = Field(
        "own",
        description="The key for the platform: the gateway's `own`, or `forward` the caller's.",
    )
    forwarded_api_key_header: str = Field(
        "X-Upstream-Api-Key",
        pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$",
        description="The header in which a caller brings its key, for `forward`.",
    )
    auth_tokens_file: Path | None = Field(
        None, description="The callers' names and the hashes of their tokens, for `tokens`."
    )
    jwt_jwks_url: str | None = Field(
        None, description="Where the identity provider publishes its keys, for `jwt`."
    )
    jwt_jwks_file: Path | None = Field(
        None, description="A file with those keys instead; it is read again when it changes."
    )
    jwt_issuer: str | None = Field(None, description="The `iss` that a token must have.")
    jwt_audience: str | None = Field(None, description="The `aud` that a token must have.")
    jwt_scope: str | None = Field(
        None,
        pattern=r"^[!#-\[\]-~]+$",
        description="The scope that a token must have; any will do without this.",
    )
    jwt_algorithms: _NAMES = Field(
        ("RS256", "PS256", "ES256", "ES384", "EdDSA"),
        description="The signature algorithms that are accepted, asymmetric ones alone.",
    )
    jwt_caller_claim: str = Field(
        "sub", min_length=1, description="The claim that names the caller."
    )
    jwt_leeway_seconds: float = Field(
        30.0, ge=0, le=300, allow_inf_nan=False, description="How far the clocks may differ."
    )

    tls_cert: Path | None = Field(
        None, description="The certificate to serve with, and its chain, in PEM; http without."
    )
    tls_key: Path | None = Field(
        None, description="Its private key, unless that is in the same file."
    )
    trusted_proxies: _NAMES = Field(
        (),
        description="Addresses or networks whose X-Forwarded-For and -Proto are believed.",
    )
    upstream_ca_file: Path | None = Field(
        None, description="Authorities to trust besides the system's, in PEM."
    )

    requests_per_minute: int | None = Field(
        None, ge=1, description="The requests of each caller that are answered; no limit without."
    )
    invites_per_minute: int | None = Field(
        None, ge=1, description="The invites of each caller that are sent; no limit without."
    )
    upstream_calls_per_minute: int | None = Field(
        None, ge=1, description="The invites of all callers that are sent; no limit without."
    )

    @field_validator("auth_tokens_file")
    @classmethod
    def _check_tokens_file(cls, path: Path | None) -> Path | None:
        return _checked(path, read_token_file)

    @field_validator("jwt_jwks_file")
    @classmethod
    def _check_jwks_file(cls, path: Path | None) -> Path | None:
        if path is None:
            return None
        from gateway.jwks import read_key_file  # noqa: PLC0415 - costs 9 MiB where there are none

        return _checked(path, read_key_file)

    @field_validator("jwt_jwks_url")
    @classmethod
    def _check_jwks_url(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        # Who can change the keys on their way can call in anybody's name.
        if not parts.hostname or not (
            parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        ):
            raise ValueError("must be an https URL, or http on this machine")
        if parts.username is not None:
            raise ValueError("must have no user name")
        proxy_for(url)
        return url

    @field_validator("upstream_ca_file")
    @classmethod
    def _check_ca_file(cls, path: Path | None) -> Path | None:
        return _checked(path, _read_authorities)

    @field_validator("trusted_proxies")
    @classmethod
    def _check_proxies(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            try:
                ipaddress.ip_network(name)
            except ValueError:
                raise ValueError(
                    "each must be an address or a network such as 10.0.0.0/8"
                ) from None
        return names

    @field_validator("jwt_algorithms", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, names: object) -> object:
        return split(names)

    @field_validator("jwt_algorithms")
    @classmethod
    def _check_algorithms(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not names or not ALGORITHMS.issuperset(names):
            raise ValueError(f"must be some of {', '.join(sorted(ALGORITHMS))}")
        return names


def is_loopback(host: str) -> bool:
    """Nobody beyond this machine can reach what listens there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def access_faults(settings: AccessSettings, auth: str) -> Iterator[str]:
    """What is missing for this kind of authentication, and what belongs to another."""
    if auth == "tokens":
        if settings.auth_tokens_file is None:
            yield "AUTH_TOKENS_FILE: is required if GATEWAY_AUTH is tokens"
    elif settings.auth_tokens_file is not None:
        yield f"AUTH_TOKENS_FILE: is of no use if GATEWAY_AUTH is {auth}"
    yield from _tls_faults(settings)
    if auth == "jwt":
        yield from _jwt_faults(settings)
        return
    for name in _JWT_ONLY:
        if getattr(settings, name) is not None:
            yield f"{name.upper()}: is of no use if GATEWAY_AUTH is {auth}"


def _read_authorities(path: Path) -> None:
    try:
        trusting(path)
    except ssl.SSLError:
        raise ValueError("holds no certificate in PEM") from None


def _checked(path: Path | None, read: Callable[[Path], object]) -> Path | None:
    try:
        if path is not None:
            read(path)
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    return path


def split(names: object) -> object:
    """The words between commas, if this is text."""
    if not isinstance(names, str):
        return names
    return tuple(name.strip() for name in names.split(",") if name.strip())


def _tls_faults(settings: AccessSettings) -> Iterator[str]:
    if settings.tls_cert is None:
        if settings.tls_key is not None:
            yield "TLS_KEY: is of no use without GATEWAY_TLS_CERT"
        return
    try:
        certified(settings.tls_cert, settings.tls_key)
    except ssl.SSLError:
        yield "TLS_CERT: this and GATEWAY_TLS_KEY must be a certificate and its key, unencrypted"
    except OSError as error:
        yield f"TLS_CERT: this or GATEWAY_TLS_KEY cannot be read: {error.strerror}"


def _jwt_faults(settings: AccessSettings) -> Iterator[str]:
    if (settings.jwt_jwks_url is None) == (settings.jwt_jwks_file is None):
        yield "JWT_JWKS_URL: either this or GATEWAY_JWT_JWKS_FILE is required, and not both"
    for name in ("jwt_issuer", "jwt_audience"):
        if getattr(settings, name) is None:
            yield f"{name.upper()}: is required if GATEWAY_AUTH is jwt"
