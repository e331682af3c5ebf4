"""`checkInvite`: what the mutation would say, with nothing sent."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from gateway.app import create_app
from tests.fakes.applications import FakeTrack
from tests.fakes.gateway import asking, the_error
from tests.fakes.invites import Clock, FakeUpstream, MemoryStore
from tests.fakes.settings import settings

FIELDS = "canBeSent issues { field message } candidateName candidateEmail"
CHECK = (
    f"query Check($input: InviteCandidateInput!) {{ checkInvite(input: $input) {{ {FIELDS} }} }}"
)
INVITE = """
mutation Invite($input: InviteCandidateInput!) {
  inviteCandidate(input: $input) {
    ... on InviteCandidateSuccess { invite { name email } }
    ... on InvalidInputError { issues { field message } }
  }
}
"""
WITH_TRACK = CHECK.replace("canBeSent", "canBeSent track { title }")
ADA = {"candidateName": " Ada Lovelace", "candidateEmail": "Ada@EXAMPLE.com\u200b", "trackId": 6578}


async def test_what_would_be_sent_is_shown():
    """Name and address as the platform would get them; it is asked nothing."""
    track = FakeTrack()

    answer = await asking(track)(CHECK, input=ADA)

    assert answer["data"]["checkInvite"] == {
        "canBeSent": True,
        "issues": [],
        "candidateName": "Ada Lovelace",
        "candidateEmail": "Ada@example.com",
    }
    assert track.calls == 0


async def test_what_is_wrong_hides_nothing_else():
    """Each value is shown that could be sent."""
    answer = await asking(FakeTrack())(CHECK, input=ADA | {"candidateName": " ", "trackId": "x"})

    check = answer["data"]["checkInvite"]
    assert [issue["field"] for issue in check["issues"]] == ["candidateName", "trackId"]
    assert (check["canBeSent"], check["candidateName"]) == (False, None)
    assert check["candidateEmail"] == "Ada@example.com"


async def test_track_is_read_if_it_is_asked_for():
    """So a form shows in one request what it is about."""
    track = FakeTrack()

    answer = await asking(track)(WITH_TRACK, input=ADA)

    assert answer["data"]["checkInvite"]["track"] == {"title": "Backend"}
    assert track.calls == 1


async def test_track_without_an_id_is_null():
    """The issue says why."""
    track = FakeTrack()

    answer = await asking(track)(WITH_TRACK, input=ADA | {"trackId": "0"})

    assert answer["data"]["checkInvite"]["track"] is None
    assert track.calls == 0


async def test_who_may_not_read_may_check():
    """The track alone is refused."""
    answer = await asking(FakeTrack(), applications=False)(WITH_TRACK, input=ADA)

    assert the_error(answer)["path"] == ["checkInvite", "track"]
    assert the_error(answer)["extensions"]["code"] == "FORBIDDEN"
    assert answer["data"]["checkInvite"]["canBeSent"] is True


@pytest.mark.parametrize(
    ("headers", "field"), [({}, ["idempotencyKey"]), ({"Idempotency-Key": "k-1"}, [])], ids=str
)
async def test_key_is_looked_for_where_the_mutation_looks(headers, field):
    """In the header too."""
    ask = asking(FakeTrack(), require_idempotency_key=True)

    check = (await ask(CHECK, input=ADA, headers=headers))["data"]["checkInvite"]

    assert [issue["field"] for issue in check["issues"]] == field


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_no_candidate_comes_by_url(method):
    """URLs end up in logs."""
    client = TestClient(create_app(settings(), store=MemoryStore()))
    query = urlencode({"query": CHECK, "variables": json.dumps({"input": ADA})})

    answer = client.request(method, f"/graphql?{query}")

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    if method == "GET":
        assert answer.json()["errors"][0]["message"] == (
            "Use POST: this names a candidate, and a URL ends up in logs."
        )


STORE = MemoryStore()
TEXTS = st.text(max_size=12) | st.sampled_from(["ada@example.com", " Ada", "6578", "a@b", "\u200b"])


@pytest.fixture(scope="module")
def client():
    app = create_app(settings(read_back=False), upstream=FakeUpstream(Clock()), store=STORE)
    with TestClient(app) as client:
        yield client


@given(name=TEXTS, email=TEXTS, track=TEXTS, key=st.none() | TEXTS)
@example(name="Ada", email="ada@example.com", track="1", key="k")
def test_the_mutation_says_the_same(client, name, email, track, key):
    """Whatever the input, what is shown is what the mutation refuses or sends."""
    STORE.records.clear()
    given = {"candidateName": name, "candidateEmail": email, "trackId": track}
    variables = {"input": given | ({} if key is None else {"idempotencyKey": key})}

    check, result = (
        client.post("/graphql", json={"query": query, "variables": variables}).json()["data"]
        for query in (CHECK, INVITE)
    )

    checked, invited = check["checkInvite"], result["inviteCandidate"]
    if checked["canBeSent"]:
        sent = invited["invite"]
        assert (sent["name"], sent["email"]) == (
            checked["candidateName"],
            checked["candidateEmail"],
        )
    else:
        assert invited["issues"] == checked["issues"]
