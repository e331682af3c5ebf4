"""`gateway invite` as its user sees it, against the real stand-in."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import click
import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.commands import invite as command
from gateway.sandbox import create_sandbox, running_sandbox
from tests.fakes.environment import plain_environment

WORDS = ("invite", "list.csv", "--track", "6578", "--format", "get-link")
MAIL = ("invite", "list.csv", "--track", "6578", "--format", "send-link")
RESULTS = "list.6578.get-link.results.csv"


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch, tmp_path):
    """No variable or file of the machine reaches these tests."""
    plain_environment(monkeypatch, tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "120")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[str]:
    """The stand-in, in an event loop of its own."""
    ready, addresses = threading.Event(), []
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        async with running_sandbox(create_sandbox()) as address:
            addresses.append(address)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    yield addresses[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()


@pytest.fixture
def run(sandbox):
    """Runs the command; `answer` is what is typed at its question."""
    ask(sandbox, "DELETE")

    def invite(*words: str, answer: str | None = None, **variables: str) -> Result:
        chosen = {
            "GATEWAY_UPSTREAM_URL": sandbox,
            "GATEWAY_UPSTREAM_API_KEY": "sandbox-key",
            **variables,
        }
        return CliRunner(env=chosen).invoke(main, words, input=answer)

    return invite


@pytest.fixture
def terminal(monkeypatch):
    """Somebody is there to be asked."""
    monkeypatch.setattr(command, "_is_at_terminal", lambda: True)


def ask(sandbox: str, method: str = "GET") -> str:
    connection = HTTPConnection(urlsplit(sandbox).netloc, timeout=10)
    try:
        connection.request(method, "/sandbox/invites")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def emails(sandbox: str) -> list[str]:
    return [invite["candidate_email"] for invite in json.loads(ask(sandbox))["invites"]]


def write(text: str, name: str = "list.csv") -> Path:
    path = Path(name)
    path.write_bytes(text.encode())
    return path


def people(*names: str) -> str:
    return "\n".join(["name,email", *(f"{name},{name.lower()}@example.com" for name in names)])


def test_a_dry_run_shows_what_would_be_sent(run, sandbox, tmp_path):
    """It needs no key, sends nothing, makes no file, and fails if a row cannot be sent."""
    sheet = write("name,email\nAda,ada@example.com\n,nobody\nada,ADA@example.com\n").resolve()

    result = run(*WORDS, "--dry-run", GATEWAY_UPSTREAM_API_KEY="")

    assert result.exit_code == 1, result.output
    assert result.output.splitlines() == [
        "list.csv: 3 rows below the heading in row 1",
        "  read as UTF-8",
        '  name    "name"',
        '  e-mail  "email"',
        "  row 2  Ada <ada@example.com>",
        "  row 3  (no name) <nobody>",
        "  row 4  ada <ADA@example.com>",
        "Cannot be sent:",
        (
            '  row 3: name: Must not be blank.; e-mail "nobody": Must be one e-mail address that mail'
            " can be sent to, like"
        ),
        "    name@example.com.",
        "1 person would get a link, 1 cannot be sent, 1 the same row again. Nothing was sent.",
    ]
    assert list(tmp_path.iterdir()) == [sheet]
    assert emails(sandbox) == []


def test_a_dry_run_knows_who_is_invited(run):
    """By the store, and by the results of an earlier run."""
    write(people("Ada", "Bob"))
    run(*WORDS, "--limit", "1")
    Path(RESULTS).write_text("email,status\nbob@example.com,?\n")

    result = run(*WORDS, "--dry-run")

    assert result.exit_code == 0
    assert "0 people would get a link, 1 invited already, 1 held back" in result.output


@pytest.mark.parametrize(
    ("track", "key", "code", "told"),
    [
        ("6578", "sandbox-key", 0, "  track   6578, Track 6578"),
        ("404404", "sandbox-key", 1, "  track   404404: the platform does not find the track"),
        ("6578", "wrong", 1, "  track   6578: the platform does not accept the API key"),
        ("6578", "", 2, "GATEWAY_UPSTREAM_API_KEY_FILE"),
    ],
)
def test_a_dry_run_can_try_key_and_track(run, track, key, code, told):
    """Before the first list is sent, and without sending anything."""
    write(people("Ada"))

    result = run(
        *WORDS[:3], track, *WORDS[4:], "--dry-run", "--connect", GATEWAY_UPSTREAM_API_KEY=key
    )

    assert result.exit_code == code
    assert told in result.output


def test_trying_the_key_is_part_of_a_dry_run(run):
    """A run looks at the track by itself."""
    write(people("Ada"))

    assert run(*WORDS, "--connect").exit_code == 2


def test_links_are_made_without_a_question(run, sandbox):
    """Nobody is e-mailed by them; where things are kept is said."""
    write(people("Ada", "Bob"))

    result = run(*WORDS)

    assert result.exit_code == 0, result.output
    assert "2 rows: 2 invited, 0 not invited, 0 unknown." in result.output
    assert f"Results: {RESULTS}" in result.output
    assert "remembered in" in result.output
    assert sorted(emails(sandbox)) == ["ada@example.com", "bob@example.com"]


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize(
    ("answer", "code", "count"), [("y\n", 0, 2), ("n\n", 1, 0), ("\n", 1, 0), ("", 130, 0)]
)
def test_e_mails_are_asked_about(run, sandbox, answer, code, count):
    """Only a yes sends them."""
    write(people("Ada", "Bob"))

    result = run(*MAIL, answer=answer)

    assert result.exit_code == code
    assert "E-mail 2 people for track 6578, Track 6578? [y/N]" in result.output
    assert ("Nothing was sent." in result.output) is (count == 0)
    assert len(emails(sandbox)) == count


@pytest.mark.usefixtures("terminal")
def test_ctrl_c_at_the_question_is_a_no(run, sandbox, monkeypatch):
    """And not a traceback, nor a key that has to be pressed twice."""
    write(people("Ada"))

    def interrupted(_: str) -> bool:
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        raise KeyboardInterrupt

    monkeypatch.setattr(click, "confirm", interrupted)

    result = run(*MAIL)

    assert result.exit_code == 130
    assert "Nothing was sent." in result.output
    assert emails(sandbox) == []


@pytest.mark.usefixtures("terminal")
def test_nobody_to_e_mail_is_no_question(run):
    """A second run has nothing to ask."""
    write(people("Ada"))
    run(*MAIL, "--yes")

    result = run(*MAIL)

    assert result.exit_code == 0
    assert "E-mail" not in result.output
    assert "1 invited (1 of them before this run)" in result.output


def test_a_script_has_to_say_yes(run, sandbox):
    """Where nobody can be asked, nobody is e-mailed without it."""
    write(people("Ada"))

    refused, sent = run(*MAIL), run(*MAIL, "--yes")

    assert (refused.exit_code, sent.exit_code) == (2, 0)
    assert "say --yes" in refused.output
    assert len(emails(sandbox)) == 1


def test_those_who_failed_make_a_list_to_correct(run, sandbox):
    """With the list's own columns and the reason; corrected, it is run as any other."""
    write("phone;name;email\n1;Ada;ada@example.com\n2;Bob;bob@example,com\n")

    first = run(*WORDS, "--failed", "failed.csv")
    text = Path("failed.csv").read_text("utf-8-sig")
    Path("failed.csv").write_text(text.replace("example,com", "example.com"))
    second = run("invite", "failed.csv", *WORDS[2:])
    third = run("invite", "failed.csv", *WORDS[2:], "--failed", "more.csv")
    there = run(*WORDS, "--failed", "failed.csv")

    assert text.splitlines()[0] == "phone;name;email;reason"
    assert text.splitlines()[1].startswith('2;Bob;bob@example,com;"e-mail ""bob@example,com"": ')
    assert [one.exit_code for one in (first, second, third, there)] == [1, 0, 0, 1]
    assert "To correct and run again: failed.csv" in first.output
    assert "Nothing failed, so more.csv was not written." in third.output
    assert "failed.csv is there already" in there.output
    assert sorted(emails(sandbox)) == ["ada@example.com", "bob@example.com"]


