"""The command's way through a list, against the stand-in in this process."""

from __future__ import annotations

import asyncio
import csv
import errno
import os
import re
import signal
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.sandbox import API_KEY, create_sandbox, running_sandbox
from gateway.spreadsheet import results as results_module
from gateway.spreadsheet.candidates import read_candidates
from gateway.spreadsheet.invite_list import Sheet
from gateway.spreadsheet.plan import Plan
from gateway.spreadsheet.report import ReportError
from gateway.spreadsheet.results import ResultsFile, ResultsFileError
from gateway.spreadsheet.run import invite_all
from gateway.spreadsheet.tally import Tally
from gateway.spreadsheet.track import TrackLook
from tests.fakes.settings import settings

EXCEL_16 = "line,name,email,track,format,status,link,code,reason\r\n"


class Script:
    """What happens to the next POSTs before the stand-in sees them."""

    def __init__(self, sandbox: ASGIApp) -> None:
        self.refusals: list[int] = []
        self.signal_at = ""
        self.signal = signal.SIGINT
        self.going_on = asyncio.Event()
        self.going_on.set()
        self.reached = asyncio.Event()
        self._sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._sandbox(scope, receive, send)
            return
        message = await receive()
        messages = [message]
        self.reached.set()
        if self.signal_at and self.signal_at in message["body"].decode():
            os.kill(os.getpid(), self.signal)
            self.going_on.set()
        else:
            await self.going_on.wait()
        if self.refusals:
            refusal = JSONResponse({"error": "no"}, self.refusals.pop())
            await refusal(scope, receive, send)
            return

        async def again() -> Message:
            return messages.pop() if messages else await receive()

        await self._sandbox(scope, again, send)


class FakeScreen:
    """A person who agrees, or not, and what was shown to them."""

    def __init__(self) -> None:
        self.agrees = True
        self.plans: list[Plan] = []
        self.tracks: list[str] = []
        self.waits: list[str] = []
        self.stops = 0

    def confirm(self, plan: Plan, track: TrackLook) -> bool:
        self.plans.append(plan)
        self.tracks.append(track.name)
        return self.agrees

    def progress(self, done: int, waits_for: str) -> None:
        if waits_for:
            self.waits.append(waits_for)

    def stopping(self) -> None:
        self.stops += 1


@pytest.fixture
def script() -> Script:
    return Script(create_sandbox())


@pytest.fixture
async def sandbox(script: Script) -> AsyncIterator[str]:
    async with running_sandbox(script, port=0) as address:
        yield address


@pytest.fixture
def screen() -> FakeScreen:
    return FakeScreen()


@pytest.fixture
def inviting(tmp_path, sandbox, screen):
    """Runs the command's core over a list, from whichever folder, with the user's one store."""

    async def run(
        text: str | bytes,
        *,
        folder: str = "one",
        result: str | None = None,
        track: str = "6578",
        format_: str = "send-link",
        patience: float = 1,
        limit: int | None = None,
        account: str = "platform",
        store: str = "gateway.db",
        **given: object,
    ) -> Tally:
        home = tmp_path / folder
        home.mkdir(exist_ok=True)
        path = home / "people.csv"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        chosen = settings(
            upstream_url=sandbox,
            upstream_api_key=SecretStr(API_KEY),
            store_url=SecretStr(f"sqlite:///{tmp_path / store}"),
            **{"bulk_concurrency": 1, **given},
        )
        results = ResultsFile(
            home / (result or "results.csv"), track=track, format_=format_, locks=tmp_path / "locks"
        )
        sheet = Sheet(read_candidates(path), track, format_, account)
        return await invite_all(
            chosen, sheet, results, screen, patience_seconds=patience, limit=limit
        )

    return run


def people(*emails: str, name: str = "Ada") -> str:
    return "\n".join(["name,email", *(f"{name},{email}" for email in emails)])


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def rows(tmp_path):
    def told(folder: str = "one") -> list[tuple[str, str, str]]:
        listed = read(tmp_path / folder / "results.csv")
        return [(row["email"], row["status"], row["code"]) for row in listed]

    return told


