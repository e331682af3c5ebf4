"""The provider's keys are had, kept and renewed."""

from __future__ import annotations

import asyncio
import threading
from functools import partial

import pytest

from gateway.access.jwks import (
    REFRESH_SECONDS,
    RETRY_SECONDS,
    JwksFile,
    JwksUrl,
    KeyRing,
    fetch_keys,
)
from tests.fakes.identity import key_set, running_provider, signing_key
from tests.guard.sitecustomize import TrafficBeyondLoopbackError

OLD, NEW = signing_key("old"), signing_key("new")


class Clock:
    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def provider():
    with running_provider() as provider:
        provider.publish(OLD)
        yield provider


@pytest.fixture
def keys(provider, clock):
    return JwksUrl(partial(fetch_keys, provider.url), clock=clock)


async def knows(keys, kid):
    ring = await keys.ring(kid)
    return None if ring is None else ring.knows(kid)


async def test_keys_are_fetched_once(keys, provider):
    """Many requests at once, and many after them, ask the provider a single time."""
    found = await asyncio.gather(*(knows(keys, "old") for _ in range(10)))
    found.append(await knows(keys, "old"))

    assert found == [True] * 11
    assert provider.asked == 1


async def test_a_new_key_is_found(keys, provider, clock):
    """A token under a rotated key is good, once the provider has been asked again."""
    await keys.ring("old")
    provider.publish(OLD, NEW)
    clock.seconds += RETRY_SECONDS

    assert await knows(keys, "new")
    assert provider.asked == 2


async def test_made_up_key_ids_do_not_wear_the_provider_down(keys, provider, clock):
    """However many unknown ids come, the provider is asked once in a while."""
    clock.seconds += RETRY_SECONDS
    found = [await knows(keys, f"made-up-{number}") for number in range(20)]

    assert found == [False] * 20
    assert provider.asked == 1


async def test_a_withdrawn_key_goes(keys, provider, clock):
    """Keys are renewed beside the requests, and none waits for it."""
    await keys.ring("old")
    provider.publish(NEW)
    clock.seconds += REFRESH_SECONDS
    before = await knows(keys, "old")
    await keys.aclose() if keys._fetching is None else await keys._fetching

    assert before
    assert not await knows(keys, "old")
    assert provider.asked == 2


async def test_keys_are_kept_while_the_provider_is_down(keys, provider, clock, caplog):
    """Known keys stay good; of an unknown one nothing can be said; the log says so once."""
    await keys.ring("old")
    provider.fail()
    clock.seconds += REFRESH_SECONDS
    unknown = [await knows(keys, "new"), await knows(keys, "newer")]

    assert await knows(keys, "old")
    assert unknown == [None, None]
    assert caplog.messages == ["The identity provider's keys are not available: status 503"]


async def test_a_provider_that_comes_back_is_asked_again(keys, provider, clock):
    """An outage at start is not for ever."""
    provider.fail()
    first = await knows(keys, "old")
    provider.publish(OLD)
    too_early = await knows(keys, "old")
    clock.seconds += RETRY_SECONDS

    assert (first, too_early) == (None, None)
    assert await knows(keys, "old")


async def test_reread_asks_at_once(keys, provider):
    """An operator who has just rotated a key need not wait."""
    await keys.ring("old")
    provider.publish(OLD, NEW)
    keys.reread()

    assert await knows(keys, "new")