def test_results_are_gone_on_with_in_place(run, sandbox):
    """Handed in as the list, they are their own results."""
    write(people("Ada", "invalid"))
    run(*WORDS)

    again = run("invite", RESULTS, *WORDS[2:])

    assert again.exit_code == 1
    assert f"Results: {RESULTS}" in again.output
    assert Path(RESULTS).read_text("utf-8-sig").count("@example.com") == 2
    assert emails(sandbox) == ["ada@example.com"]


def test_the_list_is_not_written_over(run):
    """Its name in --result is a slip."""
    sheet = write(people("Ada"))

    result = run(*WORDS, "--result", "list.csv")

    assert (result.exit_code, sheet.read_text()) == (1, people("Ada"))
    assert "list.csv is the list: choose another file for --result" in result.output


def test_a_template_is_written_once():
    """A list to fill in, and no other option is needed."""
    runner = CliRunner()

    made = runner.invoke(main, ["invite", "--template", "new.csv"])
    again = runner.invoke(main, ["invite", "--template", "new.csv"])

    assert made.exit_code == 0
    assert Path("new.csv").read_bytes() == b"\xef\xbb\xbfName,Email\r\n"
    assert (again.exit_code, "there already" in again.output) == (1, True)


@pytest.mark.parametrize("track", ["x", "", "0", "../1"])
@pytest.mark.parametrize("more", [(), ("--dry-run",)], ids=["run", "dry run"])
def test_a_wrong_track_is_told_once(run, tmp_path, track, more):
    """The option is wrong, and not each row; no file is written."""
    write(people("Ada", "Bob"))

    result = run(*WORDS[:3], track, *WORDS[4:], *more)

    assert result.exit_code == 2
    assert result.output.count("Invalid value for '--track': Must be a whole number") == 1
    assert [one.name for one in tmp_path.iterdir()] == ["list.csv"]


