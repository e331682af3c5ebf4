"""The explorer's page and files come from this machine and from a fixed list."""

from __future__ import annotations

import hashlib
import re

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from gateway.graphql.explorer import explorer_routes
from gateway.graphql.explorer.routes import OWN_FILES, VENDOR_FILES

# What the pinned package was looked at with; another version needs another look.
VENDOR_SHA256 = {
    "graphiql.min.css": "c6cd4b83f01c5e1ff4975d77bc957184dce6dec0155fbf9cc4d9190eba8a7b9d",
    "graphiql.min.js": "c564de05b95d184e2c5ba5ceaf2635821f6bf92f2d5777b74d91004ff6b591d1",
    "react-dom.production.min.js": (
        "9db33292007ab6c38527b39d5663e976a305564e19b2a5a8713ea2b2c00f505d"
    ),
    "react.production.min.js": "229bbf4d0e7488209564152c6723497f1ac3934136ca1684233d2fa88fa4146f",
}
BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture(scope="module")
def site() -> TestClient:
    return TestClient(Starlette(routes=explorer_routes()))


def test_a_browser_gets_the_page(site):
    """With everything on it from the same origin."""
    page = site.get("/", headers=BROWSER)

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "https:" not in page.text
    assert "http:" not in page.text
    assert "<script>" not in page.text
    for reference in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert site.get(reference).status_code == 200


def test_others_get_a_hint(site):
    """A tool that asks for JSON is told where GraphQL is."""
    assert "/graphql" in site.get("/", headers={"accept": "application/json"}).json()["message"]


@pytest.mark.parametrize("path", ["/", *(f"/explorer/{name}" for name in OWN_FILES + VENDOR_FILES)])
def test_everything_is_fenced_in(site, path):
    """Only this origin, no framing, no guessing of types."""
    headers = site.get(path, headers=BROWSER).headers

    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; ")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-eval" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("name", VENDOR_FILES)
def test_vendor_files_are_those_that_were_looked_at(site, name):
    """A changed file does not get in unseen."""
    content = site.get(f"/explorer/{name}").content

    assert hashlib.sha256(content).hexdigest() == VENDOR_SHA256[name]


def test_an_unchanged_file_is_not_sent_again(site):
    """A megabyte of script crosses the network once."""
    first = site.get("/explorer/graphiql.min.js")

    again = site.get("/explorer/graphiql.min.js", headers={"if-none-match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]


@pytest.mark.parametrize(
    "path",
    [
        "/explorer/",
        "/explorer/index.html",
        "/explorer/routes.py",
        "/explorer/../routes.py",
        "/explorer/%2e%2e/routes.py",
        "/explorer/graphql-ws.min.js",
        "/explorer//etc/passwd",
    ],
)
def test_nothing_else_is_served(site, path):
    """The list is fixed; no path is looked up on disk."""
    assert site.get(path).status_code == 404
