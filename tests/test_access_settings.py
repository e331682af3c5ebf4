"""Settings on access are checked before anything is served, and do not contradict each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.api_tokens import token_line
from gateway.settings import Settings, SettingsError, load_settings
from tests.identity import key_set, signing_key

KEYS = {
    "JWT_JWKS_URL": "https://id.example.com/keys",
    "JWT_ISSUER": "https://id.example.com/",
    "JWT_AUDIENCE": "invites",
}


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch, tmp_path):
    """No variable or file of the machine reaches these tests."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"GATEWAY_{name.upper()}", raising=False)
    monkeypatch.setenv("GATEWAY_UPSTREAM_API_KEY", "key")


@pytest.fixture
def faults(monkeypatch):
    """The faults of an environment with these variables."""

    def load(**variables: str) -> tuple[str, ...]:
        for name, value in variables.items():
            monkeypatch.setenv(f"GATEWAY_{name}", value)
        try:
            load_settings()
        except SettingsError as error:
            return error.faults
        return ()

    return load


def test_tokens_need_a_file(faults):
    """Without the file nobody could call."""
    assert faults(AUTH="tokens") == (
        "GATEWAY_AUTH_TOKENS_FILE: is required if GATEWAY_AUTH is tokens",
    )


def test_jwt_names_all_that_it_needs(faults):
    """Nobody has to start the gateway once per setting."""
    assert faults(AUTH="jwt") == (
        "GATEWAY_JWT_JWKS_URL: either this or GATEWAY_JWT_JWKS_FILE is required, and not both",
        "GATEWAY_JWT_ISSUER: is required if GATEWAY_AUTH is jwt",
        "GATEWAY_JWT_AUDIENCE: is required if GATEWAY_AUTH is jwt",
    )


@pytest.mark.parametrize("auth", ["none", "tokens"])
def test_settings_of_another_kind_are_named(faults, auth):
    """Who sets an issuer and asks for no token believes in a lock that is not there."""
    named = faults(AUTH=auth, JWT_ISSUER="https://id.example.com/")

    assert f"GATEWAY_JWT_ISSUER: is of no use if GATEWAY_AUTH is {auth}" in named


def test_a_token_file_without_tokens_is_named(faults, tmp_path):
    """A lock that does not lock is a contradiction."""
    (tmp_path / "tokens").write_text(token_line("ats", "token"))

    assert faults(AUTH="none", AUTH_TOKENS_FILE="tokens") == (
        "GATEWAY_AUTH_TOKENS_FILE: is of no use if GATEWAY_AUTH is none",
    )


@pytest.mark.parametrize("name", ["AUTH_TOKENS_FILE", "JWT_JWKS_FILE"])
def test_an_unreadable_file_is_named(faults, name):
    """A file that is not there stops the start."""
    (fault,) = faults(AUTH="none", **{name: "absent"})

    assert fault == f"GATEWAY_{name}: cannot be read: No such file or directory"


@pytest.mark.parametrize(
    "url", ["id.example.com", "http://id.example.com/keys", "file:///etc/passwd", "https://"]
)
def test_keys_come_over_tls(faults, url):
    """Whoever could change the keys on their way could call in anybody's name."""
    (fault,) = faults(AUTH="jwt", **{**KEYS, "JWT_JWKS_URL": url})

    assert fault == "GATEWAY_JWT_JWKS_URL: must be an https URL, or http on this machine"


@pytest.mark.parametrize("names", ["HS256", "none", "RS256,HS256", ","])
def test_algorithms_are_asymmetric(faults, names):
    """No setting lets a public key be used as a secret."""
    (fault,) = faults(AUTH="jwt", **{**KEYS, "JWT_ALGORITHMS": names})

    assert fault.startswith("GATEWAY_JWT_ALGORITHMS: must be some of ES256,")


@pytest.mark.parametrize("source", ["url", "file"])
def test_complete_settings_are_taken(faults, monkeypatch, tmp_path, source):
    """An issuer, an audience and keys are enough."""
    given = dict(KEYS)
    if source == "file":
        Path(tmp_path / "keys").write_bytes(key_set(signing_key("one")))
        given["JWT_JWKS_FILE"] = "keys"
        del given["JWT_JWKS_URL"]

    assert faults(AUTH="jwt", JWT_ALGORITHMS="RS256, ES256", **given) == ()
    assert load_settings().jwt_algorithms == ("RS256", "ES256")