async def accepted(sandbox: str) -> list[dict[str, Any]]:
    async with httpx2.AsyncClient(trust_env=False) as client:
        listed = (await client.get(f"{sandbox}/sandbox/invites")).json()
    invites: list[dict[str, Any]] = listed["invites"]
    return invites


async def sent(sandbox: str) -> Counter[str]:
    return Counter(invite["candidate_email"] for invite in await accepted(sandbox))


def statuses(tally: Tally) -> list[str]:
    return [one.outcome.value for _, one in tally.standings]


async def test_each_row_has_its_result(inviting, rows):
    """What is wrong with a row stops no other, and the list's own columns come first."""
    text = "phone,name,email\n1,Ada,a@example.com\n2,Ada,nobody\n3,Ada,conflict@example.com\n"

    tally = await inviting(text)

    assert rows() == [
        ("a@example.com", "invited", ""),
        ("nobody", "not invited", "INVALID_INPUT"),
        ("conflict@example.com", "not invited", "ALREADY_INVITED"),
    ]
    assert statuses(tally) == ["INVITED", "NOT_INVITED", "NOT_INVITED"]
    assert not tally.is_complete


async def test_results_keep_the_lists_columns(inviting, tmp_path):
    """Each row of the list stands in its place, whole, with what became of it behind."""
    await inviting("Phone;Name;E-Mail\n+49 1;Ada;a@example.com\n2;Bob;\n")

    text = (tmp_path / "one" / "results.csv").read_bytes()
    heading, ada, bob = text.decode("utf-8-sig").splitlines()
    assert heading == "Phone;Name;E-Mail;track;format;status;link;code;reason"
    assert ada.startswith("'+49 1;Ada;a@example.com;6578;send-link;invited;http://127.0.0.1")
    assert bob.startswith("2;Bob;;6578;send-link;not invited;;INVALID_INPUT;e-mail: ")


async def test_a_second_run_sends_what_is_left(inviting, rows, sandbox):
    """Rows may have moved, and new ones may have come."""
    await inviting(people("a@example.com", "b@example.com"))

    tally = await inviting(people("new@example.com", "b@example.com", "a@example.com"))

    assert tally.is_complete
    assert sum(one.is_earlier for _, one in tally.standings) == 2
    assert [status for _, status, _ in rows()] == ["invited"] * 3
    assert set((await sent(sandbox)).values()) == {1}


@pytest.mark.parametrize(
    "again",
    [{"folder": "two"}, {"result": "other.csv"}, {}],
    ids=["another folder", "another results file", "results deleted"],
)
async def test_the_store_knows_whom_it_has_invited(inviting, sandbox, tmp_path, again):
    """Without the results, under other names and in other letters, nobody is invited twice."""
    await inviting(people("a@example.com", "b@xn--strae-oqa.de"))
    (tmp_path / "one" / "results.csv").unlink()

    tally = await inviting(people("A@Example.com", "b@straße.de", name="ADA K."), **again)

    assert tally.is_complete
    assert [one.is_earlier for _, one in tally.standings] == [True, True]
    assert all(one.link for _, one in tally.standings)
    assert len(await accepted(sandbox)) == 2


@pytest.mark.parametrize("other", [{"track": "1"}, {"format_": "get-link"}, {"account": "another"}])
async def test_another_invite_is_sent(inviting, sandbox, other):
    """To another track, in another format, on another account: that is not the same invite."""
    await inviting(people("a@example.com"))

    await inviting(people("a@example.com"), result="other.csv", **other)

    assert len(await accepted(sandbox)) == 2


