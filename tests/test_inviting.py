"""The command's way through a sheet, against the stand-in in this process."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import AsyncIterator

import httpx2
import pytest
from pydantic import SecretStr

from gateway.candidates_file import Candidate
from gateway.invites.models import InviteFormat, InviteOutcome, InviteRequest
from gateway.inviting import Sheet, Tally, _Run, _run, key_of
from gateway.results_file import ResultsFile
from gateway.sandbox import API_KEY, create_sandbox, running_sandbox
from tests.test_running import settings

ADA = InviteRequest("Ada", "ada@example.com", 1, InviteFormat.GET_LINK)


@pytest.fixture
async def sandbox() -> AsyncIterator[str]:
    async with running_sandbox(create_sandbox(), port=0) as address:
        yield address


@pytest.fixture
def inviting(tmp_path, sandbox):
    """Runs the command's core over these addresses."""

    async def run(*emails: str, name: str = "Ada", track: str = "6578", **given: object) -> Tally:
        candidates = [Candidate(n, name, email) for n, email in enumerate(emails, 2)]
        chosen = settings(
            upstream_url=sandbox,
            upstream_api_key=SecretStr(API_KEY),
            store_url=SecretStr(f"sqlite:///{tmp_path}/gateway.db"),
            **{"bulk_concurrency": 1, **given},
        )
        results = ResultsFile(tmp_path / "results.csv")
        sheet = Sheet(candidates, track, "send-link")
        return await _run(chosen, _Run(sheet, results, 1, lambda: None))

    return run


@pytest.fixture
def rows(tmp_path):
    def read() -> list[tuple[str, str, str]]:
        with (tmp_path / "results.csv").open(encoding="utf-8-sig", newline="") as file:
            return [(r["line"], r["status"], r["code"]) for r in csv.DictReader(file)]

    return read


async def sent(sandbox: str) -> Counter[str]:
    async with httpx2.AsyncClient(trust_env=False) as client:
        listed = (await client.get(f"{sandbox}/sandbox/invites")).json()
    return Counter(invite["candidate_email"] for invite in listed["invites"])


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
    assert key_of(ADA) == key_of(InviteRequest("Ada", "ada@example.com", 1, InviteFormat.GET_LINK))
    assert key_of(other) != key_of(ADA)
    assert len(key_of(ADA)) <= 255
