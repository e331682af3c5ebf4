"""A whole gateway that answers without a server."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeAlias

from gateway.app import create_app
from tests.fakes.applications import FakeTrack
from tests.fakes.invites import MemoryStore
from tests.fakes.settings import settings

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

Ask: TypeAlias = Callable[..., Awaitable[Any]]


def asking(track: FakeTrack, **given: object) -> Ask:
    """Asks a gateway with these settings before this track."""
    app = create_app(settings(**given), upstream=track, applicants=track, store=MemoryStore())
    return partial(asked, app)


async def asked(
    app: Any,
    query: str,
    *,
    method: str = "POST",
    query_string: str = "",
    headers: dict[str, str] | None = None,
    **variables: object,
) -> Any:
    """The JSON of the answer to a request."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    given = {"content-type": "application/json"} | (headers or {})
    sent_headers = [(name.lower().encode(), value.encode()) for name, value in given.items()]
    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": "/graphql",
        "headers": sent_headers,
    }
    scope |= {"query_string": query_string.encode(), "client": ("127.0.0.1", 1)}
    await app(scope, receive, send)
    assert sent[0]["status"] == 200
    return json.loads(sent[1]["body"])


def the_error(answer: Any) -> Any:
    """The only error of an answer."""
    (error,) = answer["errors"]
    return error


INVITE = {
    "query": """mutation ($email: String!, $key: String) {
      inviteCandidate(input: {
        candidateName: "Ada", candidateEmail: $email, trackId: 1, idempotencyKey: $key
      }) {
        __typename
        ... on RateLimitedError { code outcome retryable retryAfterSeconds }
      }
    }"""
}