async def test_closing_does_not_wait_for_the_provider(clock):
    """A provider that does not answer holds up no shutdown."""
    release = threading.Event()
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()

    def fetch() -> bytes:
        loop.call_soon_threadsafe(asked.set)
        release.wait()
        return key_set(OLD)

    keys = JwksUrl(fetch, clock=clock)
    waiting = asyncio.create_task(keys.ring("old"))
    await asked.wait()
    await keys.aclose()
    release.set()

    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_provider_that_takes_for_ever_is_not_waited_for(clock, monkeypatch):
    """Of a key that is not known yet nothing can be said; known keys stay good meanwhile."""
    monkeypatch.setattr("gateway.access.jwks.FETCH_SECONDS", 0.01)
    answers, blocked = [key_set(OLD)], threading.Event()

    def fetch() -> bytes:
        if not answers:
            blocked.wait()
        return answers.pop()

    keys = JwksUrl(fetch, clock=clock)
    first = await knows(keys, "old")
    clock.seconds += RETRY_SECONDS
    unknown = await knows(keys, "new")

    assert (first, unknown, await knows(keys, "old")) == (True, None, True)
    await keys.aclose()
    blocked.set()


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (302, b"", "status 302"),
        (404, b"", "status 404"),
        (200, b"<html>secret</html>", "is not a JSON Web Key Set"),
        (200, b'{"keys": "secret"}', "is not a JSON Web Key Set"),
        (200, b'{"keys": []}', "has no key for signatures"),
        (200, b'{"keys": [{"kty": "oct", "k": "secret"}]}', "has no key for signatures"),
        (200, b"[" * 100_000, "is not a JSON Web Key Set"),
        (200, b" " * 1_100_000, "the response is too long"),
    ],
    ids=["redirect", "absent", "html", "no-list", "none", "shared-secret", "nested", "endless"],
)
async def test_what_is_no_key_set_is_refused(provider, caplog, status, body, told):
    """Nothing but a set of public keys is taken, and none of it is quoted."""
    provider.status, provider.body = status, body
    provider.headers["Location"] = provider.url + "/elsewhere"

    assert await JwksUrl(partial(fetch_keys, provider.url)).ring("old") is None
    assert caplog.messages == [f"The identity provider's keys are not available: {told}"]
    assert provider.asked == 1


async def test_a_provider_that_is_gone_is_reported(caplog):
    """A refused connection is the provider's fault, and no crash."""
    with running_provider() as provider:
        url = provider.url

    assert await JwksUrl(partial(fetch_keys, url)).ring("old") is None
    assert "refused" in caplog.text


async def test_a_broken_answer_is_reported(clock, caplog):
    """A server that does not speak HTTP is the provider's fault, and no crash."""

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"secret garbage\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        keys = JwksUrl(partial(fetch_keys, f"http://127.0.0.1:{port}/"), clock=clock)

        assert await keys.ring("old") is None
    assert caplog.messages == ["The identity provider's keys are not available: BadStatusLine"]


async def test_a_file_of_keys_is_read_again(tmp_path):
    """A rotated file counts, and one that is no key set leaves the last keys in force."""
    path = tmp_path / "keys"
    path.write_bytes(key_set(OLD))
    keys = JwksFile(path)
    path.write_bytes(key_set(OLD, NEW))
    keys.reread()
    path.write_bytes(b"{}")
    keys.reread()

    assert await knows(keys, "new")
    await keys.aclose()


def test_a_key_is_for_one_algorithm():
    """A key of the wrong type, or one that names another algorithm, is not used."""
    ring = KeyRing(key_set(OLD))

    assert len(ring.keys("old", "ES256")) == 1
    assert ring.keys("old", "RS256") == ()
    assert ring.keys("new", "ES256") == ()


def test_keys_for_encryption_are_left_out():
    """A key with another use checks no signature."""
    with pytest.raises(ValueError, match="no key for signatures"):
        KeyRing(key_set(OLD).replace(b'"sig"', b'"enc"'))


@pytest.fixture
def environment(monkeypatch):
    """Sets a variable that names a proxy, or what is reached without one; there are no others."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch.setenv


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_keys_are_fetched_through_the_proxy(provider, environment, name):
    """By the rule that holds towards the platform too."""
    environment(name, provider.url.removesuffix("/keys"))

    assert fetch_keys("http://idp.invalid/keys") == key_set(OLD)


@pytest.mark.parametrize("apart", ["idp.invalid", "idp.invalid:80", "*.invalid", "*"])
def test_keys_are_fetched_directly_where_no_proxy_says_so(provider, environment, apart):
    """With or without the port."""
    environment("ALL_PROXY", provider.url.removesuffix("/keys"))
    environment("NO_PROXY", apart)

    with pytest.raises(TrafficBeyondLoopbackError, match="idp"):
        fetch_keys("http://idp.invalid/keys")
    assert provider.asked == 0


def test_keys_of_this_machine_are_fetched_directly(provider, environment):
    """No proxy could reach it."""
    environment("HTTP_PROXY", "http://127.0.0.1:1")
    environment("ALL_PROXY", "http://127.0.0.1:1")

    assert fetch_keys(provider.url) == key_set(OLD)
