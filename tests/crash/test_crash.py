"""The crash run in short; `python -m tests.crash --kills 200` is the long form."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import pytest

from gateway.sandbox import create_sandbox, running_sandbox
from tests.crash.run import Run, ask, fetch, gateway_environment, nursery_of
from tests.crash.spreadsheet import SheetRun


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


def test_kills_neither_double_nor_lie_where_the_list_hides_people(tmp_path):
    """A list that shows nobody who has not acted proves nothing: what is in doubt stays so."""
    url = f"sqlite:///{tmp_path / 'gateway.db'}"

    tally = asyncio.run(Run(tmp_path, url, seed=6, replicas=1, hides=True).go(kills=3))

    assert tally.passed, tally.text()
    assert tally.invites


def test_killed_lists_are_finished_by_the_next_command(tmp_path):
    """`gateway invite` is killed and run again until it is done: nobody twice, nobody left out."""
    url = f"sqlite:///{tmp_path / 'gateway.db'}"

    tally = asyncio.run(SheetRun(tmp_path, url, seed=5, candidates=120).go(kills=2))

    assert tally.passed, tally.text()
    assert tally.kills.total() == 2
    assert tally.invites


@pytest.mark.parametrize(
    ("point", "client"), [("after-claim", "direct"), ("dialled", "direct"), ("dialled", "httpx2")]
)
async def test_pause_past_the_lease_sends_nothing(tmp_path, postgres_url, point, client):
    """A gateway that is paused between claim and send finds its invite taken over, and keeps still.

    The other gateway looks the invite up, does not find it, and sends it.
    """
    email = "paused@example.com"
    async with running_sandbox(create_sandbox()) as sandbox:
        settings = gateway_environment(sandbox, postgres_url) | {"GATEWAY_UPSTREAM_CLIENT": client}
        async with nursery_of(tmp_path, settings) as one, nursery_of(tmp_path, settings) as two:
            other = await two.birth("never", 1)
            await ask(other, "witness@example.com")
            sleeper = await one.birth(f"pause-{point}", 1)
            paused = asyncio.create_task(ask(sleeper, email))
            await one.pauses()

            told = await settled_by(other, email)
            one.kill(signal.SIGCONT)
            late = await paused
            # It answers once its own attempt has ended.
            again = await settled_by(sleeper, email)

        _, listed = await fetch(sandbox + "/sandbox/invites")
    assert told["type"] == again["type"] == "InviteCandidateSuccess"
    # It woke past its caller's deadline, and claims nothing that is not so.
    assert late is None or late.get("outcome") in (None, "UNKNOWN")
    assert listed.decode().count(f'"{email}"') == 1


async def settled_by(gateway: str, email: str) -> dict[str, Any]:
    """The gateway's answer, once it knows how the invite ended."""
    while (answer := await ask(gateway, email)) is None or answer.get("outcome") == "UNKNOWN":  # noqa: ASYNC110 - it is asked each time
        await asyncio.sleep(0.05)
    return answer
