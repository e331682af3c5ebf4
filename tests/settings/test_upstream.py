"""The platform's URL and key are checked before anything is served, and the key is not shown."""

from __future__ import annotations

import pytest

from gateway.settings.loading import load_settings
from gateway.settings.model import Settings
from tests.fakes.environment import SECRET, faults


def test_the_key_is_not_shown(environment):
    """No rendering of the settings has the key in it."""
    settings = load_settings(Settings)

    assert SECRET not in repr(settings)
    assert SECRET not in str(settings)


def test_a_fault_does_not_show_the_key(environment):
    """A key that is refused is not quoted."""
    environment(UPSTREAM_API_KEY=f"{SECRET}\x01")

    (fault,) = faults()

    assert SECRET not in fault
    assert "printable ASCII" in fault


def test_the_key_is_freed_of_line_breaks(environment):
    """A pasted line break does not become part of the header."""
    environment(UPSTREAM_API_KEY=f" {SECRET}\n")

    key = load_settings(Settings).upstream_api_key

    assert key is not None
    assert key.get_secret_value() == SECRET


def test_a_key_file_replaces_the_key(environment, monkeypatch, tmp_path):
    """The key may come from a file alone."""
    monkeypatch.delenv("GATEWAY_UPSTREAM_API_KEY")
    (tmp_path / "key").write_text(SECRET)
    environment(UPSTREAM_API_KEY_FILE=str(tmp_path / "key"))

    assert load_settings(Settings).upstream_api_key_file == tmp_path / "key"


def test_key_and_key_file_contradict(environment, tmp_path):
    """Two sources of one key are a mistake."""
    (tmp_path / "key").write_text(SECRET)
    environment(UPSTREAM_API_KEY_FILE=str(tmp_path / "key"))

    assert faults() == (
        "GATEWAY_UPSTREAM_API_KEY_FILE: set either this or GATEWAY_UPSTREAM_API_KEY, not both",
    )


@pytest.mark.parametrize(
    "url",
    [
        "",
        "app.example.com",
        "ftp://app.example.com",
        "https://",
        "https://u:p@h/",
        "https://h/?a=b",
        "https://h:0/",
        "https://two words/",
        "https://h/two words",
        "https://a..b/",
        f"https://{'a' * 64}.example/",
    ],
)
def test_a_bad_upstream_url_is_named(environment, url):
    """Only a plain http or https base URL will do."""
    (fault,) = faults(upstream_url=url)

    assert fault.startswith("GATEWAY_UPSTREAM_URL: must")


@pytest.mark.parametrize("url", ["https://h:65536/", "https://h:x/", "https://[::1/"])
def test_an_upstream_url_that_cannot_be_read_is_named(environment, url):
    """It is a fault like any other, and no traceback."""
    (fault,) = faults(upstream_url=url)

    assert fault.startswith("GATEWAY_UPSTREAM_URL: ")


@pytest.mark.parametrize(
    "url", ["http://[::1]:8001", "https://bücher.example/api", "http://upstream_1:80/a%20b"]
)
def test_a_good_upstream_url_is_taken(environment, url):
    """Addresses, international names and those of containers will do."""
    assert load_settings(Settings, upstream_url=url).upstream_url == url


def test_the_upstream_url_loses_its_last_slash(environment):
    """Both spellings of a base URL mean the same."""
    assert load_settings(Settings, upstream_url="http://127.0.0.1:1/api/").upstream_url == (
        "http://127.0.0.1:1/api"
    )
