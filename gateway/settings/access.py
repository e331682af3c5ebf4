"""The settings on who may call, how often, and over which connections."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from gateway.settings.counts_url import check_counts_url

ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
"""All of them asymmetric: whoever can check a token cannot make one."""
HEADER_NAME = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"
_SCOPE = r"^[!#-\[\]-~]+$"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
# As browsers write it: https://html.spec.whatwg.org/#ascii-serialisation-of-an-origin. The host is
# a domain in lower case only with http and https; with other schemes, as of apps and browser
# extensions, it is any text.
_ORIGIN = re.compile(
    r"(?P<scheme>https?)://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"|(?!https?:|file:)[a-z][a-z0-9+.-]*://[A-Za-z0-9._~!$&'()+;=%-]+(?::[1-9][0-9]{0,4})?"
)
_OWN_PORTS = {"http": "80", "https": "443"}
_NAMES = Annotated[tuple[str, ...], NoDecode]
T = TypeVar("T")
_REQUIRED = frozenset({"auth_tokens_file", "jwt_issuer", "jwt_audience"})
"""For the kind of authentication that they belong to."""


class AccessSettings(BaseSettings):
    """The settings on access.

    A field is validated together with those before it. A field that failed is not in the data;
    then only its own fault is reported.
    """

    # Only used as a base class, so its validators are built with the subclass.
    model_config = SettingsConfigDict(defer_build=True)

    auth: Literal["none", "tokens", "jwt"] = Field(
        description=(
            "Who may call: `none`, anybody; `tokens`, programs with a token of the gateway's own;"
            " `jwt`, tokens of your identity provider."
        )
    )
    upstream_api_key_mode: Literal["own", "forward"] = Field(
        "own",
        description=(
            "Whose key for the platform is used: the gateway's `own`, or the one that each caller"
            " brings (`forward`)."
        ),
    )
    forwarded_api_key_header: str = Field(
        "X-Upstream-Api-Key",
        pattern=HEADER_NAME,
        description="The header in which a caller brings its key, for `forward`.",
    )
    auth_tokens_file: Path | None = Field(
        None, description="For `tokens`: the callers' names and the hashes of their tokens."
    )
    jwt_jwks_file: Path | None = Field(
        None, description="A file with the provider's keys; it is read again when it changes."
    )
    jwt_jwks_url: str | None = Field(
        None, description="Where the identity provider publishes its keys instead, for `jwt`."
    )
    jwt_issuer: str | None = Field(None, description="The `iss` that a token must have.")
    jwt_audience: str | None = Field(None, description="The `aud` that a token must have.")
    jwt_audience_claim: str = Field(
        "aud",
        min_length=1,
        description="Another claim that must have that value instead: `client_id`, `azp`.",
    )
    jwt_scope: str | None = Field(
        None,
        pattern=_SCOPE,
        description="The scope that a token must have; any will do without this.",
    )
    jwt_scope_claim: str | None = Field(
        None,
        min_length=1,
        description=(
            "The claim that holds scopes, or the path to it: `permissions`, `realm_access.roles`."
            " Without this they are looked for in `scope`, `scp` and `roles`."
        ),
    )
    jwt_read_scope: str | None = Field(
        None,
        pattern=_SCOPE,
        description="The scope that reading applications needs besides; none without this.",
    )
    jwt_algorithms: _NAMES = Field(
        ("RS256", "PS256", "ES256", "ES384", "EdDSA"),
        description="The signature algorithms that are accepted, asymmetric ones alone.",
    )
    jwt_caller_claim: str = Field(
        "sub", min_length=1, description="The claim that names the caller."
    )
    jwt_leeway_seconds: float = Field(
        30.0,
        ge=0,
        le=300,
        description="How far the provider's clock and this one may differ.",
    )

    cors_origins: _NAMES = Field(
        (), description="Exact origins, separated by commas, whose pages may call the gateway."
    )
    cors_credentials: bool = Field(
        False,
        description="Lets those pages send cookies along, as a login proxy in front needs them.",
    )
    tls_key: Path | None = Field(
        None, description="The certificate's private key, unless that is in the same file."
    )
    tls_cert: Path | None = Field(
        None, description="The certificate to serve with, and its chain, in PEM; http without."
    )
    trusted_proxies: _NAMES = Field(
        (),
        description=(
            "Addresses or networks, separated by commas, whose `X-Forwarded-For` is believed;"
            " `unix` is whoever calls through a Unix socket."
        ),
    )
    upstream_ca_file: Path | None = Field(
        None, description="Authorities to trust for the platform besides the system's, in PEM."
    )

    rate_limit_url: SecretStr | None = Field(
        None,
        description=(
            "A Valkey or Redis server that counts for all workers and replicas together:"
            " `valkey://HOST:6379`, `valkeys://` with TLS. Each process counts alone without it."
        ),
    )
    rate_limit_url_file: Path | None = Field(
        None, description="A file with that URL, read again when it changes."
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

    @property
    def forwards_keys(self) -> bool:
        """Whether each caller brings its own key for the platform."""
        return self.upstream_api_key_mode == "forward"

    @field_validator("jwt_jwks_url")
    @classmethod
    def _check_jwks_url(cls, url: str | None, info: ValidationInfo) -> str | None:
        file = info.data.get("jwt_jwks_file", ...)
        if info.data.get("auth") == "jwt" and file is not ... and (url is None) == (file is None):
            raise ValueError("either this or GATEWAY_JWT_JWKS_FILE is required, and not both")
        if url is None:
            return None
        parts = urlsplit(url)
        # An attacker who can change the keys in transit can call in any name.
        if not parts.hostname or not (
            parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        ):
            raise ValueError("must be an https URL, or http on this machine")
        if parts.username is not None:
            raise ValueError("must have no user name")
        return url

    @field_validator(
        "auth_tokens_file",
        "jwt_jwks_file",
        "jwt_jwks_url",
        "jwt_issuer",
        "jwt_audience",
        "jwt_scope",
        "jwt_read_scope",
    )
    @classmethod
    def _check_auth(cls, value: T, info: ValidationInfo) -> T:
        auth, name = info.data.get("auth"), info.field_name
        kind = "tokens" if name == "auth_tokens_file" else "jwt"
        if value is None and auth == kind and name in _REQUIRED:
            raise ValueError(f"is required if GATEWAY_AUTH is {auth}")
        if value is not None and auth not in (None, kind):
            raise ValueError(f"is of no use if GATEWAY_AUTH is {auth}")
        return value

    @field_validator("tls_cert")
    @classmethod
    def _check_tls(cls, cert: Path | None, info: ValidationInfo) -> Path | None:
        if cert is None and info.data.get("tls_key") is not None:
            raise ValueError("is required if GATEWAY_TLS_KEY is set")
        return cert

    @field_validator("rate_limit_url")
    @classmethod
    def _check_rate_limit_url(cls, url: SecretStr | None) -> SecretStr | None:
        return None if url is None else SecretStr(check_counts_url(url.get_secret_value()))

    @field_validator("trusted_proxies")
    @classmethod
    def _check_proxies(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            try:
                if name != "unix":
                    ipaddress.ip_network(name)
            except ValueError:
                raise ValueError(
                    "each must be an address, a network such as 10.0.0.0/8, or unix"
                ) from None
        return names

    @field_validator("jwt_algorithms", "trusted_proxies", "cors_origins", mode="before")
    @classmethod
    def _split(cls, names: object) -> object:
        return split(names)

    @field_validator("cors_origins")
    @classmethod
    def _check_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        if not all(map(_is_origin, origins)):
            raise ValueError(
                "each must be an exact origin as browsers send it, such as https://app.example.com"
                " or capacitor://localhost: without a path, a wildcard or the scheme's own port"
            )
        return origins

    @field_validator("cors_credentials")
    @classmethod
    def _check_credentials(cls, allowed: bool, info: ValidationInfo) -> bool:  # noqa: FBT001 - pydantic's
        # Origins that failed are not in the data; their own fault is reported already.
        if allowed and not info.data.get("cors_origins", ...):
            raise ValueError("needs GATEWAY_CORS_ORIGINS, or no page could send any")
        return allowed

    @field_validator("jwt_algorithms")
    @classmethod
    def _check_algorithms(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not names or not ALGORITHMS.issuperset(names):
            raise ValueError(f"must be some of {', '.join(sorted(ALGORITHMS))}")
        return names


def is_loopback(host: str) -> bool:
    """Whether only this machine can connect to that host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.startswith("unix:")


def open_to_all(auth: str, host: str) -> str | None:
    """A warning if anybody who can reach this machine may call."""
    if auth != "none" or is_loopback(host):
        return None
    return (
        "GATEWAY_AUTH is none and the gateway listens beyond this machine: whoever can reach it can"
        " invite candidates in your name."
    )


def _is_origin(text: str) -> bool:
    found = _ORIGIN.fullmatch(text)
    return found is not None and (
        found["scheme"] is None or found["port"] != _OWN_PORTS[found["scheme"]]
    )


def split(names: object) -> object:
    """A text split at commas; other values unchanged."""
    if not isinstance(names, str):
        return names
    return tuple(name.strip() for name in names.split(",") if name.strip())
