"""What became of an invite, through the commands as processes of their own."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.conftest import Pair, fetch, serve_settings
from tests.e2e.processes import running
from tests.fakes.gateway import LIST, ONE


def ask(gateway: str, query: str, **variables: object) -> dict[str, Any]:
    body = json.dumps({"query": query, "variables": variables})
    answer: dict[str, Any] = json.loads(fetch("POST", f"{gateway}/graphql", body))
    return answer


def test_an_invite_is_found_by_its_answer(pair: Pair):
    """The ids that the invite was answered with lead to its application."""
    invite = pair.invite("ada@example.com")["invite"]

    application = ask(
        pair.gateway, ONE, track=invite["trackId"], application=invite["applicationId"]
    )["data"]["application"]

    assert application["email"] == invite["email"]
    assert application["details"]["trackTitle"] == "Track 6578"


def test_a_lost_invite_is_found_in_the_list(pair: Pair):
    """Whoever does not know what became of an invite can look for the address."""
    assert pair.invite("dropped+1@example.com")["outcome"] == "UNKNOWN"
    pair.invite("ada@example.com")

    answer = ask(pair.gateway, LIST, track=6578, filter={"email": "dropped+1@"})

    assert answer["data"]["applications"]["totalCount"] == 1


@pytest.mark.parametrize("first", [1, 7, 200])
def test_a_track_is_walked_through(pair: Pair, first: int):
    """In parts of any size everybody comes once, the latest first."""
    for number in range(15):
        pair.invite(f"c{number}@example.com", candidateName=f"C{number}", trackId=first)

    found: list[str] = []
    after = None
    while len(found) < 99:
        part = ask(pair.gateway, LIST, track=first, first=first, after=after)
        part = part["data"]["applications"]
        found += [node["name"] for node in part["nodes"]]
        after = part["pageInfo"]["endCursor"]
        if not part["pageInfo"]["hasNextPage"]:
            break

    assert found == [f"C{number}" for number in reversed(range(15))]


@pytest.mark.parametrize(
    ("track", "code"),
    [
        (404404, "TRACK_NOT_FOUND"),
        (401401, "UPSTREAM_UNAUTHORIZED"),
        (403403, "UPSTREAM_UNAUTHORIZED"),
        (500500, "UPSTREAM_FAULT"),
        (0, "INVALID_INPUT"),
    ],
)
def test_failures_are_typed(pair: Pair, track: int, code: str):
    """Each says what is wrong in the words of the invites."""
    answer = ask(pair.gateway, LIST, track=track)

    (error,) = answer["errors"]
    assert answer["data"] is None
    assert error["extensions"]["code"] == code


def test_a_limit_is_passed_on(pair: Pair):
    """A caller who has no time to wait is told how long it would have been."""
    body = json.dumps({"query": LIST, "variables": {"track": 429429}})
    connection = HTTPConnection(urlsplit(pair.gateway).netloc, timeout=30)
    headers = {"content-type": "application/json", "request-timeout": "1"}
    connection.request("POST", "/graphql", body, headers)
    answer = json.loads(connection.getresponse().read())
    connection.close()

    assert answer["errors"][0]["extensions"] == {
        "code": "RATE_LIMITED",
        "retryable": True,
        "retryAfterSeconds": 2,
        "upstreamStatus": 429,
    }


def test_reading_can_be_switched_off(pair: Pair, tmp_path):
    """The operator's word goes for every caller; inviting goes on."""
    settings = serve_settings(pair.sandbox, APPLICATIONS="false")
    with running(tmp_path, "serve", **settings) as command:
        closed = Pair(command.address(), pair.sandbox)
        invite = closed.invite()["invite"]
        answer = ask(closed.gateway, ONE, track=6578, application=invite["applicationId"])

    assert answer["data"] == {"application": None}
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
