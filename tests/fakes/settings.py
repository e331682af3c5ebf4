"""Settings of a gateway that anybody may call, given in code."""

from __future__ import annotations

from pydantic import SecretStr

from gateway.settings.model import CodedSettings, Settings


def settings(**given: object) -> Settings:
    options = {"auth": "none", "upstream_api_key": SecretStr("key"), **given}
    return CodedSettings(**options)  # type: ignore[arg-type]
