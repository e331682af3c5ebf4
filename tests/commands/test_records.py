"""`gateway records` lists what nobody knows the end of, for people and for machines."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from click.testing import CliRunner

from gateway.cli import main
from gateway.invites.doubt import Doubt
from gateway.invites.record import State, settled
from gateway.stores.sqlite import SqliteStore
from tests.fakes.environment import plain_environment
from tests.fakes.records import SECRET, a_record

OLD = 1_767_225_600.0


@pytest.fixture
def database(monkeypatch, tmp_path):
    """A store with records in each state; those in doubt are `lost`, `unclear` and `cut`."""
    path = tmp_path / "gateway.db"
    plain_environment(monkeypatch, tmp_path)(STORE_URL=f"sqlite:///{path}")
    records = {
        "unclear": settled(
            a_record("unclear", first_sent_at=OLD + 60),
            State.UNKNOWN, now=OLD, doubt=Doubt.EARLIER,
        ),
        "lost": settled(a_record("lost", first_sent_at=OLD, caller="ats"), State.UNKNOWN, now=OLD),
        "cut": a_record("cut", first_sent_at=OLD + 3600, lease_until=OLD + 3720),
        "on its way": a_record("on its way", lease_until=time.time() + 3600),
        "done": settled(a_record("done"), State.INVITED, now=OLD, answer=b"{}"),
    }  # fmt: skip

    async def fill() -> None:
        store = SqliteStore(path)
        await store.open()
        await store.remember("secret", SECRET)
        for record in records.values():
            await store.insert(record)
        await store.close()

    asyncio.run(fill())
    return {name: record.record_id.hex() for name, record in records.items()}


def run(*words: str) -> str:
    result = CliRunner().invoke(main, ["records", *words])
    assert result.exit_code == 0, result.output
    return result.output


def test_doubts_are_listed(database):
    """The oldest first, each with since when and why."""
    lines = run().splitlines()

    assert [line.split()[0] for line in lines[::2]] == [
        database[name][:16] for name in ("lost", "unclear", "cut")
    ]
    assert lines[0].endswith("  of ats")
    assert lines[0].split()[1:6] == ["track", "6578", "since", "2026-01-01T00:00:00Z", "address"]
    assert lines[1] == "  the platform's list has not been looked at yet"
    assert lines[3].startswith("  the candidate was listed before this invite")
    assert lines[5].startswith("  the gateway was interrupted")


def test_doubts_are_listed_for_machines(database):
    """Whole hashes, which lead to the audit lines."""
    listed = json.loads(run("--json"))

    assert [one["record"] for one in listed] == [
        database[name] for name in ("lost", "unclear", "cut")
    ]
    assert listed[1] == {
        "record": database["unclear"],
        "trackId": "6578",
        "since": "2026-01-01T00:01:00Z",
        "attempt": 1,
        "emailHash": a_record().email_hash.hex(),
        "caller": None,
        "doubt": "earlier",
        "why": Doubt.EARLIER.description,
        "settlesItself": False,
    }


def test_doubts_of_one_candidate_are_found(database):
    """By the address, which the store has as a hash alone."""
    listed = json.loads(run("--json", "--email", " Ada@Example.com"))

    assert len(listed) == 3
    assert run("--email", "bob@example.com") == "No record is in doubt.\n"


def test_nothing_in_doubt_is_said(monkeypatch, tmp_path):
    """An empty list is not a missing one."""
    plain_environment(monkeypatch, tmp_path)(STORE_URL=f"sqlite:///{tmp_path}/new.db")

    assert run() == "No record is in doubt.\n"
    assert json.loads(run("--json")) == []
