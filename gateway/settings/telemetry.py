"""Settings of logs, metrics and traces."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class TelemetrySettings(BaseSettings):
    """The part of the settings that says what operators see."""

    # By itself it is of no use.
    model_config = SettingsConfigDict(defer_build=True)

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info",
        description=(
            "`debug`, `info`, `warning` or `error`. From `warning` on, requests and invites"
            " are not logged."
        ),
    )
    log_format: Literal["json", "text"] = Field(
        "json", description="`json` for programs, `text` for people."
    )
    metrics: bool = Field(True, description="Serves metrics for Prometheus at `/metrics`.")
    traces_url: str | None = Field(
        None,
        pattern=r"^https?://[^/?#@]+[^?#@]*$",
        description=(
            "Where traces go: an OTLP/HTTP receiver, such as"
            " `http://collector:4318/v1/traces`. Needs the extra `otel`."
        ),
    )
    traces_sample_ratio: float = Field(
        1.0, ge=0, le=1, description="The share of traces kept where the caller has not decided."
    )