async def test_a_person_in_doubt_is_not_sent_again(inviting, rows, sandbox):
    """Neither from another folder nor under a corrected name."""
    await inviting(people("dropped@example.com"), read_back=False)

    for folder, name in (("two", "Ada"), ("one", "Ada Lovelace")):
        await inviting(people("Dropped@example.com", name=name), folder=folder, read_back=False)

    assert [status for _, status, _ in rows()] == ["unknown"]
    assert await sent(sandbox) == {"dropped@example.com": 1}


async def test_a_doubt_is_settled_by_the_next_run(inviting, rows, screen, sandbox):
    """By one look at the platform's list, before anything is asked or sent."""
    emails = ("dropped+1@example.com", "dropped+2@example.com")
    await inviting(people(*emails), read_back=False)

    tally = await inviting(people(*emails))

    assert tally.is_complete
    assert len(screen.plans[-1].invited) == 2
    assert [status for _, status, _ in rows()] == ["invited"] * 2
    assert set((await sent(sandbox)).values()) == {1}


async def test_a_corrected_name_is_sent_where_nothing_was(inviting, sandbox, script):
    """What was refused goes out as the row says now."""
    script.refusals = [400]
    await inviting(people("a@example.com", name="Adda"))

    tally = await inviting(people("a@example.com"))

    assert tally.is_complete
    assert [invite["candidate_name"] for invite in await accepted(sandbox)] == ["Ada"]


@pytest.mark.parametrize("status", [400, 404, 409])
async def test_what_was_refused_is_asked_for_again(inviting, script, rows, status):
    """Its cause may be gone by the next run; the results never say more than one thing of it."""
    script.refusals = [status] * 2
    refused = [await inviting(people("a@example.com")) for _ in range(2)]
    told = rows()

    tally = await inviting(people("a@example.com"))

    assert [statuses(one) for one in refused] == [["NOT_INVITED"]] * 2
    assert [status for _, status, _ in told] == ["not invited"]
    assert tally.is_complete


# What results look like after a spreadsheet program has saved them.
RESAVED = {
    "cells dropped at row ends": (
        EXCEL_16 + "2,Ada,a@example.com,6578,send-link,invited",
        "INVITED",
    ),
    "status dropped": (EXCEL_16 + "2,Ada,a@example.com,6578,send-link", "UNKNOWN"),
    "one column": (EXCEL_16 + '"2,""Doe, A"",a@example.com,6578,send-link,invited,,,"', "INVITED"),
    "semicolons": (
        "name;email;track;format;status;link;code;reason\nA;a@example.com;6578;send-link;invited",
        "INVITED",
    ),
    "sep line": (
        "sep=;\nname;email;track;format;status;link;code;reason\nA;a@example.com;6578;;invited",
        "INVITED",
    ),
    "tabs in UTF-16": (
        "name\temail\ttrack\tformat\tstatus\nMüller\ta@example.com\t6578\tsend-link\tinvited".encode(
            "utf-16"
        ),
        "INVITED",
    ),
    "code page": (
        "name,email,status\nMüller,a@example.com,invited\n".encode("cp1252"),
        "INVITED",
    ),
    "capitals": ("name,email,status\nA,A@EXAMPLE.COM,Invited\n", "INVITED"),
    "another word": ("name,email,status\nA,a@example.com,eingeladen\n", "UNKNOWN"),
    "grouped number": ('name,email,track,status\nA,a@example.com,"6,578",invited\n', "INVITED"),
    "number in powers": ("name,email,track,status\nA,a@example.com,6.58E+03,invited\n", "INVITED"),
    "number with decimals": (
        "name,email,track,status\nA,a@example.com,6578.0,invited\n",
        "INVITED",
    ),
    "notes and title": (
        "Done by Eve,,,,\n\nnotes,status,name,email,more\nx,unknown,A,a@example.com,y\n",
        "UNKNOWN",
    ),
    "both words": ("email,status\na@example.com,not invited\nA@example.com,invited\n", "INVITED"),
}


