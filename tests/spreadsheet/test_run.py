"""The command's way through a sheet, against the stand-in in this process."""

from __future__ import annotations

import asyncio
import csv
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.invites.models import InviteFormat, InviteOutcome, InviteRequest
from gateway.sandbox import API_KEY, create_sandbox, running_sandbox
from gateway.spreadsheet.candidates import Candidate
from gateway.spreadsheet.invite_list import Sheet, with_key
from gateway.spreadsheet.results import ResultsFile, Row
from gateway.spreadsheet.run import Tally, _Run, _run
from tests.fakes.settings import settings

ADA = InviteRequest("Ada", "ada@example.com", 1, InviteFormat.GET_LINK)


class Script:
    """What happens to the next POSTs before the stand-in sees them."""

    def __init__(self, sandbox: ASGIApp) -> None:
        self.refusals: list[int] = []
        self.interrupts_at = ""
        self.interrupted = asyncio.Event()
        self.interrupted.set()
        self._sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._sandbox(scope, receive, send)
            return
        message = await receive()
        messages = [message]
        if self.interrupts_at and self.interrupts_at in message["body"].decode():
            os.kill(os.getpid(), signal.SIGINT)
            self.interrupted.set()
        else:
            await self.interrupted.wait()
        if self.refusals:
            refusal = JSONResponse({"error": "no"}, self.refusals.pop())
            await refusal(scope, receive, send)
            return

        async def again() -> Message:
            return messages.pop() if messages else await receive()

        await self._sandbox(scope, again, send)


@pytest.fixture
def script() -> Script:
    return Script(create_sandbox())


@pytest.fixture
async def sandbox(script: Script) -> AsyncIterator[str]:
    async with running_sandbox(script, port=0) as address:
        yield address


@pytest.fixture
def inviting(tmp_path, sandbox):
    """Runs the command's core over these addresses."""

    async def run(
        *emails: str,
        name: str = "Ada",
        track: str = "6578",
        patience: float = 1,
        **given: object,
    ) -> Tally:
        candidates = [Candidate(n, name, email) for n, email in enumerate(emails, 2)]
        chosen = settings(
            upstream_url=sandbox,
            upstream_api_key=SecretStr(API_KEY),
            store_url=SecretStr(f"sqlite:///{tmp_path}/gateway.db"),
            **{"bulk_concurrency": 1, **given},
        )
        results = ResultsFile(tmp_path / "results.csv")
        sheet = Sheet(candidates, track, "send-link")
        return await _run(chosen, _Run(sheet, results, patience, lambda: None))

    return run


@pytest.fixture
def rows(tmp_path):
    def read() -> list[tuple[str, str, str]]:
        with (tmp_path / "results.csv").open(encoding="utf-8-sig", newline="") as file:
            return [(r["line"], r["status"], r["code"]) for r in csv.DictReader(file)]

    return read


async def accepted(sandbox: str) -> list[dict[str, Any]]:
    async with httpx2.AsyncClient(trust_env=False) as client:
        listed = (await client.get(f"{sandbox}/sandbox/invites")).json()
    invites: list[dict[str, Any]] = listed["invites"]
    return invites


async def sent(sandbox: str) -> Counter[str]:
    return Counter(invite["candidate_email"] for invite in await accepted(sandbox))


async def test_each_line_has_its_result(inviting, rows):
    """What is wrong with a line stops no other."""
    tally = await inviting("a@example.com", "nobody", "conflict@example.com", "A@example.com")

    assert rows() == [
        ("2", "invited", ""),
        ("3", "not invited", "INVALID_INPUT"),
        ("4", "not invited", "ALREADY_INVITED"),
        ("5", "not invited", "INVALID_INPUT"),
    ]
    assert tally.summary() == "1 invited, 3 not invited, 0 unknown; 0 of them earlier."
    assert not tally.is_complete


async def test_a_second_run_sends_what_is_left(inviting, rows, sandbox):
    """Lines may have moved, and new ones may have come."""
    await inviting("a@example.com", "b@example.com")

    tally = await inviting("new@example.com", "b@example.com", "a@example.com")

    assert tally.is_complete
    assert tally.earlier == 2
    assert rows() == [("2", "invited", ""), ("3", "invited", ""), ("4", "invited", "")]
    assert set((await sent(sandbox)).values()) == {1}


async def test_lost_results_are_in_the_store(inviting, rows, sandbox, tmp_path):
    """Without the results file, the store knows who is invited."""
    await inviting("a@example.com")
    (tmp_path / "results.csv").unlink()

    tally = await inviting("a@example.com")

    assert (tally.earlier, rows()) == (1, [("2", "invited", "")])
    assert await sent(sandbox) == {"a@example.com": 1}


async def test_a_corrected_name_is_no_second_invite(inviting, sandbox):
    """Who is invited in the results stays so, whatever the line says now."""
    await inviting("a@example.com", name="Aad")

    await inviting("a@example.com", name="Ada")

    assert await sent(sandbox) == {"a@example.com": 1}


async def test_a_name_is_corrected_only_once_nothing_is_in_doubt(inviting, rows, sandbox):
    """While nobody knows how the line as it was ended, it is asked about and not sent anew."""
    await inviting("dropped@example.com", name="Aad", read_back=False)

    for name in ("Ada", "Ada Lovelace"):
        await inviting("Dropped@example.com", name=name, read_back=False)

    assert [status for _, status, _ in rows()] == ["unknown"]
    assert await sent(sandbox) == {"dropped@example.com": 1}


