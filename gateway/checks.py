"""Settings tried against the world: files are read, certificates loaded, documents validated."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path
from typing import Final, TypeVar

from pydantic import ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from gateway.access.rate_limits import read_rate_limit_url
from gateway.access.token_file import read_token_file
from gateway.server.tls import certified
from gateway.settings.limits import Limits
from gateway.settings.loading import load_settings
from gateway.settings.model import Settings
from gateway.stores.opening import read_store_secret, read_url_file
from gateway.upstream.api_key import read_key_file
from gateway.upstream.proxy import proxy_for
from gateway.upstream.trust import trusting

T = TypeVar("T")


def _read_jwks(path: Path) -> None:
    from gateway.access.jwks import read_key_file  # noqa: PLC0415 - costs 9 MiB

    read_key_file(path)


def _read_authorities(path: Path) -> None:
    try:
        trusting(path)
    except ssl.SSLError:
        raise ValueError("holds no certificate in PEM") from None


_READERS: Final[Mapping[str, Callable[[Path], object]]] = {
    "upstream_api_key_file": read_key_file,
    "upstream_ca_file": _read_authorities,
    "store_url_file": read_url_file,
    "store_secret_file": read_store_secret,
    "auth_tokens_file": read_token_file,
    "jwt_jwks_file": _read_jwks,
    "rate_limit_url_file": read_rate_limit_url,
}
"""What reads the file of each setting; it raises OSError or ValueError."""


class CheckedSettings(Settings):
    """Settings whose files, certificates, documents and proxies can be used now."""

    model_config = SettingsConfigDict(defer_build=False)

    @field_validator("upstream_url")
    @classmethod
    def _check_proxy_of_upstream(cls, url: str) -> str:
        proxy_for(url)
        return url

    @field_validator("jwt_jwks_url")
    @classmethod
    def _check_proxy_of_provider(cls, url: str | None) -> str | None:
        proxy = None if url is None else proxy_for(url)
        if proxy is not None and proxy.startswith("https:"):
            raise ValueError(
                "the environment's proxy for it must be http://HOST:PORT: with one that speaks TLS"
                " itself, fetch the keys by other means and name them in GATEWAY_JWT_JWKS_FILE"
            )
        return url

    @field_validator("tls_cert")
    @classmethod
    def _load_certificate(cls, cert: Path | None, info: ValidationInfo) -> Path | None:
        if cert is None:
            return None
        try:
            certified(cert, info.data.get("tls_key"))
        except ssl.SSLError:
            raise ValueError(
                "this and GATEWAY_TLS_KEY must be a certificate and its key, unencrypted"
            ) from None
        except OSError as error:
            raise ValueError(f"this or GATEWAY_TLS_KEY cannot be read: {error.strerror}") from None
        return cert

    @field_validator("rate_limit_url", "rate_limit_url_file")
    @classmethod
    def _find_redis(cls, given: T) -> T:
        if given is not None and find_spec("redis") is None:
            raise ValueError("needs the extra: pip install 'track-invite-gateway[valkey]'")
        return given

    @field_validator(*_READERS)
    @classmethod
    def _read_file(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        try:
            if path is not None:
                _READERS[info.field_name or ""](path)
        except OSError as error:
            raise ValueError(f"cannot be read: {error.strerror}") from None
        return path

    @field_validator("traces_url")
    @classmethod
    def _find_opentelemetry(cls, url: str | None) -> str | None:
        if url is not None and find_spec("opentelemetry") is None:
            raise ValueError("needs the extra: pip install 'track-invite-gateway[otel]'")
        return url

    @field_validator("documents")
    @classmethod
    def _validate_documents(cls, paths: tuple[Path, ...], info: ValidationInfo) -> tuple[Path, ...]:
        if paths:
            # The schema takes long to load, and few have trusted documents.
            from gateway.graphql.documents import DocumentReader  # noqa: PLC0415
            from gateway.graphql.persisted import TrustedDocuments, read_manifest  # noqa: PLC0415
            from gateway.graphql.schema import executable_schema  # noqa: PLC0415

            limits = {limit.name for limit in fields(Limits)}
            # A limit that was refused is not in the data; only its own fault is reported.
            if limits <= info.data.keys():
                reader = DocumentReader(
                    executable_schema(federation=info.data.get("federation", False)),
                    Limits(**{name: info.data[name] for name in limits}),
                    introspection=info.data.get("introspection", False),
                )
                TrustedDocuments(reader.read, paths)
            else:
                any(map(read_manifest, paths))
        return paths


def checked_settings(**given: object) -> CheckedSettings:
    """The settings from the environment and `.env`, tried. Raises SettingsError."""
    return load_settings(CheckedSettings, **given)
