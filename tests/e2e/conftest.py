"""A real `gateway serve` in front of a real `gateway sandbox`."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.e2e.browser import BROWSERS, launched, needs_browser
from tests.e2e.frontend import make_frontend
from tests.e2e.processes import Command, running

DOCUMENT = """
mutation Invite($input: InviteCandidateInput!) {
  inviteCandidate(input: $input) {
    type: __typename
    ... on InviteCandidateSuccess {
      invite { applicationId email inviteLink inviteStatus name trackId }
      replayed
    }
    ... on InviteError { code message outcome retryable }
    ... on InvalidInputError { issues { field message } }
    ... on TrackNotFoundError { trackId }
    ... on RateLimitedError { retryAfterSeconds }
    ... on UpstreamError { upstreamStatus retryAfterSeconds }
  }
}
"""


@dataclass(slots=True)
class Pair:
    """The two addresses, and what is done with them."""

    gateway: str
    sandbox: str
    commands: tuple[Command, ...] = ()

    def invite(self, email: str = "ada@example.com", **changed: Any) -> dict[str, Any]:
        """The member of the result union that one mutation is answered with."""
        answer = self.post(email, **changed)
        assert list(answer) == ["data"], answer
        result: dict[str, Any] = answer["data"]["inviteCandidate"]
        return result

    def post(
        self,
        email: str = "ada@example.com",
        *,
        headers: Mapping[str, str] | None = None,
        **changed: object,
    ) -> dict[str, Any]:
        """The whole answer to one mutation."""
        given = {"candidateName": "Ada Lovelace", "candidateEmail": email, "trackId": 6578}
        body = {"query": DOCUMENT, "variables": {"input": given | changed}}
        answer: dict[str, Any] = json.loads(
            fetch("POST", f"{self.gateway}/graphql", json.dumps(body), **(headers or {}))
        )
        return answer

    def accepted(self) -> list[dict[str, Any]]:
        """What the stand-in has accepted since `forget`."""
        listed = json.loads(fetch("GET", f"{self.sandbox}/sandbox/invites"))
        assert listed["count"] == len(listed["invites"])
        invites: list[dict[str, Any]] = listed["invites"]
        return invites

    def forget(self) -> None:
        """Start counting anew."""
        fetch("DELETE", f"{self.sandbox}/sandbox/invites")


def fetch(method: str, url: str, body: str | None = None, **given: str) -> str:
    """The body of the answer, whatever its status; `given` are further headers."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=30)
    headers = {"accept": "application/json"}
    headers |= {"content-type": "application/json"} if body else {}
    headers |= {name.replace("_", "-"): value for name, value in given.items()}
    try:
        connection.request(method, parts.path or "/", body, headers)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


@pytest.fixture(scope="module")
def shared_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder: Path = tmp_path_factory.mktemp("pair")
    with running(folder, "sandbox", "--port", "0") as sandbox:
        settings = serve_settings(sandbox.address())
        with running(folder, "serve", **settings) as gateway:
            yield Pair(gateway.address(), settings["UPSTREAM_URL"], (gateway, sandbox))


@pytest.fixture
def pair(shared_pair: Pair) -> Pair:
    """The gateway and the stand-in, which has accepted nothing yet."""
    shared_pair.forget()
    return shared_pair


@pytest.fixture(scope="session")
def frontend(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a frontend that has all which README and guide show, its types generated."""
    folder = tmp_path_factory.mktemp("frontend")
    make_frontend(folder)
    return folder


def serve_settings(sandbox: str, **changed: str) -> dict[str, str]:
    """What `serve` needs in front of the stand-in; calls that hang end after four seconds."""
    return {
        "AUTH": "none",
        "PORT": "0",
        "UPSTREAM_URL": sandbox,
        "UPSTREAM_API_KEY": "sandbox-key",
        "UPSTREAM_TIMEOUT_SECONDS": "4",
        **changed,
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=BROWSERS)
async def browser(request: pytest.FixtureRequest) -> AsyncIterator[Browser]:
    """Each of the browsers in turn, for all tests of a module."""
    needs_browser(request.param)
    async with launched(request.param) as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    page = await browser.new_page()
    yield page
    await page.close()
