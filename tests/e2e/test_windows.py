"""What people run on their own machines needs nothing that Windows lacks."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.e2e.conftest import fetch
from tests.e2e.processes import Command, program, running

TRACK = ("--track", "6578", "--format", "send-link")


@pytest.fixture(autouse=True)
def _own_data_folder(monkeypatch, tmp_path):
    """The user's own data are left alone."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[dict[str, str]]:
    with running(tmp_path, "sandbox", "--port", "0") as command:
        yield {"UPSTREAM_URL": command.address(), "UPSTREAM_API_KEY": "sandbox-key"}


def on_windows(folder: Path, *words: str, **settings: str) -> AbstractContextManager[Command]:
    return program(folder, sys.executable, "-m", "tests.e2e.windows_like", *words, **settings)


def test_schema_and_check(tmp_path):
    """They print what they print elsewhere."""
    with on_windows(tmp_path, "schema") as schema:
        assert schema.end() == 0, schema.errors()
    with on_windows(tmp_path, "check", UPSTREAM_API_KEY="key", AUTH="none") as check:
        assert check.end() == 0, check.errors()

    assert "type Mutation" in schema.printed


@pytest.mark.parametrize("command", ["dev", "sandbox"])
def test_servers_on_this_machine(tmp_path, command):
    """They serve, and Ctrl-C ends them in order."""
    with on_windows(tmp_path, command, "--port", "0") as server:
        address = server.address()
        path = "/sandbox/invites" if command == "sandbox" else "/graphql?query={__typename}"
        answer = fetch("GET", address + path)

        assert server.stop(signal.SIGINT) == 0, server.errors()
    assert answer.startswith("{")


def test_a_list_is_invited_once(tmp_path, sandbox):
    """With a preview, a lock and a memory; a second run sends nothing."""
    (tmp_path / "list.csv").write_text("name,email\nAda,ada@example.com\n")
    with on_windows(tmp_path, "invite", "list.csv", *TRACK, "--dry-run", **sandbox) as dry:
        assert dry.end() == 0, dry.errors()

    for _ in range(2):
        with on_windows(tmp_path, "invite", "list.csv", *TRACK, "--yes", **sandbox) as run:
            assert run.end() == 0, run.errors()

    assert "1 invited (1 of them before this run)" in run.printed
    assert fetch("GET", sandbox["UPSTREAM_URL"] + "/sandbox/invites").count("ada@") == 1


def test_ctrl_c_ends_a_list_in_order(tmp_path, sandbox):
    """As on other systems."""
    lines = [f"Ada,rate-limited+{number}@example.com" for number in range(50)]
    (tmp_path / "list.csv").write_text("\n".join(["name,email", *lines]))
    with on_windows(tmp_path, "invite", "list.csv", *TRACK, "--yes", **sandbox) as run:
        run.read_to("track")

        code = run.stop(signal.SIGINT)

    assert code == 130, run.errors()
    assert "Run the same command again" in run.printed


def test_serve_says_what_to_use(tmp_path):
    """In one line."""
    with on_windows(tmp_path, "serve", UPSTREAM_API_KEY="key", AUTH="none") as serve:
        assert serve.end() == 1

    assert serve.errors().splitlines() == [
        (
            "Error: `gateway serve` does not run on Windows: run it on Linux, in WSL or in a"
            " container. The other commands run here."
        )
    ]
