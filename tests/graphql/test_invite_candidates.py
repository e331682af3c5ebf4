"""`inviteCandidates`: many at once, over HTTP, through the whole gateway."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from gateway.app import create_app
from tests.fakes.invites import (
    INVITES,
    LOSES_THE_REPLY,
    NO_TRACK,
    Clock,
    FakeUpstream,
    MemoryStore,
    answers,
)
from tests.fakes.settings import settings

DOCUMENT = """
mutation Many($input: InviteCandidatesInput!) {
  inviteCandidates(input: $input) {
    results {
      __typename
      ... on InviteCandidateSuccess { invite { email trackId } replayed }
      ... on InviteError { code outcome retryable }
      ... on InvalidInputError { issues { field } }
      ... on RateLimitedError { retryAfterSeconds }
    }
    invitedCount
    notInvitedCount
    failedCount
    unknownCount
  }
}
"""


@pytest.fixture
def upstream():
    return FakeUpstream(Clock())


@pytest.fixture
def asking(upstream):
    """Makes functions that send a list to a gateway with the given settings."""
    opened: list[TestClient] = []

    def make(**given: object):
        given = {"read_back": False, "bulk_concurrency": 1, "retry_attempts": 1, **given}
        app = create_app(settings(**given), upstream=upstream, store=MemoryStore())
        client = TestClient(app)
        client.__enter__()
        opened.append(client)

        def ask(
            *emails: str, headers: dict[str, str] | None = None, query: str = DOCUMENT, **more: Any
        ) -> Any:
            candidates = [
                {"candidateName": f"Number {n}", "candidateEmail": email}
                for n, email in enumerate(emails)
            ]
            variables = {"input": {"trackId": 6578, "candidates": candidates, **more}}
            body = json.dumps({"query": query, "variables": variables})
            sent = {"content-type": "application/json", **(headers or {})}
            return client.post("/graphql", content=body, headers=sent).json()

        return ask

    yield make
    for client in opened:
        client.__exit__()


def test_each_result_in_its_place(upstream, asking):
    """Results come in the order of the input, and the counts add up."""
    upstream.acts += [INVITES, LOSES_THE_REPLY, NO_TRACK, INVITES]
    emails = ["a@example.com", "b@example.com", "nobody", "c@example.com", "d@example.com"]

    answer = asking()(*emails, "A@example.com", inviteFormat="SEND_LINK")

    payload = answer["data"]["inviteCandidates"]
    assert [result["__typename"] for result in payload["results"]] == [
        "InviteCandidateSuccess",
        "UpstreamError",
        "InvalidInputError",
        "TrackNotFoundError",
        "InviteCandidateSuccess",
        "InvalidInputError",
    ]
    assert payload["results"][5]["issues"] == [{"field": "candidateEmail"}]
    assert payload["results"][4]["invite"] == {"email": "d@example.com", "trackId": "6578"}
    counts = ("invitedCount", "notInvitedCount", "failedCount", "unknownCount")
    assert [payload[name] for name in counts] == [2, 3, 3, 1]
    assert {post["invite_format"] for post in upstream.posts} == {"sendlink"}


def test_a_wrong_track_is_told_for_each(upstream, asking):
    """What is wrong with all of them is an issue of each."""
    results = asking()("a@example.com", "b@example.com", trackId="x")["data"]["inviteCandidates"][
        "results"
    ]

    assert [result["issues"] for result in results] == [[{"field": "trackId"}]] * 2
    assert upstream.posts == []


def test_a_list_that_is_too_long_is_a_request_error(upstream, asking):
    """Nobody is invited, and the caller learns the bound."""
    answer = asking(max_candidates=2)("a@example.com", "b@example.com", "c@example.com")

    [error] = answer["errors"]
    assert answer["data"] is None
    assert error["message"] == (
        "The list has more candidates than the 2 allowed. Nobody was invited."
    )
    assert error["extensions"] == {"code": "BAD_USER_INPUT"}
    assert error["path"] == ["inviteCandidates"]
    assert upstream.posts == []


def test_keys_of_their_own(upstream, asking):
    """A list that is repeated with its keys invites nobody again."""
    ask = asking()
    candidates = [
        {"candidateName": "A", "candidateEmail": f"{n}@example.com", "idempotencyKey": f"k{n}"}
        for n in range(3)
    ]

    first, second = [ask(candidates=candidates)["data"]["inviteCandidates"] for _ in range(2)]

    assert [result["replayed"] for result in first["results"]] == [False] * 3
    assert [result["replayed"] for result in second["results"]] == [True] * 3
    assert second["invitedCount"] == 3
    assert len(upstream.posts) == 3


def test_the_headers_key_is_for_the_whole_list(upstream, asking):
    """With `Idempotency-Key`, each candidate has a key by its place in the list."""
    ask = asking()
    for _ in range(2):
        ask("a@example.com", "b@example.com", headers={"idempotency-key": '"one"'})

    answer = ask("a@example.com", "c@example.com", headers={"idempotency-key": '"one"'})

    codes = [result.get("code") for result in answer["data"]["inviteCandidates"]["results"]]
    assert codes == [None, "IDEMPOTENCY_KEY_REUSED"]
    assert len(upstream.posts) == 2


def test_the_longest_key_serves_a_list(upstream, asking):
    """A header's key of 255 characters leaves room for no position; each place has its own key."""
    ask, key = asking(), "k" * 255
    emails = [f"{n}@example.com" for n in range(12)]
    first = ask(*emails, headers={"idempotency-key": key})

    again = ask(*emails, headers={"idempotency-key": key})
    too_long = ask("a@example.com", headers={"idempotency-key": key + "k"})

    answers = [one["data"]["inviteCandidates"] for one in (first, again, too_long)]
    assert [answer["invitedCount"] for answer in answers] == [12, 12, 0]
    assert answers[2]["results"][0]["issues"] == [{"field": "idempotencyKey"}]
    assert len(upstream.posts) == 12


