"""Several workers are one gateway to those who watch it."""

from __future__ import annotations

import re

from tests.e2e.conftest import Pair, fetch, serve_settings
from tests.e2e.processes import running

INVITES = 12


def test_metrics_are_those_of_all_workers(tmp_path, postgres_url):
    """Whichever worker is asked, it tells the sum, and all of them stop."""
    with running(tmp_path, "sandbox", "--port", "0") as sandbox:
        settings = serve_settings(sandbox.address(), WORKERS="2", STORE_URL=postgres_url)
        with running(tmp_path, "serve", **settings) as gateway:
            pair = Pair(gateway.address(), settings["UPSTREAM_URL"])
            for number in range(INVITES):
                pair.invite(f"ada{number}@example.com")
            told = {invited(fetch("GET", f"{pair.gateway}/metrics")) for _ in range(6)}
            code = gateway.stop()

    assert told == {INVITES}
    assert code == 0


def invited(metrics: str) -> int:
    success = re.search(
        r'^gateway_invites_total\{.*"InviteCandidateSuccess"\} (\d+)', metrics, re.MULTILINE
    )
    assert success is not None
    return int(success[1])