@pytest.mark.parametrize("case", RESAVED)
async def test_results_alone_hold_back(inviting, tmp_path, sandbox, case):
    """On another machine, or once the store is lost, whoever may be invited is not sent."""
    content, outcome = RESAVED[case]
    home = tmp_path / "one"
    home.mkdir()
    path = home / "results.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)

    tally = await inviting(people("a@example.com", "b@example.com"))
    again = await inviting(people("a@example.com", "b@example.com"))

    assert statuses(tally) == statuses(again) == [outcome, "INVITED"]
    assert await sent(sandbox) == {"b@example.com": 1}


async def test_what_results_alone_knew_is_remembered(inviting, tmp_path, sandbox):
    """Once read, they may be deleted too; until then their link is told."""
    (tmp_path / "one").mkdir()
    path = tmp_path / "one" / "results.csv"
    path.write_text("email,status,link\na@example.com,invited,https://t.example/1\n")
    tallies = [await inviting(people("a@example.com")) for _ in range(2)]
    path.unlink()

    tallies.append(await inviting(people("a@example.com")))

    standings = [tally.standings[0][1] for tally in tallies]
    assert [one.link for one in standings] == ["https://t.example/1"] * 2 + [""]
    assert {one.reason for one in standings} == {
        "Invited according to the results of an earlier run."
    }
    assert await accepted(sandbox) == []


@pytest.mark.parametrize(
    "content",
    [
        "email,status\na@example.com,not invited\n",
        "email,status\na@example.com,NOT_INVITED\n",
        "email,status,track,format\na@example.com,not invited,6578,send-link\n",
    ],
)
async def test_results_release_only_who_is_plainly_not_invited(inviting, tmp_path, content):
    """Those whom the results say not to be invited are sent, unless the store knows better."""
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "results.csv").write_text(content)

    tally = await inviting(people("a@example.com"))
    (tmp_path / "one" / "results.csv").write_text("email,status\na@example.com,not invited\n")
    again = await inviting(people("a@example.com"))

    assert tally.is_complete
    assert again.standings[0][1].is_earlier


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("email,status\n?,invited\n", "row 2: there is no e-mail address that can be read"),
        ("name,address\nA,a@example.com\n", "has no heading with an e-mail address and `status`"),
        ('email,status\nzoë@example.com,"invited\n', "row 2 is no CSV"),
        ("email,status,track\na@example.com,invited,7\n", "for another track or format: choose"),
        (
            "email,status,track\na@example.com,invited,6578\nb@example.com,invited,7\n",
            "for another track or format, in row 3: move",
        ),
    ],
)
async def test_results_that_are_not_understood_stop_the_run(
    inviting, tmp_path, sandbox, content, message
):
    """Nothing is sent, the file stays as it is, and the person learns what to do."""
    (tmp_path / "one").mkdir()
    path = tmp_path / "one" / "results.csv"
    path.write_text(content)

    with pytest.raises(ReportError, match=message):
        await inviting(people("b@example.com"))

    assert path.read_text() == content
    assert await accepted(sandbox) == []


async def test_a_list_in_an_old_encoding_is_run_again(inviting, sandbox):
    """Its results, in the same one, are understood."""
    text = "name,email\nŁukasz Żółć,a@example.com\n".encode("cp1250")

    tallies = [await inviting(text) for _ in range(2)]

    assert all(tally.is_complete for tally in tallies)
    assert [one["candidate_name"] for one in await accepted(sandbox)] == ["Łukasz Żółć"]


async def test_a_doubt_is_looked_up_on_the_platform(inviting, tmp_path, sandbox):
    """The person reads whether the platform lists whom the results leave open."""
    await inviting(people("a@example.com"), store="lost.db")
    (tmp_path / "one" / "results.csv").write_text(
        "email,status\na@example.com,?\nb@example.com,?\n"
    )

    tally = await inviting(people("a@example.com", "b@example.com"))
    blind = await inviting(people("a@example.com"), read_back=False)

    reasons = [one.reason for _, one in (*tally.standings, *blind.standings)]
    assert "platform lists this person" in reasons[0]
    assert "does not list this person" in reasons[1]
    assert "could not be read" in reasons[2]
    assert await sent(sandbox) == {"a@example.com": 1}