@pytest.mark.parametrize(
    ("words", "text", "code", "message"),
    [
        ((), "who,where\n", 1, "no column is known to hold names"),
        (
            ("--email-column", "where", "--name-column", "who"),
            "who,where\nA,?\n",
            1,
            '"?": Must be',
        ),
        (("--encoding", "klingon"), "", 2, "klingon is not known"),
        (("--encoding", "utf-16"), "name,email\n", 1, "the file is empty|no column"),
    ],
)
def test_slips_are_told(run, words, text, code, message):
    """One line, no traceback, and nothing is sent."""
    write(text)

    result = run(*WORDS, *words)

    assert result.exit_code == code
    assert any(part in result.output for part in message.split("|")), result.output
    assert "Traceback" not in result.output


def test_settings_are_needed_but_no_callers(run):
    """What is missing is named, as for the other commands; GATEWAY_AUTH is not missed."""
    write(people("Ada"))

    missing = run(*WORDS, GATEWAY_UPSTREAM_API_KEY="")
    wrong = run(*WORDS, "--dry-run", GATEWAY_PORT="x")
    forwarding = run(*WORDS, GATEWAY_UPSTREAM_API_KEY="", GATEWAY_UPSTREAM_API_KEY_MODE="forward")
    gone = {"GATEWAY_UPSTREAM_API_KEY": "", "GATEWAY_UPSTREAM_API_KEY_FILE": "gone"}
    unreadable = run(*WORDS, "--dry-run", **gone)

    assert {one.exit_code for one in (missing, wrong, forwarding, unreadable)} == {2}
    assert "GATEWAY_UPSTREAM_API_KEY_FILE: cannot be read" in unreadable.output
    assert "GATEWAY_UPSTREAM_API_KEY_FILE" in missing.output
    assert "GATEWAY_AUTH" not in missing.output + wrong.output
    assert "GATEWAY_PORT" in wrong.output
    assert forwarding.output == missing.output


def test_a_platform_that_is_not_there(run):
    """Each row says so, and the results too."""
    write(people("Ada"))

    result = run(*WORDS, GATEWAY_UPSTREAM_URL="http://127.0.0.1:1", GATEWAY_RETRY_ATTEMPTS="1")

    assert result.exit_code == 1
    assert "0 invited, 1 not invited, 0 unknown" in result.output
    assert "could not be reached" in result.output


def test_another_run_is_waited_for(run, tmp_path):
    """One store serves one run at a time; who has it is said in plain words."""
    from gateway.stores.sqlite import SqliteStore  # noqa: PLC0415 - one test needs it

    write(people("Ada"))
    run(*WORDS)
    store = SqliteStore(tmp_path / "data" / "track-invite-gateway" / "invites.db")

    async def meanwhile() -> Result:
        await store.open()
        result: Result = await asyncio.to_thread(run, *WORDS)
        await store.close()
        return result

    result = asyncio.run(meanwhile())

    assert result.exit_code == 1
    assert "Error: another `gateway invite` is running: wait for its end" in result.output


def test_accounts_are_kept_apart(run, sandbox):
    """The same track number on another account is another track."""
    write(people("Ada"))
    run(*WORDS, "--account", "north", "--result", "north.csv")

    run(*WORDS, "--account", "south", "--result", "south.csv")
    run(*WORDS, "--account", "north", "--result", "again.csv")

    assert len(emails(sandbox)) == 2


@pytest.mark.parametrize("columns", ["60", "80"])
def test_lines_fit_the_terminal(run, monkeypatch, columns):
    """What is long is broken between words."""
    monkeypatch.setenv("COLUMNS", columns)
    write("name,email\nAda,ada\nBob,invalid@example.com\nCy,conflict@example.com\n")

    told = run(*WORDS).output.splitlines()

    assert max(map(len, (line for line in told if "/" not in line))) <= int(columns)
