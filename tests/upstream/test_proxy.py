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


@pytest.mark.parametrize("url", ["http://127.0.0.1:8001", "http://localhost", "https://a.example"])
def test_some_are_reached_directly(monkeypatch, url):
    """This machine, and whatever the environment sets apart."""
    monkeypatch.setenv("http_proxy", "http://proxy.example")
    monkeypatch.setenv("https_proxy", "http://proxy.example")
    monkeypatch.setenv("no_proxy", "a.example")

    assert proxy_for(url) is None


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
