"""Several accounts behind one gateway: each request brings its own key."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from gateway.access.forwarded_key import forwarded_key, scope_of
from gateway.app import create_app
from gateway.http.requests import RequestHead
from tests.fakes.gateway import INVITE
from tests.fakes.invites import Clock, FakeUpstream, answers
from tests.fakes.settings import settings

HEADER = "x-account-key"


@pytest.fixture
def upstream():
    return FakeUpstream(Clock())


@pytest.fixture
def post(monkeypatch, tmp_path, upstream):
    """Posts an invite with a key for the platform, or without."""
    monkeypatch.chdir(tmp_path)
    given = settings(
        upstream_api_key=None, upstream_api_key_mode="forward", forwarded_api_key_header=HEADER
    )
    with TestClient(create_app(given, upstream=upstream)) as client:

        def send(api_key: str | None, key: str | None = None, email: str = "ada@example.com"):
            body = INVITE | {"variables": {"email": email, "key": key}}
            headers = {} if api_key is None else {HEADER: api_key}
            return client.post("/graphql", json=body, headers=headers)

        yield send


@pytest.mark.parametrize("key", [None, "k1"], ids=["plain", "with-idempotency-key"])
def test_the_callers_key_reaches_the_platform(post, upstream, key):
    """Each invite goes out under the key that came with it."""
    kinds = [post(account, key).json() for account in ("one", "two")]

    assert [kind["data"]["inviteCandidate"]["__typename"] for kind in kinds] == [
        "InviteCandidateSuccess"
    ] * 2
    assert upstream.api_keys == ["one", "two"]


def test_an_account_repeats_its_own_invites_alone(post, upstream):
    """One idempotency key of two accounts is two keys."""
    for account in ("one", "one", "two"):
        post(account, "k1")

    assert upstream.api_keys == ["one", "two"]


def test_a_refused_key_is_the_callers_matter(post, upstream):
    """The gateway does not look for a key of its own when the caller's is refused."""
    upstream.acts += [answers(401)]
    upstream.new_keys = 1

    answer = post("wrong")

    assert upstream.api_keys == ["wrong"]
    assert "wrong" not in answer.text


@pytest.mark.parametrize("api_key", [None, "", " ", "clé"])
def test_without_a_key_nothing_is_sent(post, upstream, api_key):
    """The caller learns which header is missing; the gateway has nothing to put in."""
    answer = post(api_key if api_key is None else api_key.encode("latin-1"))

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert HEADER in answer.json()["errors"][0]["message"]
    assert upstream.posts == []


def test_a_scope_hides_the_key():
    """Who sees a scope learns the caller, and that two accounts differ."""
    one, two = scope_of("ats", "secret-one"), scope_of("ats", "secret-two")

    assert one != two
    assert one.startswith("ats ")
    assert "secret" not in one + two


def test_a_key_is_freed_of_white_space():
    """Header names have no case, and white space around a value is not part of it."""
    head = RequestHead("POST", {b"x-account-key": b" key "})

    assert forwarded_key(head, "X-Account-Key") == "key"
