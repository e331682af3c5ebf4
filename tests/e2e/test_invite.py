"""`gateway invite` as a process of its own, against the real stand-in, killed on its way."""

from __future__ import annotations

import csv
import json
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import fetch, serve_settings
from tests.e2e.processes import running

LINES = 1_000
WORDS = ("invite", "candidates.csv", "--track", "6578", "--format", "send-link", "--yes")


@pytest.fixture(autouse=True)
def _own_data_folder(monkeypatch, tmp_path):
    """The user's own data are left alone."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[str]:
    with running(tmp_path, "sandbox", "--port", "0") as command:
        yield command.address()


def settings(sandbox: str) -> dict[str, str]:
    chosen = serve_settings(sandbox, REQUEST_TIMEOUT_SECONDS="2", LEASE_SECONDS="8")
    del chosen["AUTH"]
    return chosen


def emails() -> list[str]:
    """A hundredth is dropped after the invite, a hundredth never gets past the limit."""
    return [
        f"dropped+{n}@example.com"
        if n % 100 == 50
        else f"rate-limited+{n}@example.com"
        if n >= LINES - LINES // 100
        else f"candidate-{n}@example.com"
        for n in range(LINES)
    ]


def write_candidates(folder: Path, addresses: list[str]) -> None:
    rows = ["Name,E-mail", *(f"Candidate {n},{email}" for n, email in enumerate(addresses))]
    (folder / "candidates.csv").write_text("\n".join(rows), "utf-8")


def results(folder: Path) -> list[dict[str, str]]:
    path = folder / "candidates.6578.send-link.results.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def invited(folder: Path) -> int:
    return sum(row["status"] == "invited" for row in results(folder))


def accepted(sandbox: str) -> Counter[str]:
    listed = json.loads(fetch("GET", f"{sandbox}/sandbox/invites"))
    return Counter(invite["candidate_email"] for invite in listed["invites"])


def test_a_killed_run_is_gone_on_with(tmp_path, sandbox):
    """After a kill in the middle, the second run accounts for all and sends nobody twice."""
    write_candidates(tmp_path, emails())
    with running(tmp_path, *WORDS, **settings(sandbox)) as first:
        until = time.monotonic() + 60
        while invited(tmp_path) < LINES // 3:
            assert first.process.poll() is None, first.errors()
            assert time.monotonic() < until
            time.sleep(0.02)
        first.stop(signal.SIGKILL)
    assert invited(tmp_path) < LINES

    with running(tmp_path, *WORDS, "--patience", "3", **settings(sandbox)) as second:
        assert second.end() == 1, second.errors()

    rows, sent = results(tmp_path), accepted(sandbox)
    assert [row["E-mail"] for row in rows] == emails()
    assert max(sent.values()) == 1
    for row in rows:
        if row["status"] == "invited":
            assert sent[row["E-mail"]] == 1
        elif row["status"] == "not invited":
            assert (sent[row["E-mail"]], row["code"]) == (0, "RATE_LIMITED")
    told = Counter(row["status"] for row in rows)
    assert told["not invited"] == LINES // 100
    # A line whose record was written, and not a byte sent, stays open until the list is trusted.
    assert told["unknown"] <= 16
    assert "unknown" in second.printed


def test_ctrl_c_says_how_to_go_on(tmp_path, sandbox):
    """An interrupt ends the run in order, and nothing on the way is lost."""
    write_candidates(tmp_path, [f"candidate-{n}@example.com" for n in range(LINES)])
    with running(tmp_path, *WORDS, **settings(sandbox)) as first:
        until = time.monotonic() + 60
        while not invited(tmp_path):
            assert time.monotonic() < until
            time.sleep(0.02)
        code = first.stop(signal.SIGINT)

    assert code == 130, first.errors()
    assert "Run the same command again" in first.printed
    assert 0 < invited(tmp_path) < LINES
    assert len(results(tmp_path)) == LINES
    assert "Stopping: " in first.errors()
    with running(tmp_path, *WORDS, **settings(sandbox)) as second:
        assert second.end() == 0, second.errors()
    assert accepted(sandbox) == Counter(f"candidate-{n}@example.com" for n in range(LINES))


def test_a_closed_terminal_ends_the_run_in_order(tmp_path, sandbox):
    """Though nobody reads what it says, it ends what it has begun, and the results are whole."""
    write_candidates(tmp_path, [f"candidate-{n}@example.com" for n in range(LINES)])
    with running(tmp_path, *WORDS, **settings(sandbox)) as first:
        until = time.monotonic() + 60
        while not invited(tmp_path):
            assert time.monotonic() < until
            time.sleep(0.02)
        assert first.process.stdout is not None
        first.process.stdout.close()
        first.process.stdout = None
        first.process.send_signal(signal.SIGHUP)
        code = first.process.wait(30)

    assert code == 130, first.errors()
    assert "Traceback" not in first.errors()
    rows, sent = results(tmp_path), accepted(sandbox)
    assert {row["E-mail"] for row in rows if row["status"] == "invited"} == set(sent)
    assert {row["status"] for row in rows} == {"invited", "not invited"}


def test_a_store_in_use_is_told(tmp_path, sandbox):
    """While `serve` holds the SQLite file, the command says so and sends nothing."""
    write_candidates(tmp_path, ["ada@example.com"])
    chosen = serve_settings(sandbox, STORE_URL="sqlite:///gateway.db")
    with running(tmp_path, "serve", **chosen) as serve:
        serve.address()
        with running(tmp_path, *WORDS, **chosen) as command:
            code = command.end()

    assert code == 1
    assert "in use by another gateway process" in command.errors()
    assert accepted(sandbox) == Counter()
    assert results(tmp_path) == []