async def test_results_are_a_list_too(inviting, sandbox):
    """A report handed in as the list holds back whom it reports, and sends to whom it shows."""
    report = (
        EXCEL_16
        + "2,Ada,'+ada@example.com,6578,send-link,not invited,,RATE_LIMITED,x\r\n"
        + "3,Bob,bob@example.com,6578,send-link,Invited,,,\r\n"
    )

    tally = await inviting(report)

    assert statuses(tally) == ["INVITED", "INVITED"]
    assert await sent(sandbox) == {"+ada@example.com": 1}


async def test_one_row_for_each_row_of_today(inviting, rows):
    """A correction leaves no row of yesterday behind."""
    await inviting("name,email\nAda,ada@example,com\nCy,cy@example..com\n,dy@example.com\n")

    tally = await inviting(
        "name,email\nCy,cy@example.com\nDy,dy@example.com\nAda,ada@example.com\n"
    )

    assert tally.is_complete
    assert rows() == [(f"{one}@example.com", "invited", "") for one in ("cy", "dy", "ada")]


async def test_the_same_row_twice_is_no_failure(inviting, rows, sandbox):
    """It shares the first one's result; the same address with another name is one too many."""
    text = "name,email\nAda,a@example.com\nADA ,A@example.com\nBob,a@example.com\n"

    tally = await inviting(text)

    assert [status for _, status, _ in rows()] == ["invited", "invited", "not invited"]
    assert "row 2 has the same address" in tally.standings[2][1].reason
    assert len(await accepted(sandbox)) == 1


async def test_a_row_in_doubt_says_when_it_can_be_settled(inviting, tmp_path):
    """The quiet period after the look-up that did not find the person, for all rows alike."""
    days = 1
    quiet = {"read_back_quiet_seconds": days * 86_400}
    began = datetime.now(UTC)

    tally = await inviting(people("broken@a.example", "broken@b.example"), **quiet)

    reasons = {one.reason for _, one in tally.standings}
    assert reasons == {row["reason"] for row in read(tmp_path / "one" / "results.csv")}
    (reason,) = reasons
    found = re.search(r"again after (\d{4}-\d\d-\d\d \d\d:\d\d): it looks", reason)
    assert found is not None
    said = datetime.fromisoformat(found[1]).astimezone()
    assert began + timedelta(days=days) <= said
    assert said <= datetime.now(UTC) + timedelta(days=days, minutes=1)
    assert reason in tally.summary()


async def test_a_limit_leaves_the_rest_for_later(inviting, rows):
    """A first trial sends a few; those invited already do not count."""
    await inviting(people("a@example.com"))
    emails = [f"{sign}@example.com" for sign in "abcd"]

    tally = await inviting(people(*emails), limit=2)

    assert [status for _, status, _ in rows()] == ["invited"] * 3 + ["not invited"]
    assert tally.standings[3][1].reason == "Left for later by --limit 2."


async def test_nothing_is_done_without_a_yes(inviting, screen, sandbox, tmp_path):
    """No file is written, and nobody is invited."""
    screen.agrees = False

    tally = await inviting(people("a@example.com"))

    assert tally.declined
    assert not tally.is_complete
    assert await accepted(sandbox) == []
    assert not (tmp_path / "one" / "results.csv").exists()
    assert len(screen.plans[0].to_send) == 1
    assert screen.tracks == ["track 6578, Track 6578"]


