"""The database goes away and comes back while a real `gateway serve` runs."""

from __future__ import annotations

import time
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.e2e.conftest import Pair, serve_settings
from tests.e2e.processes import running
from tests.fakes.haproxy import command, free_port, running_haproxy
from tests.fakes.postgres import socket_of

PATIENCE_SECONDS = 30.0


def wait_until_ready(gateway: str, *, ready: bool) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while (status(gateway) == 200) is not ready:
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


def status(gateway: str) -> int:
    """Of the readiness probe."""
    connection = HTTPConnection(urlsplit(gateway).netloc, timeout=30)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_database_that_comes_back_needs_no_restart(
    shared_pair: Pair, tmp_path: Path, postgres_url: str, workers: str
):
    """Meanwhile nothing with a key is sent, and the caller may repeat it with the same key."""
    port, database = free_port(), postgres_url.split("/")[3].partition("?")[0]
    rules = f"""
listen postgres
  mode tcp
  bind 127.0.0.1:{port}
  server a unix@{socket_of(postgres_url)}
"""
    settings = serve_settings(
        shared_pair.sandbox,
        WORKERS=workers,
        STORE_URL=f"postgresql://postgres@127.0.0.1:{port}/{database}",
    )
    work = tmp_path / "work"
    work.mkdir()
    with running_haproxy(tmp_path, rules), running(work, "serve", **settings) as gateway:
        pair = Pair(gateway.address(), shared_pair.sandbox)
        pair.forget()
        wait_until_ready(pair.gateway, ready=True)
        before = pair.invite(idempotencyKey="before")
        command(tmp_path, "disable server postgres/a")
        command(tmp_path, "shutdown sessions server postgres/a")
        wait_until_ready(pair.gateway, ready=False)
        meanwhile = pair.invite(idempotencyKey="meanwhile")
        sent = len(pair.accepted())
        command(tmp_path, "enable server postgres/a")
        wait_until_ready(pair.gateway, ready=True)
        after = pair.invite(idempotencyKey="meanwhile")

    assert before["type"] == after["type"] == "InviteCandidateSuccess"
    assert (meanwhile["code"], meanwhile["retryable"]) == ("UPSTREAM_UNAVAILABLE", True)
    assert sent == 1
