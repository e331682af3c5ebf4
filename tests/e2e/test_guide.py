"""The guide for frontends: its examples, run as they are printed."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import AsyncIterator, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from tests.e2e.browser import launched, needs_browser
from tests.e2e.conftest import Pair, serve_settings
from tests.e2e.frontend import GUIDE, compile_page, files_on, operations_on
from tests.e2e.node import run_node
from tests.e2e.processes import running

# The first test may have to wait for npm.
pytestmark = pytest.mark.timeout(480)

PAGE = '<!doctype html><title>Frontend</title><div id="root"></div><script src="/try.js"></script>'

# Each code of the guide's table, and an address that it says to provoke it with.
TRIED = re.findall(
    r"^\| `?([\w ]+)`? \| .*\| [^|]*?`([\w-]+)@example\.com`(?:; [^|]*)? \|$",
    GUIDE.read_text("utf-8"),
    re.MULTILINE,
)

INVITE_IN_PAGE = """async ([endpoint, token]) => {
  const { invite } = await import("/invite.js");
  const ada = { candidateName: "Ada Lovelace", candidateEmail: "ada@example.com", trackId: 6578 };
  return invite(ada, { endpoint, token, attempts: 1 });
}"""


LISTED = [f"{name}@example.com" for name in ("ada", "alan", "barbara", "grace", "edsger")]
# One by one, so that a reload after the second finds the third on its way.
INVITE_LIST = f"""async (afterSecond) => {{
  const {{ inviteAll }} = await import("/inviteAll.js");
  const people = {json.dumps(LISTED)}.map((email) => ({{
    candidateName: "Somebody",
    candidateEmail: email,
  }}));
  const onProgress = (done) => done === 2 && afterSecond();
  return inviteAll("list", "6578", people, {{ chunk: 1, onProgress }});
}}"""


@pytest.fixture(scope="module")
def fetched(shared_pair: Pair, frontend: Path) -> dict[str, Any]:
    """What the fetch example returned, and whom the stand-in has invited."""
    shared_pair.forget()
    printed = run_node(
        frontend,
        "src/use-fetch.js",
        f"{shared_pair.gateway}/graphql",
        "ada",
        "conflict",
        "lost",
        "limited",
    )
    accepted = [invite["candidate_email"] for invite in shared_pair.accepted()]
    return {"accepted": accepted, **json.loads(printed)}


@pytest.fixture(scope="module")
def script(frontend: Path) -> str:
    needs_browser()
    return compile_page(frontend, "src/main.tsx")


@pytest.fixture
async def page(pair: Pair, script: str) -> AsyncIterator[Page]:
    """A page with the React example, of the gateway's own origin."""
    async with launched() as browser:
        page = await browser.new_page()
        await page.route("**/try", lambda route: route.fulfill(body=PAGE, content_type="text/html"))
        await page.route(
            "**/try.js", lambda route: route.fulfill(body=script, content_type="text/javascript")
        )
        page.set_default_timeout(15_000)
        await page.goto(f"{pair.gateway}/try")
        yield page