def test_what_is_said_of_one_is_not_said_of_all(upstream, asking):
    """Beside candidates that are invited, no message says that nobody was."""
    upstream.acts += [INVITES, answers(403), answers(429), INVITES]
    query = DOCUMENT.replace("code outcome", "message code outcome")
    ask = asking()

    emails = [f"{n}@example.com" for n in range(4)]
    listed = ask(*emails, "nobody", query=query)["data"]["inviteCandidates"]["results"]

    messages = [result["message"] for result in listed if "message" in result]
    assert len(messages) >= 2
    assert not any("nobody" in message.lower() for message in messages)


def test_an_empty_header_is_no_key(upstream, asking):
    """A key that cannot be used is told for each candidate, and none goes unprotected."""
    answer = asking()("a@example.com", headers={"idempotency-key": '""'})

    [result] = answer["data"]["inviteCandidates"]["results"]
    assert result["issues"] == [{"field": "idempotencyKey"}]
    assert upstream.posts == []


def test_the_callers_time_is_the_whole_lists(upstream, asking):
    """What does not fit into `Request-Timeout` was not invited and may come again."""
    upstream.acts += [INVITES, answers(429, retry_after="3")]

    answer = asking()(
        "a@example.com", "b@example.com", "c@example.com", headers={"request-timeout": "2"}
    )

    results = answer["data"]["inviteCandidates"]["results"]
    assert "invite" in results[0]
    assert [result["__typename"] for result in results[1:]] == ["RateLimitedError"] * 2
    assert {result["outcome"] for result in results[1:]} == {"NOT_INVITED"}
    assert {result["retryAfterSeconds"] for result in results[1:]} <= {3, 4}
    assert len(upstream.posts) == 2


@pytest.mark.parametrize(
    "fields",
    ["a: $list b: $list", "$list inviteCandidate(input: $one) { __typename }"],
    ids=["two lists", "a list and one more"],
)
def test_one_list_a_request(upstream, asking, fields):
    """A request has one field that invites, be it for one candidate or for many."""
    fields = fields.replace("$list", "inviteCandidates(input: $input) { invitedCount }")
    fields = fields.replace(
        "$one", '{candidateName: "A", candidateEmail: "a@example.com", trackId: 1}'
    )
    query = f"mutation Many($input: InviteCandidatesInput!) {{ {fields} }}"

    answer = asking()("a@example.com", query=query)

    [error] = answer["errors"]
    assert "more fields that invite in one request than the 1 allowed" in error["message"]
    assert upstream.posts == []


def test_a_whole_list_fits_into_a_request(upstream, asking):
    """The longest list that is allowed by default is within every other limit."""
    emails = [f"{'x' * 60}-{n}@{'y' * 60}.{'z' * 60}.example" for n in range(100)]
    assert len(json.dumps(emails)) > 10_000

    payload = asking(bulk_concurrency=16)(*emails)["data"]["inviteCandidates"]

    assert payload["invitedCount"] == 100


def test_broken_character_is_the_issue_of_its_candidate(asking):
    """A name cut in the middle of an emoji refuses that one, by its field, and nobody else."""
    ask = asking()
    candidates = [
        {"candidateName": "Ada \ud83d", "candidateEmail": "ada@example.com"},
        {"candidateName": "Eve", "candidateEmail": "eve\ud83d@example.com"},
        {"candidateName": "Bob", "candidateEmail": "bob@example.com"},
    ]

    payload = ask(candidates=candidates)["data"]["inviteCandidates"]

    fields = [[issue["field"] for issue in one.get("issues", [])] for one in payload["results"]]
    assert fields == [["candidateName"], ["candidateEmail"], []]
    assert payload["invitedCount"] == 1


def test_keys_may_be_required(upstream, asking):
    """Candidates without one are refused, each by itself; the header's key is for all of them."""
    ask = asking(require_idempotency_key=True)
    keyed = {
        "candidateName": "Ada",
        "candidateEmail": "ada@example.com",
        "idempotencyKey": "k-1",
    }
    bare = {"candidateName": "Eve", "candidateEmail": "eve@example.com"}

    each = ask(candidates=[keyed, bare])["data"]["inviteCandidates"]["results"]
    by_header = ask("bob@example.com", headers={"idempotency-key": "k-2"})

    assert each[1]["issues"] == [{"field": "idempotencyKey"}]
    assert by_header["data"]["inviteCandidates"]["invitedCount"] == 1
    assert [post["candidate_email"] for post in upstream.posts] == [
        "ada@example.com",
        "bob@example.com",
    ]
