"""Limits that hold for all workers and replicas together, counted by a real server."""

from __future__ import annotations

import signal

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from gateway.access.rate_limits import RateLimits, rate_limits_of
from gateway.access.shared_counts import PAUSE_SECONDS
from gateway.app import create_app
from gateway.settings.store_url import IN_MEMORY
from tests.fakes.haproxy import free_port
from tests.fakes.settings import settings
from tests.fakes.valkey import running_valkey


@pytest.fixture
def port():
    return free_port()


class Replica:
    """The limits of one process."""

    def __init__(self, port: int, *, password: str = "") -> None:
        self.now = 1000.0
        url = f"valkey://{password and f':{password}@'}127.0.0.1:{port}"
        self.limits = RateLimits(lambda: url)
        assert self.limits.shared is not None
        self.counts = self.limits.shared
        self.counts._clock = lambda: self.now
        self.limit = self.limits.limit("invites", 2)

    async def allowed(self, name: str = "ats") -> bool:
        return await self.limit.seconds_to_wait(name) is None


@pytest.fixture
async def replicas(port):
    both = Replica(port), Replica(port)
    yield both
    for replica in both:
        await replica.limits.aclose()


async def test_replicas_count_together(replicas, port, tmp_path):
    """Two processes let through what one would."""
    one, two = replicas
    with running_valkey(tmp_path, port):
        allowed = [await replica.allowed() for replica in (one, two, one, two)]
        wait = await two.limit.seconds_to_wait("ats")

        assert allowed == [True, True, False, False]
        assert wait is not None
        assert 25 <= wait <= 30
        assert await two.allowed("another caller")
        assert await two.limits.limit("requests", 1).seconds_to_wait("ats") is None


async def test_without_the_server_each_counts_for_itself(replicas, port, tmp_path, caplog):
    """Nobody is turned away for it; a line says when that begins and when it ends."""
    one, two = replicas
    down = [await replica.allowed() for replica in (one, two, one, two, one)]
    with running_valkey(tmp_path, port):
        spared = one.counts.reached
        one.now += PAUSE_SECONDS
        up = await one.allowed()

    assert down == [True, True, True, True, False]
    assert (spared, up, one.counts.reached) == (False, True, True)
    begin, _, end = caplog.messages
    assert begin.startswith("rate limits count in each process alone")
    assert end == "rate limits count for all gateways together again"


async def test_a_server_that_hangs_holds_nobody_up_for_long(replicas, port, tmp_path):
    """After one short wait it is left alone for a while."""
    one, _ = replicas
    with running_valkey(tmp_path, port) as server:
        await one.allowed("first")
        server.send_signal(signal.SIGSTOP)
        allowed = [await one.allowed() for _ in range(3)]
        reached = one.counts.reached
        server.send_signal(signal.SIGCONT)

    assert allowed == [True, True, False]
    assert not reached


def test_gateways_share_the_limits_of_their_settings(port, tmp_path, monkeypatch):
    """What one gateway has answered counts for the next."""
    monkeypatch.chdir(tmp_path)
    given = settings(
        requests_per_minute=1,
        rate_limit_url=SecretStr(f"redis://127.0.0.1:{port}/0"),
        store_url=SecretStr(IN_MEMORY),
    )
    with running_valkey(tmp_path, port):
        statuses = []
        for _ in range(2):
            with TestClient(create_app(given)) as client:
                answer = client.post("/graphql", json={"query": "{__typename}"})
                statuses.append(answer.status_code)
                metrics = client.get("/metrics").text

    assert statuses == [200, 429]
    assert 'gateway_rate_limits{counted="together"} 1.0' in metrics


async def test_names_are_not_kept(replicas, port, tmp_path):
    """Who calls, and from where, does not get into the server."""
    one, _ = replicas
    with running_valkey(tmp_path, port):
        await one.allowed("203.0.113.7")
        assert one.counts._store is not None
        keys = await one.counts._store._backend.get_client().keys("*")

    assert len(keys) == 1
    assert keys[0].startswith(b"track-invite-gateway:invites:")
    assert b"203.0.113.7" not in keys[0]


async def test_a_new_password_is_taken_up_from_the_file(port, tmp_path):
    """The URL in GATEWAY_RATE_LIMIT_URL_FILE may change while the gateway runs."""
    file = tmp_path / "url"
    file.write_text(f"valkey://:wrong@127.0.0.1:{port}")
    limits = rate_limits_of(settings(rate_limit_url_file=file))
    counts, limit = limits.shared, limits.limit("requests", 100)
    assert counts is not None
    with running_valkey(tmp_path, port, "--requirepass", "right"):
        await limit.seconds_to_wait("ats")
        refused = not counts.reached
        file.write_text(f"valkey://:right@127.0.0.1:{port}/")
        counts._clock = lambda: float("inf")
        while not counts.reached:
            await limit.seconds_to_wait("ats")
        await limits.aclose()

    assert refused