class SilentFiles(SimpleHTTPRequestHandler):
    """The files of a folder; the tests' output is not its log."""

    def log_message(self, *_: object) -> None:
        return


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The origin of a server of its own for the files in `folder`."""
    handler = partial(SilentFiles, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def asking_for_tokens(folder: Path, sandbox: str, origin: str) -> Iterator[tuple[str, str]]:
    """A gateway that serves pages of one other origin, and a token for it."""
    with running(folder, "token", "frontend") as command:
        assert command.end() == 0
        token, line = command.printed.splitlines()
    (folder / "tokens").write_text(line, "utf-8")
    settings = serve_settings(
        sandbox, AUTH="tokens", AUTH_TOKENS_FILE=str(folder / "tokens"), CORS_ORIGINS=origin
    )
    with running(folder, "serve", **settings) as gateway:
        yield gateway.address(), token


async def fill(page: Page, email: str) -> None:
    await page.get_by_label("Name").fill("Ada Lovelace")
    await page.get_by_label("E-mail").fill(email)


async def press(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name).click()


async def lose_one_response(page: Page) -> None:
    """Let the next request through, and not its response."""

    async def lose(route: Route) -> None:
        await route.fetch()
        await route.abort()

    await page.route("**/graphql", lose, times=1)


@pytest.mark.parametrize(
    ("name", "script"),
    [
        ("InviteCandidate", "src/invite.js"),
        ("InviteMany", "src/inviteAll.js"),
        ("TrackApplications", "src/applications.js"),
    ],
)
def test_fetch_examples_send_the_operations_shown(name, script):
    """The guide shows an operation, and its script sends that."""
    operation = operations_on(GUIDE)[name].strip()

    assert f"const DOCUMENT = `\n{operation}`;" in files_on(GUIDE)[script]


def test_fetch_example_invites(fetched):
    """It returns the invite."""
    invited = fetched["results"]["ada"]

    assert invited["__typename"] == "InviteCandidateSuccess"
    assert invited["invite"]["email"] == "ada@example.com"


def test_fetch_example_returns_typed_errors(fetched):
    """A refusal is returned at once, with what there is to show."""
    assert fetched["results"]["conflict"]["code"] == "ALREADY_INVITED"


def test_fetch_example_repeats_when_no_response_comes(fetched):
    """After a lost response it sends the same key again, and nobody is invited twice."""
    assert fetched["results"]["lost"]["replayed"] is True
    assert fetched["accepted"].count("lost@example.com") == 1


def test_fetch_example_repeats_when_it_was_turned_away(fetched):
    """Too many requests at once are no mistake of the page."""
    assert fetched["results"]["limited"]["__typename"] == "InviteCandidateSuccess"
    assert fetched["accepted"].count("limited@example.com") == 1


def test_fetch_example_throws_for_a_mistake_of_the_page(fetched):
    """What cannot come right by itself is not repeated."""
    assert fetched["mistake"].startswith("Error: BAD_USER_INPUT: ")


@pytest.mark.parametrize(("code", "local_part"), TRIED)
def test_each_error_can_be_tried_as_it_says(pair, code, local_part):
    """Whoever writes what to show for an error can see it."""
    result = pair.invite(f"{local_part}@example.com")

    assert result.get("code", "no error") == code


def test_fetch_example_invites_a_list(tmp_path, frontend):
    """The platform limits it and loses a reply: it goes on, and nobody is invited twice."""
    plays = ("--rate-limit=3", "--rate-seconds=3", "--listed=late", "--late-seconds=2")
    with running(tmp_path, "sandbox", "--port", "0", *plays) as sandbox:
        # Waiting as long as the platform asks does not fit into one request.
        settings = serve_settings(sandbox.address(), REQUEST_TIMEOUT_SECONDS="2")
        with running(tmp_path, "serve", **settings) as gateway:
            pair = Pair(gateway.address(), settings["UPSTREAM_URL"])
            printed = invited_as_list(pair, frontend)
            accepted = accepted_names(pair)

    limited = [one for one in printed["before"] if one.get("code") == "RATE_LIMITED"]
    assert len(limited) == 2
    assert all(1 <= one["retryAfterSeconds"] <= 3 for one in limited)
    assert ended(printed) == ["invited", "invited", "ALREADY_INVITED", "invited", "invited"]
    # The lost reply had the link; the platform's list has none.
    assert printed["before"][1]["code"] in {"UPSTREAM_FAULT", "RATE_LIMITED"}
    assert printed["after"][1]["invite"]["inviteLink"] is None
    assert accepted == ["ada", "alan", "dropped", "grace"]


def test_fetch_example_invites_a_list_over_a_bad_network(pair, frontend):
    """Turned away, without a response, reloaded: it goes on, and nobody is invited twice."""
    printed = invited_as_list(pair, frontend, "lossy")

    assert [result["outcome"] for result in printed["before"][:2]] == ["UNKNOWN", "UNKNOWN"]
    assert ended(printed) == ["invited", "invited", "ALREADY_INVITED", "invited", "invited"]
    assert (printed["progress"][0], printed["progress"][-1]) == ("0/5", "5/5")
    assert printed["kept"] == [1, 0]
    assert accepted_names(pair) == ["ada", "alan", "dropped", "grace"]


async def test_fetch_example_goes_on_after_a_reload(pair, frontend):
    """A page that is reloaded in the middle of a list knows what it sent, and with which keys."""
    needs_browser()
    script = (frontend / "src" / "inviteAll.js").read_text("utf-8")
    async with launched() as browser:
        page = await browser.new_page()
        await page.route("**/try", lambda route: route.fulfill(body="", content_type="text/html"))
        await page.route(
            "**/*.js", lambda route: route.fulfill(body=script, content_type="text/javascript")
        )
        await page.goto(f"{pair.gateway}/try")
        async with page.expect_event("load"):
            await page.evaluate(f"({INVITE_LIST})(() => location.reload()); undefined")
        results = await page.evaluate(f"({INVITE_LIST})(() => {{}})")

    assert [result["invite"]["email"] for result in results] == LISTED
    assert [invite["candidate_email"] for invite in pair.accepted()] == LISTED


def invited_as_list(pair: Pair, frontend: Path, *words: str) -> dict[str, Any]:
    printed = run_node(frontend, "src/use-invite-all.js", f"{pair.gateway}/graphql", *words)
    report: dict[str, Any] = json.loads(printed)
    return report


def ended(printed: dict[str, Any]) -> list[str]:
    return [result.get("code", "invited") for result in printed["after"]]


def accepted_names(pair: Pair) -> list[str]:
    return sorted(one["candidate_email"].partition("@")[0] for one in pair.accepted())


def test_fetch_example_reads_a_whole_track(pair, frontend):
    """Page by page it finds everybody, latest first, and says why it finds nobody."""
    for number in range(60):
        pair.invite(f"c{number}@example.com", trackId=77)

    printed = run_node(
        frontend, "src/use-applications.js", f"{pair.gateway}/graphql", "77", "78", "404404"
    )

    assert json.loads(printed) == {
        "77": [f"c{number}@example.com" for number in reversed(range(60))],
        "78": [],
        "404404": "Error: TRACK_NOT_FOUND: There is no track with this id.",
    }


@pytest.mark.parametrize(
    ("listed", "expected"),
    [(True, ("InviteCandidateSuccess", 1)), (False, ("NoResponse", 0))],
    ids=["listed", "not listed"],
)
async def test_fetch_example_works_where_the_operator_allows(
    pair, frontend, tmp_path, listed, expected
):
    """A page of another origin can invite with a token if its origin is listed, and only then."""
    needs_browser()
    with serving(frontend / "src") as origin:
        allowed = origin if listed else "http://127.0.0.1:1"
        with asking_for_tokens(tmp_path, pair.sandbox, allowed) as (gateway, token):
            async with launched() as browser:
                page = await browser.new_page()
                await page.goto(f"{origin}/")
                result = await page.evaluate(INVITE_IN_PAGE, [f"{gateway}/graphql", token])

    assert (result["__typename"], len(pair.accepted())) == expected


async def test_fetch_example_works_with_dev_without_a_setting(frontend, tmp_path):
    """A page that a developer serves from another port of the machine invites at once."""
    needs_browser()
    with serving(frontend / "src") as origin, running(tmp_path, "dev", "--port", "0") as dev:
        endpoint = dev.read_to(r"http://\S+/graphql")
        async with launched() as browser:
            page = await browser.new_page()
            await page.goto(f"{origin}/")
            result = await page.evaluate(INVITE_IN_PAGE, [endpoint, None])

    assert result["__typename"] == "InviteCandidateSuccess"


async def test_react_example_invites(page, pair):
    """The form shows the invite with its link."""
    await fill(page, "grace@example.com")
    await press(page, "Invite")

    await expect(page.get_by_role("status")).to_contain_text("Ada Lovelace is invited.")
    (accepted,) = pair.accepted()
    address = f"{pair.sandbox}/sandbox/invites/{accepted['application_id']}"
    await expect(page.get_by_role("link", name="Invite link")).to_have_attribute("href", address)


async def test_react_example_shows_each_issue(page, pair):
    """It shows what the gateway finds wrong, in the words of the gateway."""
    await fill(page, "ada@example")
    await press(page, "Invite")

    await expect(page.get_by_role("alert")).to_contain_text("The input is not valid.")
    await expect(page.get_by_role("listitem")).to_contain_text("e-mail")
    assert pair.accepted() == []


async def test_react_example_shows_refusals(page):
    """It shows a refusal, and the same input cannot be sent again."""
    await fill(page, "conflict@example.com")
    await press(page, "Invite")

    await expect(page.get_by_role("alert")).not_to_be_empty()
    await expect(page.get_by_role("button")).to_be_disabled()


async def test_react_example_asks_again_with_the_same_key(page, pair):
    """After a lost response the input stays as it is, and asking again invites nobody twice."""
    await lose_one_response(page)
    await fill(page, "lost-in-page@example.com")
    await press(page, "Invite")
    await expect(page.get_by_label("E-mail")).to_have_attribute("readonly", "")
    await press(page, "Ask again")

    await expect(page.get_by_role("status")).to_contain_text("is invited")
    assert len(pair.accepted()) == 1


async def test_react_example_takes_a_new_key_for_new_input(page, pair):
    """The next candidate does not get the result of the one before."""
    for email in ("first@example.com", "second@example.com"):
        await fill(page, email)
        await press(page, "Invite")
        await expect(page.get_by_role("status")).to_contain_text("is invited")

    first, second = pair.accepted()
    assert first["idempotency_key"] != second["idempotency_key"]
