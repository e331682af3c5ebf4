"""Settings on access are checked before anything is served, and do not contradict each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.access.token_file import token_line
from gateway.settings.access import is_loopback
from gateway.settings.loading import SettingsError, load_settings
from gateway.settings.model import Settings
from tests.fakes.environment import PROVIDER, SECRET, plain_environment
from tests.fakes.identity import key_set, signing_key


@pytest.fixture
def faults(monkeypatch, tmp_path):
    """The faults of an environment with these variables."""
    environment = plain_environment(monkeypatch, tmp_path)
    environment(UPSTREAM_API_KEY=SECRET)

    def load(**variables: str) -> tuple[str, ...]:
        environment(**variables)
        try:
            load_settings(Settings)
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


@pytest.mark.parametrize(
    "url", ["id.example.com", "http://id.example.com/keys", "file:///etc/passwd", "https://"]
)
def test_keys_come_over_tls(faults, url):
    """Whoever could change the keys on their way could call in anybody's name."""
    (fault,) = faults(AUTH="jwt", **{**PROVIDER, "JWT_JWKS_URL": url})

    assert fault == "GATEWAY_JWT_JWKS_URL: must be an https URL, or http on this machine"


def test_keys_are_public(faults):
    """A password in the address would be printed, and could not be used anyway."""
    url = "https://user:s3cret@id.example.com/keys"
    (fault,) = faults(AUTH="jwt", **{**PROVIDER, "JWT_JWKS_URL": url})

    assert fault == "GATEWAY_JWT_JWKS_URL: must have no user name"


@pytest.mark.parametrize("names", ["HS256", "none", "RS256,HS256", ","])
def test_algorithms_are_asymmetric(faults, names):
    """No setting lets a public key be used as a secret."""
    (fault,) = faults(AUTH="jwt", **{**PROVIDER, "JWT_ALGORITHMS": names})

    assert fault.startswith("GATEWAY_JWT_ALGORITHMS: must be some of ES256,")


@pytest.mark.parametrize("source", ["url", "file"])
def test_complete_settings_are_taken(faults, monkeypatch, tmp_path, source):
    """An issuer, an audience and keys are enough."""
    given = dict(PROVIDER)
    if source == "file":
        Path(tmp_path / "keys").write_bytes(key_set(signing_key("one")))
        given["JWT_JWKS_FILE"] = "keys"
        del given["JWT_JWKS_URL"]

    assert faults(AUTH="jwt", JWT_ALGORITHMS="RS256, ES256", **given) == ()
    assert load_settings(Settings).jwt_algorithms == ("RS256", "ES256")


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("gateway.example.com", False),
    ],
)
def test_loopback_is_known(host, loopback):
    """What listens there is reached from this machine alone."""
    assert is_loopback(host) is loopback


def test_a_key_of_its_own_contradicts_forwarding(faults, monkeypatch):
    """Who forwards keys and sets one believes in a fallback that is not there."""
    assert faults(AUTH="none", UPSTREAM_API_KEY_MODE="forward") == (
        "GATEWAY_UPSTREAM_API_KEY_FILE: a key is of no use where callers bring theirs",
    )
    monkeypatch.delenv("GATEWAY_UPSTREAM_API_KEY")

    assert faults() == ()


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"TLS_KEY": "key"}, "TLS_CERT: is required if GATEWAY_TLS_KEY is set"),
        (
            {"TRUSTED_PROXIES": "10.0.0.1,*"},
            "TRUSTED_PROXIES: each must be an address, a network such as 10.0.0.0/8, or unix",
        ),
    ],
    ids=["key-alone", "wildcard"],
)
def test_bad_settings_of_tls_are_named(faults, given, fault):
    """What could never be right is named without a look at any file."""
    assert faults(AUTH="none", **given) == (f"GATEWAY_{fault}",)


def test_origins_are_separated_by_commas(faults):
    """Several pages may be allowed to call."""
    assert faults(AUTH="none", CORS_ORIGINS="https://a.example, http://localhost:3000,") == ()

    assert load_settings(Settings).cors_origins == ("https://a.example", "http://localhost:3000")


@pytest.mark.parametrize(
    "origin",
    [
        "http://[::1]:8080",
        "https://xn--bcher-kva.example:8443",
        "capacitor://localhost",
        "ionic://localhost",
        "tauri://localhost",
        "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
        "moz-extension://0f3a5c8e-1b2d-4c6f-8e9a-0b1c2d3e4f5a",
        "app://obsidian.md",
        "app://.",
        "com.example.app://Main:8080",
    ],
)
def test_an_exact_origin_is_taken(faults, origin):
    """As browsers write it."""
    assert faults(AUTH="none", CORS_ORIGINS=origin) == ()

    assert load_settings(Settings).cors_origins == (origin,)


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "null",
        "https://a.example/",
        "a.example",
        "file://x",
        "https://",
        "https://*.a.example",
        "https://A.example",
        "https://a.example:443",
        "http://a.example:80",
        "https://me@a.example",
        "https://bücher.example",
        "https://a .example",
        "capacitor://",
        "capacitor://localhost/",
        "capacitor://local*host",
        "capacitor:localhost",
        "capacitor://localhost:0",
        "chrome-extension://*",
        "1app://localhost",
    ],
)
def test_an_inexact_origin_is_named(faults, origin):
    """No wildcard, no path, no opaque origin, and nothing that no browser ever sends."""
    (fault,) = faults(AUTH="none", CORS_ORIGINS=origin)

    assert fault.startswith("GATEWAY_CORS_ORIGINS: each must be an exact origin")


def test_cookies_need_an_origin_to_come_from(faults):
    """A setting that cannot have any effect is a mistake."""
    assert faults(AUTH="none", CORS_CREDENTIALS="true") == (
        "GATEWAY_CORS_CREDENTIALS: needs GATEWAY_CORS_ORIGINS, or no page could send any",
    )
