"""An environment without settings but those that a test makes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.settings.loading import SettingsError, load_settings
from gateway.settings.model import Settings

SECRET = "very-secret-key"
PROVIDER = {
    "JWT_JWKS_URL": "https://id.example.com/keys",
    "JWT_ISSUER": "https://id.example.com/",
    "JWT_AUDIENCE": "invites",
}
"""What an identity provider needs."""


def plain_environment(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Callable[..., None]:
    """Sets `GATEWAY_*` variables; no variable or `.env` file of the machine is left."""
    monkeypatch.chdir(folder)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"GATEWAY_{name.upper()}", raising=False)

    def put(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(f"GATEWAY_{name}", value)

    return put


def faults(**given: object) -> tuple[str, ...]:
    """What is wrong with the settings, which must not be right."""
    with pytest.raises(SettingsError) as caught:
        load_settings(Settings, **given)
    return caught.value.faults
