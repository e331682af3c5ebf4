"""The environment's proxy is taken as it is meant, or named as a fault."""

from __future__ import annotations

import pytest

from gateway.upstream.proxy import proxy_for

UPSTREAM = "https://upstream.example/api"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch):
    """The machine's own proxies do not matter."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    ("name", "value", "proxy"),
    [
        ("https_proxy", "http://proxy.example:3128", "http://proxy.example:3128"),
        ("HTTPS_PROXY", "https://u:p%40@proxy.example", "https://u:p%40@proxy.example"),
        ("all_proxy", "http://proxy.example", "http://proxy.example"),
        ("https_proxy", "proxy.example:3128", "http://proxy.example:3128"),
        ("http_proxy", "http://proxy.example", None),
        ("https_proxy", "", None),
    ],
)
def test_proxy_is_found(monkeypatch, name, value, proxy):
    """By the upstream's scheme, or for all; a scheme of its own may be left out."""
    monkeypatch.setenv(name, value)

    assert proxy_for(UPSTREAM) == proxy


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8001", "http://127.9.9.9", "https://[::1]", "http://localhost",
     "https://keys.localhost"],
)  # fmt: skip
def test_this_machine_is_reached_directly(monkeypatch, url):
    """Without a word in NO_PROXY."""
    monkeypatch.setenv("all_proxy", "http://proxy.example")

    assert proxy_for(url) is None


@pytest.mark.parametrize(
    ("no_proxy", "url", "direct"),
    [
        ("upstream.example", UPSTREAM, True),
        (".upstream.example", UPSTREAM, True),
        ("*.upstream.example", "https://a.upstream.example", True),
        ("example", UPSTREAM, True),
        ("UPSTREAM.Example", UPSTREAM, True),
        (" a.example , upstream.example", UPSTREAM, True),
        ("*", UPSTREAM, True),
        ("upstream.example:443", UPSTREAM, True),
        ("upstream.example:80", "http://upstream.example", True),
        ("upstream.example:8443", UPSTREAM, False),
        ("upstream.example:8443", "https://upstream.example:8443", True),
        ("upstream.example", "https://upstream.example:8443", True),
        ("10.0.0.0/8", "https://10.1.2.3", True),
        ("10.0.0.0/8", "https://11.1.2.3", False),
        ("10.1.2.3", "https://10.1.2.3:8443", True),
        ("10.1.2.3:443", "https://10.1.2.3", True),
        ("10.1.2.3:444", "https://10.1.2.3", False),
        ("fd00::/8", "https://[fd00::1]", True),
        ("[fd00::1]", "https://[fd00::1]", True),
        ("[fd00::/8]", "https://[fd00::1]", True),
        ("[fd00::1]:443", "https://[fd00::1]", True),
        ("10.0.0.0/8", UPSTREAM, False),
        ("stream.example", UPSTREAM, False),
        ("a.upstream.example", UPSTREAM, False),
        ("upstream.example:http", UPSTREAM, False),
        ("[upstream.example", UPSTREAM, False),
        (", ,", UPSTREAM, False),
        (", ,", "https://upstream.example./api", False),
        ("", UPSTREAM, False),
    ],
)
@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
def test_some_are_reached_directly(monkeypatch, name, no_proxy, url, direct):
    """Domains with what is below them, addresses and networks, with a port or for all ports."""
    monkeypatch.setenv("ALL_PROXY", "http://proxy.example")
    monkeypatch.setenv(name, no_proxy)

    assert proxy_for(url) == (None if direct else "http://proxy.example")


@pytest.mark.parametrize(
    "proxy",
    [
        "socks5://u:s3cret@proxy.example:1080",
        "http://u:s3/cret@proxy.example:3128",
        "http://proxy.example:s3cret",
        "u:s3cret",
        "http://:3128",
        "http://[s3cret",
        "http://proxy.example:0",
    ],
)
def test_unusable_proxy_is_a_fault(monkeypatch, proxy):
    """It is named before anything is sent, and its password is not."""
    monkeypatch.setenv("https_proxy", proxy)

    with pytest.raises(ValueError, match="must be http://HOST:PORT") as caught:
        proxy_for(UPSTREAM)

    assert "s3" not in str(caught.value)
