"""A person closes a doubt: requests are answered accordingly, and nothing undoes it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
import pytest
from click.testing import CliRunner, Result
from starlette.testclient import TestClient

from gateway.access.token_file import new_token, token_line
from gateway.app import create_app
from gateway.cli import main
from gateway.invites.record import Record, State, settled
from gateway.service import Service
from gateway.stores.postgres import PostgresStore
from tests.fakes.environment import plain_environment
from tests.fakes.invites import LOSES_THE_REPLY, Clock, FakeUpstream
from tests.fakes.records import a_record
from tests.fakes.settings import settings

INVITE = """
mutation ($key: String!) {
  inviteCandidate(input: {
    candidateName: "Ada", candidateEmail: "ada@example.com", trackId: 6578, idempotencyKey: $key
  }) {
    __typename
    ... on InviteCandidateSuccess { replayed invite { applicationId email inviteLink } }
    ... on InviteError { outcome retryable message }
  }
}
"""


@pytest.fixture
def store(monkeypatch, tmp_path, postgres_url) -> str:
    """The URL of the store that the commands and the gateway share."""
    plain_environment(monkeypatch, tmp_path)(STORE_URL=postgres_url)
    return str(postgres_url)


@pytest.fixture
def upstream() -> FakeUpstream:
    return FakeUpstream(Clock())


@pytest.fixture
def invite(store, upstream) -> Iterator[Callable[[str], dict[str, Any]]]:
    """Invites Ada through a gateway that never finds out by itself what a lost reply meant."""
    given = settings(store_url=store, read_back=False)
    with TestClient(create_app(given, upstream=upstream, applicants=upstream)) as client:

        def post(key: str = "k") -> dict[str, Any]:
            answer = client.post("/graphql", json={"query": INVITE, "variables": {"key": key}})
            result: dict[str, Any] = answer.json()["data"]["inviteCandidate"]
            return result

        yield post


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def listed() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run("records", "--json").output)
    return found


def test_invited_by_hand_sends_nothing_more(invite, upstream):
    """The same request is told that the candidate is invited, though nothing can be shown."""
    upstream.acts.append(LOSES_THE_REPLY)
    before = invite()
    [record] = listed()
    done = run("settle", record["record"][:16], "invited", "--by", "ada")
    after = invite()

    assert before["outcome"] == "UNKNOWN"
    assert (done.exit_code, done.stdout) == (0, "The record counts as invited.\n")
    assert (after["outcome"], after["retryable"]) == ("INVITED", False)
    assert "found out by hand" in after["message"]
    assert listed() == []
    assert len(upstream.posts) == 1


def test_whose_it_is_is_listed(store, upstream, tmp_path):
    """The caller's name, and nothing of the account's key that it brings."""
    token = new_token()
    (tmp_path / "tokens").write_text(token_line("ats", token))
    given = settings(
        store_url=store,
        auth="tokens",
        auth_tokens_file=tmp_path / "tokens",
        upstream_api_key=None,
        upstream_api_key_mode="forward",
    )
    headers = {"authorization": f"Bearer {token}", "x-upstream-api-key": "the account's"}
    upstream.acts.append(LOSES_THE_REPLY)
    with TestClient(create_app(given, upstream=upstream, applicants=upstream)) as client:
        body = {"query": INVITE, "variables": {"key": "k"}}
        client.post("/graphql", json=body, headers=headers)

    assert [one["caller"] for one in listed()] == ["ats"]


def test_invited_with_its_application_is_a_success(invite, upstream):
    """What was found at the platform is shown, but for the link."""
    upstream.acts.append(LOSES_THE_REPLY)
    invite()
    [record] = listed()
    run("settle", record["record"], "invited", "--application", "4711")

    assert invite() == {
        "__typename": "InviteCandidateSuccess",
        "replayed": True,
        "invite": {"applicationId": "4711", "email": "ada@example.com", "inviteLink": None},
    }


def test_not_invited_by_hand_invites(invite, upstream):
    """The same request is then what invites; once."""
    upstream.acts.append(LOSES_THE_REPLY)
    invite()
    [record] = listed()
    done = run("settle", record["record"], "not-invited")
    kinds = [invite()["__typename"] for _ in range(2)]

    assert done.exit_code == 0
    assert kinds == ["InviteCandidateSuccess"] * 2
    assert len(upstream.posts) == 2


@pytest.mark.parametrize(
    ("ended", "state"), [("invited", State.INVITED), ("not-invited", State.RELEASED)]
)
@pytest.mark.parametrize("is_listed", [True, False])
async def test_the_reconciler_never_undoes_it(store, upstream, ended, state, is_listed):
    """Whatever the platform's list shows, what a person has stated stays."""
    record = await doubtful(store)
    run_elsewhere("settle", record.record_id.hex(), ended)
    if is_listed:
        upstream.add("ada@example.com")
    service = Service(settings(store_url=store), upstream=upstream, applicants=upstream)
    await service.records.open()
    report = await service.reconciler.reconcile()
    await service.stop()

    assert report.final
    assert (await read(store, record)).state is state


