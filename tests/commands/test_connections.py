"""Each connection is tried for real, and what is found is what an operator must know."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from gateway.commands.connections import Tried, tried_connections
from gateway.settings.store_url import IN_MEMORY
from tests.fakes.haproxy import free_port
from tests.fakes.identity import key_set, running_provider, signing_key
from tests.fakes.settings import settings
from tests.fakes.valkey import running_valkey

FOREIGN = "not in the platform's words: something in front of it, or a wrong path"


async def tried(name: str, **given: object) -> Tried:
    options = {"store_url": IN_MEMORY, "upstream_url": "http://127.0.0.1:1", **given}
    [found] = [one for one in await tried_connections(settings(**options)) if one.name == name]
    return found


@pytest.fixture
def platform():
    with running_provider() as server:
        yield server


@pytest.mark.parametrize(
    ("status", "body", "works", "found"),
    [
        (200, b'{"top_tracks_by_applicants": []}', True, "the API key is accepted"),
        (401, b'{"error": "no"}', False, "the API key is refused"),
        (403, b"", False, "the API key is refused"),
        (404, b'{"error": "no"}', True, "it is there; whether it takes the API key is not known"),
        *(
            (status, body, False, FOREIGN)
            for status, body in (
                (404, b""),
                (404, b'{"message": "no Route matched with those values"}'),
                (403, b'{"message": "Missing Authentication Token"}'),
                (401, b"Unauthorized"),
            )
        ),
        (429, b"", True, "it is there; whether it takes the API key is not known"),
        (503, b"", False, "it fails"),
        (200, b"<html>", False, "a page of something in between, or a wrong path in the URL"),
        (403, b"<html>", False, "a page of something in between, or a wrong path in the URL"),
    ],
)
async def test_the_platform_is_tried_by_a_read(platform, status, body, works, found):
    """One request, which invites nobody, tells what stands in the way."""
    platform.status, platform.body = status, body

    said = await tried("platform", upstream_url=platform.url)

    assert said == Tried("platform", works, f"answers {status}: {found}")
    assert platform.asked == 1


async def test_where_callers_bring_keys_none_is_tried(platform):
    """A refusal is then what a platform in order gives."""
    platform.status = 401
    own = {"upstream_api_key": None, "upstream_api_key_mode": "forward"}

    said = await tried("platform", upstream_url=platform.url, **own)

    assert said == Tried("platform", works=True, found="answers 401: callers bring their keys")


async def test_a_platform_that_is_not_reached_is_told_from_one_that_is_not_trusted(platform):
    """A wrong port, a wrong scheme and a certificate are mended in different places."""
    assert (await tried("platform")).found.startswith("is not reached")
    secure = platform.url.replace("http://", "https://")
    assert not (await tried("platform", upstream_url=secure)).works


@pytest.mark.parametrize(
    ("seconds", "works", "found"),
    [
        (0, True, "is the platform's, within some seconds"),
        (90, False, "differs from the platform's by +90 s: tokens and look-ups depend on it"),
        (-90, False, "differs from the platform's by -90 s: tokens and look-ups depend on it"),
    ],
)
async def test_the_clock_is_compared(platform, monkeypatch, seconds, works, found):
    """By the date of the platform's reply."""
    platform.headers["Connection"] = "close"
    clock = SimpleNamespace(time=lambda: int(time.time()) + seconds)
    monkeypatch.setattr("gateway.commands.connections.time", clock)

    said = await tried("clock", upstream_url=platform.url)

    assert said.works is works
    assert said.found.replace("89", "90").replace("91", "90") == found


async def test_without_a_reply_the_clock_is_not_compared():
    """What cannot be known is not said."""
    assert (await tried("clock")).found.startswith("not compared")


JWT = {"auth": "jwt", "jwt_issuer": "i", "jwt_audience": "a"}


async def test_the_identity_providers_keys_are_fetched(platform, tmp_path):
    """How many there are is said, or why there are none."""
    platform.publish(signing_key("one"), signing_key("two"))
    (tmp_path / "keys").write_bytes(key_set(signing_key("one")))

    there = await tried("identity provider", jwt_jwks_url=platform.url, **JWT)
    in_file = await tried("identity provider", jwt_jwks_file=tmp_path / "keys", **JWT)
    platform.fail(503)
    away = await tried("identity provider", jwt_jwks_url=platform.url, **JWT)
    platform.status = 200
    no_keys = await tried("identity provider", jwt_jwks_url=platform.url, **JWT)

    assert there == Tried("identity provider", works=True, found="has keys for signatures: 2")
    assert in_file == Tried("identity provider", works=True, found="has keys for signatures: 1")
    assert away == Tried("identity provider", works=False, found="has no keys: status 503")
    assert no_keys.found == "has no keys: is not a JSON Web Key Set"


async def test_shared_counts_are_tried(tmp_path):
    """A server that is away, or that refuses, is not found out by the first callers."""
    port = free_port()
    given = {"rate_limit_url": f"valkey://127.0.0.1:{port}"}
    away = await tried("rate limits", **given)
    with running_valkey(tmp_path, port):
        there = await tried("rate limits", **given)

    assert not away.works
    assert there == Tried("rate limits", works=True, found="count together")
