"""Pages of other origins call only where the operator named them."""

from __future__ import annotations

import pytest

ORIGIN = "https://app.example.com"


@pytest.fixture
def open_caller(calling):
    """A caller where one origin is named."""
    return calling(cors_origins=frozenset({ORIGIN}))


async def test_named_origin_may_read_the_answer(open_caller):
    """The answer names the origin itself, never a wildcard, and no credentials."""
    answer = await open_caller.post("{__typename}", headers={"origin": ORIGIN})

    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "access-control-allow-credentials" not in answer.headers
    assert "retry-after" in answer.headers["access-control-expose-headers"]
    assert "origin" in answer.headers["vary"]


async def test_named_origin_may_read_a_refusal(open_caller):
    """A page learns what is wrong with its request."""
    answer = await open_caller.send(b"{", headers={"origin": ORIGIN})

    assert answer.headers["access-control-allow-origin"] == ORIGIN


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", ORIGIN + ".evil.example", ORIGIN + ":444", ORIGIN.upper(), "*", ""],
)
async def test_other_origins_may_not(open_caller, origin):
    """Origins are compared whole."""
    answer = await open_caller.post("{__typename}", headers={"origin": origin})
    preflight = await open_caller.send(
        method="OPTIONS", headers={"origin": origin, "access-control-request-method": "POST"}
    )

    for response in (answer, preflight):
        assert not [name for name in response.headers if name.startswith("access-control")]


async def test_preflight_is_answered_and_kept(open_caller):
    """A browser learns what it may send, and need not ask again for a day."""
    answer = await open_caller.send(
        method="OPTIONS", headers={"origin": ORIGIN, "access-control-request-method": "POST"}
    )

    assert answer.status == 204
    assert answer.body == b""
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-methods"] == "GET, POST"
    assert "content-type" in answer.headers["access-control-allow-headers"]
    assert answer.headers["access-control-max-age"] == "86400"


@pytest.mark.parametrize(
    "header",
    [
        "Apollo-Require-Preflight",
        "apollographql-client-name",
        "Authorization",
        "Content-Type",
        "Idempotency-Key",
        "Request-Timeout",
        "traceparent",
        "X-Request-Id",
        "X-Our-Key",
    ],
)
async def test_pages_may_send_what_callers_are_told_to_send(calling, header):
    """Each header that the gateway reads, those of the settings included."""
    caller = calling(cors_origins=frozenset({ORIGIN}), cors_headers=("X-Our-Key",))

    answer = await caller.send(
        method="OPTIONS", headers={"origin": ORIGIN, "access-control-request-method": "POST"}
    )

    allowed = answer.headers["access-control-allow-headers"].split(", ")
    assert header.lower() in allowed


async def test_options_names_the_methods(caller):
    """OPTIONS without an origin is an ordinary question."""
    answer = await caller.send(method="OPTIONS")

    assert answer.status == 204
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"


async def test_hidden_origin_is_refused(open_caller):
    """A sandboxed frame or a local file cannot be told from anybody."""
    answer = await open_caller.post("{__typename}", headers={"origin": "null"})

    assert answer.status == 403
    assert answer.codes == ["FORBIDDEN"]
