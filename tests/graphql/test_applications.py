"""What became of an invite, through the application of `serve` and a stand-in on a real port."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pydantic import SecretStr

from gateway.app import create_app
from gateway.sandbox import API_KEY, create_sandbox, running_sandbox
from tests.invites.fakes import MemoryStore
from tests.sandbox.conftest import client_of
from tests.test_running import settings

ONE = """
query One($track: ID!, $application: ID!) {
  application(trackId: $track, applicationId: $application) {
    applicationId trackId name email score stageStatus dateAdded
    currentStage { stageId name type color }
    details { trackTitle stages { name color } submittedResponses { label value } parsedResume }
  }
}
"""
LIST = """
query Listed($track: ID!, $first: Int, $after: String, $filter: ApplicationFilter) {
  applications(trackId: $track, first: $first, after: $after, filter: $filter) {
    totalCount
    nodes { name }
    edges { cursor node { name } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""


@pytest.fixture
async def track() -> AsyncIterator[str]:
    """The address of a stand-in that has three applications to track 6578."""
    async with running_sandbox(create_sandbox()) as address, client_of(address) as client:
        for name in ("Ada", "Bob", "Cy"):
            await client.invite(f"{name.lower()}@example.com", candidate_name=name)
        yield address


@pytest.fixture
def ask(track: str) -> Callable[..., Any]:
    app = create_app(
        settings(upstream_url=track, upstream_api_key=SecretStr(API_KEY)), store=MemoryStore()
    )

    async def ask(query: str, **variables: object) -> Any:
        return await asked(app, query, **variables)

    return ask


async def asked(app: Any, query: str, **variables: object) -> Any:
    """The JSON of the answer to a request."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/graphql", "headers": headers}
    await app({**scope, "query_string": b"", "client": ("127.0.0.1", 1)}, receive, send)
    assert sent[0]["status"] == 200
    return json.loads(sent[1]["body"])


async def test_one_application(ask):
    """All that the platform tells of one application can be asked for."""
    answer = await ask(ONE, track=6578, application="1000001")

    application = answer["data"]["application"]
    assert application.pop("dateAdded")
    assert application == {
        "applicationId": "1000001",
        "trackId": "6578",
        "name": "Ada",
        "email": "ada@example.com",
        "score": 0.0,
        "stageStatus": "pending",
        "currentStage": {
            "stageId": "1",
            "name": "Invited",
            "type": "invite",
            "color": "#888888",
        },
        "details": {
            "trackTitle": "Track 6578",
            "stages": [{"name": "Invited", "color": None}],
            "submittedResponses": [],
            "parsedResume": {},
        },
    }


async def test_unknown_application_is_null(ask):
    """The platform cannot tell a missing application from a missing track: both are null."""
    missing = await ask(ONE, track=6578, application=7)
    elsewhere = await ask(ONE, track=404404, application=1000001)

    assert missing == elsewhere == {"data": {"application": None}}


async def test_list_is_a_connection(ask):
    """A part of the list comes with its cursors, and goes on behind the last one."""
    first = (await ask(LIST, track=6578, first=2))["data"]["applications"]
    end = first["pageInfo"]["endCursor"]
    second = (await ask(LIST, track=6578, first=2, after=end))["data"]["applications"]

    assert [node["name"] for node in first["nodes"]] == ["Cy", "Bob"]
    assert [edge["node"] for edge in first["edges"]] == first["nodes"]
    assert first["pageInfo"]["hasNextPage"] is True
    assert first["pageInfo"]["hasPreviousPage"] is False
    assert [node["name"] for node in second["nodes"]] == ["Ada"]
    assert second["pageInfo"]["hasNextPage"] is False
    assert second["pageInfo"]["hasPreviousPage"] is True
    assert first["totalCount"] == second["totalCount"] == 3


async def test_unknown_track_has_no_list(ask):
    """What fails is an error of the field, with the code that an invite would have had."""
    answer = await ask(LIST, track=404404)

    assert answer["data"] is None
    (error,) = answer["errors"]
    assert error["path"] == ["applications"]
    assert error["message"] == "There is no track with this id."
    assert error["extensions"] == {
        "code": "TRACK_NOT_FOUND",
        "retryable": False,
        "upstreamStatus": 404,
    }
