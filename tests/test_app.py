"""What is served beside GraphQL is as careful as GraphQL itself."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import time
from typing import Any

import pytest
from starlette.testclient import TestClient

from gateway.app import create_app, served_app
from gateway.checks import checked_settings
from gateway.invites.store import StoreError
from tests.fakes.invites import MemoryStore
from tests.fakes.settings import settings


def client(**given: object) -> TestClient:
    return TestClient(create_app(settings(**given)), follow_redirects=False)


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/", "/nothing", "/graphql"])
def test_everything_has_security_headers(path):
    """Probes, pages and errors are not framed, sniffed or scripted."""
    headers = client(explorer=True).get(path, headers={"accept": "text/html, */*"}).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/nothing", "/graphql/x"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_nothing_is_kept_by_caches(path, method):
    """An error of today is not the answer of tomorrow."""
    assert client().request(method, path).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/graphql", "/graphql/"])
def test_graphql_is_answered_without_a_redirect(path):
    """A slash more or less is the same endpoint: a redirect would lose the body."""
    answer = client().post(path, json={"query": "{gateway{version}}"})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("url", "named", "expected"),
    [
        ("https://app.xobin.com/api/v2", None, "app.xobin.com"),
        ("http://127.0.0.1:8001", None, "127.0.0.1:8001"),
        ("http://127.0.0.1:8001", "stand-in", "stand-in"),
    ],
)
def test_the_platform_is_named(url, named, expected):
    """A person can see whether an invite would be real."""
    app = create_app(settings(upstream_url=url), platform=named)

    answer = TestClient(app).post("/graphql", json={"query": "{gateway{platform}}"})

    assert answer.json() == {"data": {"gateway": {"platform": expected}}}


@pytest.mark.parametrize("path", ["/graphql/x", "/graphql//", "/livez/", "/GraphQL", "/"])
def test_other_paths_are_nothing(path):
    """No sub-path, no redirect, no page unless the explorer is on, and nothing of the Host."""
    answer = client().get(path, headers={"host": "evil.example"})

    assert answer.status_code == 404
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert "evil.example" not in str(answer.headers) + answer.text


def test_wrong_method_on_a_probe_is_405():
    """An error beside GraphQL has GraphQL's shape too."""
    answer = client().post("/livez")

    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}
    assert answer.json()["errors"][0]["message"] == "This address is read with GET."


def test_a_bug_beside_graphql_is_masked_too(monkeypatch, caplog):
    """The caller gets an id and the headers of every answer, the log what there is to know."""

    async def fail(_service):
        raise RuntimeError("secret")

    monkeypatch.setattr("gateway.service.Service.is_ready", fail)
    answer = TestClient(create_app(settings()), raise_server_exceptions=False).get("/readyz")

    (error,) = answer.json()["errors"]
    assert answer.status_code == 500
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert error["extensions"]["errorId"] in caplog.text
    assert "secret" not in answer.text


def test_introspection_is_a_setting():
    """The schema is told where that is on, and not by default."""
    query = {"query": "{__schema{queryType{name}}}"}

    assert "data" in client(introspection=True).post("/graphql", json=query).json()
    assert "data" not in client().post("/graphql", json=query).json()


def test_limits_and_origins_are_settings():
    """What the operator sets is what the endpoint does."""
    origin = "https://app.example.com"
    answer = client(max_aliases=0, cors_origins=(origin,)).post(
        "/graphql", json={"query": "{a:__typename}"}, headers={"origin": origin}
    )

    assert "aliases" in answer.json()["errors"][0]["message"]
    assert answer.headers["access-control-allow-origin"] == origin


def test_pages_may_bring_their_accounts_key():
    """A page of a named origin may send the header that the operator chose, and cookies."""
    gateway = client(
        upstream_api_key_mode="forward",
        upstream_api_key=None,
        forwarded_api_key_header="X-Our-Key",
        cors_origins=("https://app.example.com",),
        cors_credentials=True,
    )
    preflight = {
        "origin": "https://app.example.com",
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,x-our-key",
    }

    answer = gateway.options("/graphql", headers=preflight)

    assert answer.headers["access-control-allow-headers"] == "content-type, x-our-key"
    assert answer.headers["access-control-allow-credentials"] == "true"


def test_trusted_documents_are_a_setting(tmp_path):
    """With a manifest and nothing else allowed, its documents alone are run."""
    manifest = tmp_path / "documents.json"
    manifest.write_text(json.dumps({"version": "{gateway{version}}"}))
    gateway = client(documents=manifest, documents_only=True)

    named = gateway.post("/graphql", json={"documentId": "version"})
    sent = gateway.post("/graphql", json={"query": "{__typename}"})

    assert "data" in named.json()
    assert sent.status_code == 403


def test_collector_passes_over_what_was_made_at_start(monkeypatch, tmp_path):
    """No request waits for a full collection that walks the schema."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GATEWAY_UPSTREAM_API_KEY", "secret")
    monkeypatch.setenv("GATEWAY_AUTH", "none")
    # pytest's own handlers stay.
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)
    gc.unfreeze()
    gc.disable()

    try:
        served_app(checked_settings())
        passed_over, collects = gc.get_freeze_count(), gc.isenabled()
    finally:
        gc.unfreeze()
        gc.enable()

    assert passed_over > 0
    assert collects


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (StoreError("the store is in use"), "the store is in use"),
        (ValueError("ada@example.com"), "the gateway failed"),
    ],
)
def test_failed_start_is_told_without_the_exceptions_words(caplog, monkeypatch, error, told):
    """An operator reads why the store cannot be used, or where the bug is; nobody an address."""

    async def fail(_):
        raise error from ValueError("a cause that names ada@example.com")

    monkeypatch.setattr("gateway.service.Service.start", fail)
    app: Any = create_app(settings())
    sent = []

    async def receive():
        return {"type": "lifespan.startup"}

    async def send(message):
        sent.append(message)

    with pytest.raises(type(error)):
        asyncio.run(app({"type": "lifespan"}, receive, send))

    assert sent == [{"type": "lifespan.startup.failed", "message": ""}]
    assert [record.getMessage() for record in caplog.records] == [told]


def test_replaced_documents_are_run_without_a_restart(tmp_path):
    """A frontend's deployment replaces its manifest; the gateway sees that by itself."""
    manifest, following = tmp_path / "documents.json", tmp_path / "following.json"
    manifest.write_text(json.dumps({"old": "{gateway{version}}"}))
    following.write_text(json.dumps({"new": "{__typename}"}))
    app = create_app(settings(documents=manifest, documents_only=True), store=MemoryStore())

    with TestClient(app) as gateway:

        def is_run(name: str) -> bool:
            return "data" in gateway.post("/graphql", json={"documentId": name}).json()

        before = is_run("old"), is_run("new")
        following.replace(manifest)
        while not is_run("new"):
            time.sleep(0.01)

        assert before == (True, False)
        assert not is_run("old")
