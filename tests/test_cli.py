"""The commands say clearly what is wrong and end with the right code."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway import __version__
from gateway.access.token_file import read_token_file, token_line
from gateway.cli import main
from tests.fakes.environment import plain_environment
from tests.fakes.texts import GUIDES

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch, tmp_path):
    """No variable or file of the machine reaches these tests."""
    plain_environment(monkeypatch, tmp_path)


@pytest.fixture(autouse=True)
def _process_as_before():
    """What `serve` sets for the life of its process ends with the test."""
    at_sigterm = signal.getsignal(signal.SIGTERM)
    yield
    gc.enable()
    signal.signal(signal.SIGTERM, at_sigterm)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGHUP])


def run(*words: str, **variables: str):
    return CliRunner(env=variables).invoke(main, words)


@pytest.mark.parametrize("command", [[], *([name] for name in main.commands)], ids=str)
def test_help_reads_well(command):
    """Every command says what it is for."""
    result = run(*command, "--help")

    assert result.exit_code == 0
    assert result.output.startswith("Usage: ")
    assert max(len(line) for line in result.output.splitlines()) <= 100


def test_nothing_is_loaded_before_it_is_needed():
    """Help comes at once, and Ctrl-C while a command loads ends it in a word, not a traceback."""
    script = "import gateway.cli, sys; print(*sys.modules, sep='\\n')"
    loaded = subprocess.check_output([sys.executable, "-c", script], text=True, cwd=ROOT).split()

    assert "click" in loaded
    assert not {"graphql", "pydantic", "starlette", "strawberry", "uvicorn"} & set(loaded)


def test_version_is_told():
    """The version is the package's."""
    assert run("--version").output == f"gateway, version {__version__}\n"


def test_schema_is_printed():
    """Tools read it from standard output."""
    assert run("schema").output == (ROOT / "schema.graphql").read_text("utf-8")


def test_subgraph_is_printed_and_checked(tmp_path):
    """Composers read it from a file, which can be checked as the plain one can."""
    printed = run("schema", "--federation").output
    (tmp_path / "subgraph.graphql").write_text(printed)

    checks = [
        run("schema", *more, "--check", "subgraph.graphql") for more in ([], ["--federation"])
    ]

    assert printed.startswith("extend schema\n  @link(")
    assert [check.exit_code for check in checks] == [1, 0]


def test_schema_check_passes():
    """The file in the repository is what the code prints."""
    result = run("schema", "--check", str(ROOT / "schema.graphql"))

    assert (result.exit_code, result.output) == (0, "")


def test_schema_check_shows_the_difference(tmp_path):
    """A reader sees what to change."""
    changed = (ROOT / "schema.graphql").read_text("utf-8").replace("retryable", "repeatable")
    (tmp_path / "old.graphql").write_text(changed)

    result = run("schema", "--check", "old.graphql")

    assert result.exit_code == 1
    assert "-  repeatable: Boolean!" in result.output
    assert "+  retryable: Boolean!" in result.output


def test_schema_check_sees_line_breaks(tmp_path):
    """A lost last line break is a difference, too."""
    (tmp_path / "old.graphql").write_text((ROOT / "schema.graphql").read_text("utf-8").rstrip())

    result = run("schema", "--check", "old.graphql")

    assert result.exit_code == 1
    assert result.output.endswith("\n-}\n\\ No newline at end of file\n+}\n")


def test_schema_check_of_a_missing_file():
    """One line, no traceback."""
    result = run("schema", "--check", "absent.graphql")

    assert result.exit_code == 1
    assert result.output == "Error: absent.graphql cannot be read: No such file or directory\n"


def test_wrong_settings_end_with_code_2():
    """All faults at once, one line each."""
    result = run("serve", GATEWAY_PORT="http")

    assert result.exit_code == 2
    assert [line.partition(":")[0].strip() for line in result.output.splitlines()] == [
        "Error",
        "GATEWAY_AUTH",
        "GATEWAY_UPSTREAM_API_KEY_FILE",
        "GATEWAY_PORT",
    ]


def test_a_token_is_printed_with_its_line(tmp_path):
    """The second line, put into the file, lets in whoever has the first."""
    result = run("token", "ats")
    token, line = result.stdout.splitlines()
    (tmp_path / "tokens").write_text(line)

    assert result.exit_code == 0
    assert token not in line
    assert read_token_file(tmp_path / "tokens")[0].caller.name == "ats"
    assert line == token_line("ats", token)


def test_a_name_that_cannot_be_one_is_refused():
    """What would break the file is said at once."""
    result = run("token", "two words")

    assert result.exit_code == 2
    assert "a name has up to 64 letters" in result.output


def test_an_interrupt_while_the_command_is_read_has_the_same_code(monkeypatch):
    """A Ctrl-C that comes at once is not taken for a list that was worked through."""

    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("gateway.invites.inputs.id_problem", interrupted)

    result = run(
        "invite", "x", "--track", "1", "--format", "get-link", GATEWAY_UPSTREAM_API_KEY="key"
    )

    assert (result.exit_code, result.output) == (130, "Interrupted.\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_its_commands(shell):
    """The lines of the guide for operators do what they say."""
    asked = {"_GATEWAY_COMPLETE": f"{shell}_source"}

    printed = CliRunner().invoke(main, prog_name="gateway", env=asked).output

    assert f"_GATEWAY_COMPLETE={shell}_complete" in printed
    assert f"{shell}_source" in GUIDES["operations"]
