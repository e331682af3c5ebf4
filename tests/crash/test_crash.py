"""The crash run in short; `python -m tests.crash --kills 200` is the long form."""

from __future__ import annotations

import asyncio

import pytest

from tests.crash.run import Run


@pytest.mark.parametrize(("store", "replicas"), [("sqlite", 1), ("postgres", 2)])
def test_kills_neither_double_nor_lose(request, tmp_path, store, replicas):
    """Gateways are killed under load; each invite is made at most once, and each end is known."""
    url = f"sqlite:///{tmp_path / 'gateway.db'}"
    if store == "postgres":
        url = request.getfixturevalue("postgres_url")

    tally = asyncio.run(Run(tmp_path, url, seed=4, replicas=replicas).go(kills=4))

    assert tally.passed, tally.text()
    assert tally.kills.total() == 4
    assert tally.invites