@pytest.mark.parametrize("limit", ["invites_per_minute", "upstream_calls_per_minute"])
async def test_the_operators_limit_is_waited_for(inviting, limit, screen):
    """The rest of the rows goes out as fast as it lets them, and the person sees why it waits."""
    emails = [f"{number}@example.com" for number in range(64)]

    tally = await inviting(people(*emails), patience=10, bulk_concurrency=16, **{limit: 60})

    assert tally.is_complete
    assert "limits requests" in screen.waits[0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_ends_the_run_in_order(inviting, rows, script, screen, number):
    """What had gone out is awaited; what had not is said not to be sent."""
    script.going_on.clear()
    script.signal, script.signal_at = number, "rate-limited"
    emails = ("a@example.com", "rate-limited@example.com", "b@example.com")

    tally = await inviting(people(*emails), bulk_concurrency=2, patience=10)

    assert tally.interrupted
    assert screen.stops == 1
    assert [status for _, status, _ in rows()] == ["invited", "not invited", "not invited"]
    assert "Interrupted. Run the same command again" in tally.summary()


@pytest.mark.parametrize(
    ("email", "track", "code"),
    [
        ("exhausted@example.com", "6578", "INVITE_QUOTA_EXHAUSTED"),
        ("unauthorized@example.com", "6578", "UPSTREAM_UNAUTHORIZED"),
        ("a@example.com", "404404", "TRACK_NOT_FOUND"),
    ],
)
async def test_what_concerns_all_stops_the_run(inviting, rows, email, track, code):
    """The rows that were not tried are said to be that."""
    tally = await inviting(people(email, "b@example.com", "c@example.com"), track=track)

    assert [(status, code) for _, status, code in rows()] == [
        ("not invited", code),
        ("not invited", ""),
        ("not invited", ""),
    ]
    assert "Stopped early: " in tally.summary()


async def test_a_link_that_is_missing_is_no_success(inviting, rows):
    """Where links were wanted, whoever has none is named."""
    tally = await inviting(people("dropped@example.com"), format_="get-link")

    assert [status for _, status, _ in rows()] == ["invited"]
    assert not tally.is_complete
    assert "Invited, but without a link:\n  row 2" in tally.summary()


async def test_results_say_unknown_before_anything_is_sent(inviting, rows, script, sandbox):
    """Should the process be killed now, the results alone would hold the person back."""
    script.going_on.clear()
    run = asyncio.create_task(inviting(people("a@example.com", "b@example.com")))

    await script.reached.wait()
    told = rows()
    script.going_on.set()

    assert (await run).is_complete
    assert told == [("a@example.com", "unknown", ""), ("b@example.com", "not invited", "")]


@pytest.mark.parametrize("after", [0, 2])
async def test_a_full_disk_stops_the_run(inviting, monkeypatch, tmp_path, sandbox, after):
    """What was sent is said, nothing more is sent, and no half-written file is left."""
    writes = 0
    write_whole = results_module.write_whole

    def full(path: Path, parts: list[bytes], *, sync: bool = True) -> None:
        nonlocal writes
        writes += 1
        if writes > after:
            monkeypatch.setattr(Path, "replace", no_space)
        write_whole(path, parts, sync=sync)

    def no_space(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(results_module, "write_whole", full)
    text = people("a@example.com", "b@example.com", "c@example.com")

    if after:
        tally = await inviting(text)
        assert statuses(tally) == ["INVITED", "NOT_INVITED", "NOT_INVITED"]
        assert "Stopped early" in tally.summary()
        assert "No space left" in tally.summary()
    else:
        with pytest.raises(ResultsFileError, match="No space left"):
            await inviting(text)

    assert len(await accepted(sandbox)) == after // 2
    assert list(tmp_path.rglob("*.new")) == []


async def test_two_runs_for_one_file_are_kept_apart(inviting, script, tmp_path):
    """The second would write over the first one's rows."""
    script.going_on.clear()
    first = asyncio.create_task(inviting(people("a@example.com")))
    await script.reached.wait()

    with pytest.raises(ResultsFileError, match="by another run of the command"):
        await inviting(people("a@example.com"), store="another.db")

    script.going_on.set()
    assert (await first).is_complete
