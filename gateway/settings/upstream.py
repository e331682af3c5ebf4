"""The settings on the platform and on calls to it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from gateway.settings.access import HEADER_NAME
from gateway.settings.api_key import check_key

_HOST = re.compile(r"[A-Za-z0-9._:-]+")
_PATH = re.compile(r"\S*")


class UpstreamSettings(BaseSettings):
    """The settings on the platform."""

    # Only used as a base class.
    model_config = SettingsConfigDict(defer_build=True)

    upstream_url: str = Field(
        "https://app.xobin.com/api/v2",
        description="Base URL of the recruiting platform; `/tracks/invite` is appended.",
    )
    upstream_api_key: SecretStr | None = Field(
        None, description="The recruiting platform's API key. This or the file is required."
    )
    upstream_api_key_file: Path | None = Field(
        None, description="A file with that key, read again when it changes and after a 401."
    )
    upstream_api_key_header: str = Field(
        "apiKey", pattern=HEADER_NAME, description="The header that carries the key."
    )
    upstream_timeout_seconds: float = Field(
        10.0, gt=0, le=300, description="The whole time for one call."
    )
    upstream_concurrency: int = Field(
        256, ge=1, le=10_000, description="The most calls in flight at a time."
    )
    upstream_client: Literal["direct", "httpx2"] = Field(
        "direct",
        description=(
            "Who makes the calls: `direct`, connections of the gateway's own, or `httpx2`,"
            " which always does behind a proxy."
        ),
    )

    @field_validator("upstream_url")
    @classmethod
    def _check_upstream_url(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not _is_host(parts.hostname):
            raise ValueError("must be an http:// or https:// URL")
        if parts.username is not None or parts.query or parts.fragment:
            raise ValueError("must have no user name, query or fragment")
        if parts.port == 0 or not _PATH.fullmatch(parts.path):
            raise ValueError("must have a port from 1 to 65535 and no space in its path")
        return url.rstrip("/")

    @field_validator("upstream_api_key")
    @classmethod
    def _check_api_key(cls, key: SecretStr | None) -> SecretStr | None:
        return None if key is None else SecretStr(check_key(key.get_secret_value()))

    @field_validator("upstream_api_key_file")
    @classmethod
    def _check_api_key_file(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        # A key that failed is not in the data; its own fault is reported already.
        key = info.data.get("upstream_api_key", ...)
        has_key = isinstance(key, SecretStr)
        if info.data.get("upstream_api_key_mode") == "forward":
            if path is not None or has_key:
                raise ValueError("a key is of no use where callers bring theirs")
        elif path is not None and has_key:
            raise ValueError("set either this or GATEWAY_UPSTREAM_API_KEY, not both")
        elif path is None and key is None:
            raise ValueError("this or GATEWAY_UPSTREAM_API_KEY is required")
        return path


def _is_host(name: str | None) -> bool:
    """Whether it has the form of a host name or address."""
    try:
        return bool(name) and bool(_HOST.fullmatch((name or "").encode("idna").decode()))
    except UnicodeError:
        return False