async def test_who_stated_it_is_kept(store):
    """The audit line is printed and stays in the store, with hashes and without names."""
    record = await doubtful(store)
    done = run_elsewhere("settle", record.record_id.hex()[:12], "not-invited", "--by", "ada")
    connection = await asyncpg.connect(store)
    name = f"settled:{record.record_id.hex()}:1"
    kept = await connection.fetchval("SELECT value FROM gateway_meta WHERE name = $1", name)
    await connection.close()

    line = json.loads(done.stderr)
    assert json.loads(kept) == line
    del line["timestamp"]
    assert line == {
        "event": "settled",
        "level": "info",
        "by": "ada",
        "key_hash": record.record_id.hex(),
        "email_hash": record.email_hash.hex(),
        "track_id": "6578",
        "attempt": 1,
        "ended": "not-invited",
    }


async def test_a_record_that_is_settled_already_is_left_alone(store):
    """What is final cannot be changed by hand; neither can what nobody has recorded."""
    record = await doubtful(store, State.INVITED)

    done = run_elsewhere("settle", record.record_id.hex(), "not-invited")

    assert done.exit_code == 1
    assert done.output == (
        f"Error: no record in doubt begins with {record.record_id.hex()}: see gateway records\n"
    )
    assert (await read(store, record)).state is State.INVITED


async def test_a_record_that_changes_meanwhile_is_left_alone(store, monkeypatch):
    """A request that takes the record up at the same moment wins."""
    record = await doubtful(store)

    async def late(*_: object, **__: object) -> bool:
        return False

    monkeypatch.setattr(PostgresStore, "swap", late)

    done = run_elsewhere("settle", record.record_id.hex(), "invited")

    assert (done.exit_code, done.output) == (
        1,
        "Error: the record has changed meanwhile: look at it again\n",
    )


async def test_a_beginning_that_fits_several_is_refused(store, monkeypatch):
    """Nobody settles another record than is meant."""
    await doubtful(store)
    monkeypatch.setattr("gateway.cli.LEAST_DIGITS", 0)
    await doubtful(store, key="other")

    assert "several records begin with" in run_elsewhere("settle", "", "invited").output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["abc", "invited"], "at least 6 digits"),
        (["ghijkl", "invited"], "at least 6 digits"),
        (["abcdef", "maybe"], "'maybe' is not one of"),
        (["abcdef", "invited", "--application", "x"], "Must be a whole number"),
        (["abcdef", "not-invited", "--application", "1"], "is of an invite that was made"),
    ],
)
def test_wrong_words_are_told(words, said):
    """Before anything is opened."""
    done = run("settle", *words)

    assert done.exit_code == 2
    assert said in done.output


async def doubtful(url: str, state: State = State.UNKNOWN, *, key: str = "key-1") -> Record:
    """A record in that state, in the store."""
    record = settled(a_record(key), state, now=1.0)
    store = PostgresStore(url)
    await store.open()
    await store.insert(record)
    await store.close()
    return record


async def read(url: str, record: Record) -> Record:
    store = PostgresStore(url)
    await store.open()
    kept = await store.read(record.record_id)
    await store.close()
    assert kept is not None
    return kept


def run_elsewhere(*words: str) -> Result:
    """The command in a thread of its own, for tests that have an event loop."""
    with ThreadPoolExecutor(1) as aside:
        return aside.submit(run, *words).result()