async def test_a_name_is_corrected_where_nothing_was_sent(inviting, sandbox, tmp_path):
    """A row in doubt whose record says that nothing was done is no reason for the old name."""
    results = ResultsFile(tmp_path / "results.csv")
    results.open()
    results.add(Row("2", "Aad", "a@example.com", "6578", "send-link", "unknown"))
    results.close()

    tally = await inviting("a@example.com", name="Ada")

    assert tally.is_complete
    assert [invite["candidate_name"] for invite in await accepted(sandbox)] == ["Ada"]


async def test_the_results_know_an_address_in_every_spelling(inviting, sandbox, tmp_path):
    """Who is invited in the results is not sent again, whatever the store has forgotten."""
    await inviting("ada@xn--strae-oqa.de")
    (tmp_path / "gateway.db").unlink()

    tally = await inviting("ada@xn--strae-oqa.de")

    assert (tally.earlier, len(await accepted(sandbox))) == (1, 1)


async def test_line_that_a_kill_met_under_way_can_be_corrected(
    inviting, rows, sandbox, script, tmp_path
):
    """The results have it from the moment it is sent; corrected, it is still the same invite."""
    script.interrupted.clear()
    run = asyncio.create_task(inviting("ada@example.com", name="Adda"))
    async with asyncio.timeout(20):
        while not (tmp_path / "results.csv").exists() or not rows():  # noqa: ASYNC110 - a file has no event
            await asyncio.sleep(0.01)
    under_way, left = rows(), (tmp_path / "results.csv").read_bytes()
    script.interrupted.set()
    await run
    (tmp_path / "results.csv").write_bytes(left)

    tally = await inviting("Ada@example.com", name="Ada")

    assert under_way == [("2", "unknown", "")]
    assert tally.is_complete
    assert await sent(sandbox) == {"ada@example.com": 1}


@pytest.mark.parametrize("status", [400, 404, 409])
async def test_what_was_refused_is_asked_for_again(inviting, script, status):
    """Its cause may be gone by the next run, and the person has no other key to give."""
    script.refusals = [status] * 2
    refused = [await inviting("a@example.com") for _ in range(2)]

    tally = await inviting("a@example.com")

    assert [one.outcomes for one in refused] == [{InviteOutcome.NOT_INVITED: 1}] * 2
    assert tally.is_complete


@pytest.mark.parametrize("limit", ["invites_per_minute", "upstream_calls_per_minute"])
async def test_the_operators_limit_is_waited_for(inviting, limit):
    """The rest of the lines goes out as fast as it lets them."""
    emails = [f"{number}@example.com" for number in range(64)]

    tally = await inviting(*emails, patience=10, bulk_concurrency=16, **{limit: 60})

    assert tally.outcomes == {InviteOutcome.INVITED: 64}


async def test_an_interrupt_tells_what_became_of_lines_under_way(inviting, rows, script):
    """What had gone out is awaited; what had not is told as that, or, untried, left out."""
    script.interrupted.clear()
    script.interrupts_at = "rate-limited"
    loop = asyncio.get_running_loop()

    tally = await inviting(
        "a@example.com",
        "rate-limited@example.com",
        "b@example.com",
        bulk_concurrency=2,
        patience=10,
    )

    loop.remove_signal_handler(signal.SIGINT)
    loop.remove_signal_handler(signal.SIGTERM)
    assert tally.interrupted
    assert rows() == [("2", "invited", ""), ("3", "not invited", "")]
    assert (tally.outcomes.total(), tally.earlier) == (2, 0)


@pytest.mark.parametrize(
    ("email", "track", "code"),
    [
        ("exhausted@example.com", "6578", "INVITE_QUOTA_EXHAUSTED"),
        ("unauthorized@example.com", "6578", "UPSTREAM_UNAUTHORIZED"),
        ("a@example.com", "404404", "TRACK_NOT_FOUND"),
    ],
)
async def test_what_concerns_all_stops_the_run(inviting, rows, email, track, code):
    """The lines that were not tried are told as that."""
    tally = await inviting(email, "b@example.com", "c@example.com", track=track)

    assert rows() == [
        ("2", "not invited", code),
        ("3", "not invited", ""),
        ("4", "not invited", ""),
    ]
    assert "Stopped early: " in tally.summary()


async def test_an_unknown_end_is_told(inviting, rows):
    """The person learns that the same command finds out more."""
    tally = await inviting("dropped@example.com", read_back=False)

    assert rows() == [("2", "unknown", "UPSTREAM_FAULT")]
    assert "Run the same command again later" in tally.summary()


def test_an_interrupt_is_told():
    """The person learns how to go on."""
    tally = Tally(Counter({InviteOutcome.INVITED: 1}), interrupted=True)

    assert "Run the same command again" in tally.summary()
    assert not tally.is_complete


@pytest.mark.parametrize(
    "other",
    [
        InviteRequest("Ada", "ada@example.com", 2, InviteFormat.GET_LINK),
        InviteRequest("Ada", "ada@example.com", 1, InviteFormat.SEND_LINK),
        InviteRequest("Bob", "ada@example.com", 1, InviteFormat.GET_LINK),
        InviteRequest("Ada", "bob@example.com", 1, InviteFormat.GET_LINK),
    ],
    ids=["track", "format", "name", "address"],
)
def test_keys_follow_the_content(other):
    """The same content has the same key, other content another one."""
    again = InviteRequest("Ada", "ada@example.com", 1, InviteFormat.GET_LINK)

    key = with_key(ADA).idempotency_key

    assert key is not None
    assert len(key) <= 255
    assert with_key(again).idempotency_key == key
    assert with_key(other).idempotency_key != key
