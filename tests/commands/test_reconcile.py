"""`gateway reconcile`: what became of invites whose end is unknown."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from click.testing import CliRunner
from pydantic import SecretStr

from gateway.cli import main
from gateway.commands.reconcile import as_json, as_text, reconcile
from gateway.invites.identity import Hasher
from gateway.invites.record import State, settled
from gateway.stores.sqlite import SqliteStore
from tests.fakes.records import a_record
from tests.fakes.settings import settings


@pytest.fixture
def database(tmp_path):
    """A store with one invite of unknown end, and a secret."""
    path = tmp_path / "gateway.db"

    async def fill() -> None:
        store = SqliteStore(path)
        await store.open()
        await store.remember("secret", b"s")
        await store.remember("secret-check", Hasher(b"s").check_value())
        await store.insert(settled(a_record(), State.UNKNOWN, now=1.0))
        await store.close()

    asyncio.run(fill())
    return path


def given(database, **changes: str) -> dict[str, str]:
    return {
        "GATEWAY_AUTH": "none",
        "GATEWAY_UPSTREAM_API_KEY": "key",
        "GATEWAY_UPSTREAM_URL": "http://127.0.0.1:1",
        "GATEWAY_STORE_URL": f"sqlite:///{database}",
        **changes,
    }


def test_open_records_are_named(database):
    """What cannot be settled is listed with the reason, and the exit code says so."""
    result = CliRunner(env=given(database)).invoke(main, ["reconcile"])

    assert result.exit_code == 1
    assert "1 open" in result.output
    assert "track 6578" in result.output
    assert "the platform's list could not be read as a whole" in result.output


def test_report_for_machines(database):
    """The same as JSON."""
    result = CliRunner(env=given(database, GATEWAY_READ_BACK="false")).invoke(
        main, ["reconcile", "--json"]
    )

    report = json.loads(result.output)
    assert result.exit_code == 1
    assert not report["final"]
    assert report["open"][0]["doubt"] == "off"
    assert "switched off" in report["open"][0]["why"]


def test_nothing_open_is_success(tmp_path):
    """An empty store is in order."""
    result = CliRunner(env=given(tmp_path / "new.db")).invoke(main, ["reconcile"])

    assert result.exit_code == 0


def test_store_that_cannot_be_opened_is_one_line(tmp_path):
    """A clear error and no traceback."""
    result = CliRunner(env=given(tmp_path)).invoke(main, ["reconcile"])

    assert result.exit_code == 1
    assert result.output.startswith("Error: cannot open the store")


async def add(database, record) -> None:
    store = SqliteStore(database)
    await store.open()
    await store.insert(record)
    await store.close()


def test_waits_while_something_may_be_settled(database, monkeypatch):
    """A record in flight is waited for, pass after pass, with a word on the way."""
    monkeypatch.setattr("gateway.commands.reconcile._LONGEST_WAIT_SECONDS", 0.05)
    asyncio.run(add(database, a_record("in flight", lease_until=time.time() + 0.3)))
    said: list[str] = []

    report = reconcile(
        settings(upstream_url="http://127.0.0.1:1", store_url=SecretStr(f"sqlite:///{database}")),
        wait=True,
        progress=said.append,
    )

    assert said[0] == "0 invited, 0 not sent, 2 to be looked at again"
    assert "2 open" in as_text(report)
    assert json.loads(as_json(report))["inFlight"] == 0


def test_does_not_wait_for_what_others_send_meanwhile(database, monkeypatch):
    """Under a gateway that serves, something is always in flight: the command ends all the same."""
    monkeypatch.setattr("gateway.commands.reconcile._LONGEST_WAIT_SECONDS", 0.05)
    asyncio.run(add(database, a_record("in flight", lease_until=time.time() + 3600)))

    report = reconcile(
        settings(
            upstream_url="http://127.0.0.1:1",
            store_url=SecretStr(f"sqlite:///{database}"),
            request_timeout_seconds=0.05,
            lease_seconds=0.2,
            read_back_quiet_seconds=1,
        ),
        wait=True,
    )

    assert report.in_flight == 1
    assert not report.final
