"""What the explorer gives beyond GraphiQL: a token for all tabs, what is real, what to take away."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from graphql import build_schema
from playwright.async_api import Browser, Page, expect

from gateway.access.token_file import new_token, token_line
from gateway.graphql.schema import printed_schema
from tests.e2e.browser import BROWSERS, launched, needs_browser
from tests.e2e.explorer import active_tab, answer, gateway_with, open_tab, run, tabs, visit

MOST_BYTES = 500_000
"""A little above what the page loads today, with the schema."""

# One browser serves them all: it is most of what each of these tests would take.
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=BROWSERS)
async def browser(request: pytest.FixtureRequest, downloads: Path) -> AsyncIterator[Browser]:
    needs_browser(request.param)
    async with launched(request.param, downloads=downloads) as browser:
        yield browser


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway() -> AsyncIterator[str]:
    async with gateway_with() as gateway:
        yield gateway


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, gateway: str) -> AsyncIterator[Page]:
    async with visit(browser, gateway) as page:
        await page.goto(gateway)
        yield page


def tokens_file(folder: Path) -> tuple[Path, str]:
    """A file that knows one token, and that token."""
    token = new_token()
    file = folder / "tokens"
    file.write_text(token_line("people", token), "utf-8")
    return file, token


def jwt_that_ended() -> str:
    """A token of a provider's, as far as a page can tell."""
    payload = base64.urlsafe_b64encode(json.dumps({"exp": 1_700_000_000}).encode()).decode()
    return f"e30.{payload.rstrip('=')}.c2ln"


async def use_token(page: Page, token: str) -> None:
    await page.get_by_label("Token").fill(token)
    await page.get_by_role("button", name="Use token").click()


@asynccontextmanager
async def asked_for_token(browser: Browser, folder: Path) -> AsyncIterator[tuple[Page, str]]:
    """A page of a gateway that wants a token, and one that it takes."""
    file, token = tokens_file(folder)
    async with (
        gateway_with(auth="tokens", auth_tokens_file=file) as gateway,
        visit(browser, gateway, forgiving="status of 401") as page,
    ):
        await page.goto(gateway)
        yield page, token


async def test_one_token_is_for_all_tabs(browser, tmp_path):
    """It is asked for once, is in no storage, and a reload forgets it."""
    async with asked_for_token(browser, tmp_path) as (page, token):
        await expect(page.get_by_role("alert")).to_contain_text("requires an access token")
        await use_token(page, f"Bearer {token}")
        await expect(page.get_by_label("Token")).to_have_count(0)
        for tab in ("RetrySafely", "Invite"):
            await open_tab(page, tab)
            await run(page)
            await expect(answer(page)).to_contain_text('"InviteCandidateSuccess"')
        stored = await page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
        await page.reload()

        await expect(page.get_by_role("alert")).to_contain_text("requires an access token")
        assert token not in stored
        assert token not in page.url


async def test_a_token_can_be_kept_for_the_session(browser, tmp_path):
    """It outlives a reload, until it is forgotten."""
    async with asked_for_token(browser, tmp_path) as (page, token):
        await page.get_by_label("Keep for this session").check()
        await use_token(page, token)
        await expect(page.get_by_role("button", name="Forget token")).to_be_visible()
        await page.reload()
        await run(page)
        await expect(answer(page)).to_contain_text('"InviteCandidateSuccess"')
        await page.get_by_role("button", name="Forget token").click()

        await expect(page.get_by_role("alert")).to_contain_text("requires an access token")
        assert await page.evaluate("sessionStorage.length") == 0


@pytest.mark.parametrize(
    ("token", "reason"),
    [("gone", "does not accept this token"), (jwt_that_ended(), "Your token expired on")],
    ids=["wrong", "expired"],
)
async def test_a_refused_token_is_explained(browser, tmp_path, token, reason):
    """The page does not ask for a token as if there were none."""
    async with asked_for_token(browser, tmp_path) as (page, _):
        await use_token(page, token)

        await expect(page.get_by_role("alert")).to_contain_text(reason)


@pytest.mark.parametrize(
    ("platform", "badge"),
    [("stand-in", "Stand-in: nobody is e-mailed"), ("app.xobin.com", "Real: app.xobin.com")],
)
async def test_it_says_what_is_real(browser, platform, badge):
    """A person sees whether somebody would be invited."""
    async with gateway_with(platform=platform) as gateway, visit(browser, gateway) as page:
        await page.goto(gateway)

        await expect(page.locator(".gateway-badge")).to_have_text(badge)


@pytest.mark.parametrize(
    ("button", "status", "shown"),
    [
        ("Send the e-mail", "Invited", '"InviteCandidateSuccess"'),
        ("Do not send", "Not sent", "nobody was e-mailed"),
    ],
)
async def test_a_real_e_mail_is_asked_about(browser, button, status, shown):
    """Before the platform writes to somebody, the page names them and asks."""
    async with gateway_with(platform="app.xobin.com") as gateway, visit(browser, gateway) as page:
        await page.goto(gateway)
        await open_tab(page, "InviteByEmail")
        await run(page)
        question = page.get_by_role("dialog", name="This is real")
        await expect(question).to_contain_text("app.xobin.com will e-mail:")
        await expect(question.get_by_role("listitem")).to_have_text(["grace@example.com"])
        await question.get_by_role("button", name=button).click()

        await expect(page.get_by_role("status")).to_contain_text(status)
        await expect(answer(page)).to_contain_text(shown)


async def test_a_question_that_is_dismissed_sends_nothing(browser):
    """Escape is a no."""
    async with gateway_with(platform="app.xobin.com") as gateway, visit(browser, gateway) as page:
        await page.goto(gateway)
        await open_tab(page, "InviteByEmail")
        await run(page)
        await page.keyboard.press("Escape")

        await expect(page.get_by_role("status")).to_contain_text("Not sent")


INPUT = 'candidateName: "A", candidateEmail: "a@example.com", trackId: 1'
ONE = "{ ... on InviteError { code } }"
BY_VARIABLE = f"""mutation($f: InviteFormat! = SEND_LINK) {{
  inviteCandidate(input: {{{INPUT}, inviteFormat: $f}}) {ONE}
}}"""
MANY = """mutation($i: InviteCandidatesInput!) { ...Part }
fragment Part on Mutation { inviteCandidates(input: $i) { unknownCount } }"""


REQUESTS = {
    "link": (f"mutation {{ inviteCandidate(input: {{{INPUT}}}) {ONE} }}", {}, None),
    "literal": (
        f"mutation {{ x: inviteCandidate(input: {{{INPUT}, inviteFormat: SEND_LINK}}) {ONE} }}",
        {},
        ["a@example.com"],
    ),
    "default": (BY_VARIABLE, {}, ["a@example.com"]),
    "variable": (BY_VARIABLE, {"f": "GET_LINK"}, None),
    "many in a fragment": (
        MANY,
        {
            "i": {
                "inviteFormat": "SEND_LINK",
                "candidates": [{"candidateEmail": "b@c.de"}, {"candidateEmail": "f@g.hi"}],
            }
        },
        ["b@c.de", "f@g.hi"],
    ),
    "comment": ("{ gateway { version } } # SEND_LINK", {}, None),
    "broken": ("mutation {", {}, None),
}
"""Requests with their variables, and whom they would e-mail."""


async def test_it_knows_who_would_be_e_mailed(page):
    """However a request says it, and nobody else."""
    found = await page.evaluate(
        """async (requests) => {
            const script = document.querySelector('script[src$="explorer.js"]').src;
            const module = await import(script.replace("explorer.js", "platform.js"));
            return requests.map((request) => module.addressesToEmail(request));
        }""",
        [{"query": query, "variables": variables} for query, variables, _ in REQUESTS.values()],
    )

    expected = {name: addresses for name, (_, _, addresses) in REQUESTS.items()}
    assert dict(zip(REQUESTS, found, strict=True)) == expected


async def test_a_key_opens_the_search(page):
    """Ctrl-K leads from the editor to the docs, whose search says so."""
    await page.get_by_label("Request").focus()
    await page.keyboard.press("Control+k")
    search = page.get_by_placeholder("Ctrl K")
    await expect(search).to_be_focused()
    await page.keyboard.type("quota")

    await expect(page.get_by_role("option").first).to_contain_text("InviteQuotaExhaustedError")


async def copied(page: Page) -> str:
    """The line that the button for shells puts into the clipboard."""
    if is_chromium(page):
        await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.get_by_role("button", name="Copy as cURL").click()
    await expect(page.get_by_role("button", name="Copied")).to_be_visible()
    line: str = await page.evaluate("navigator.clipboard.readText()")
    return line


def is_chromium(page: Page) -> bool:
    browser = page.context.browser
    return browser is not None and browser.browser_type.name == "chromium"


async def test_a_request_can_be_taken_to_a_shell(page):
    """The copied line does what the button does; apostrophes arrive."""
    line = await copied(page)

    assert line.startswith("curl -sS 'http://")
    if shutil.which("curl"):
        printed = await asyncio.to_thread(subprocess.check_output, ["/bin/sh", "-c", line])
        assert json.loads(printed)["data"]["inviteCandidate"]["invite"]["name"] == "Ada Lovelace"


async def test_a_copied_line_has_no_token(browser, tmp_path):
    """What lands in the shell's history is where to put it."""
    async with asked_for_token(browser, tmp_path) as (page, token):
        await use_token(page, token)
        await expect(page.get_by_label("Token")).to_have_count(0)
        line = await copied(page)

    assert token not in line
    assert "authorization: Bearer $TOKEN" in shlex.split(line)


async def test_the_schema_can_be_downloaded(page, downloads):
    """The file holds what the gateway serves."""
    button = page.get_by_role("button", name="Download the schema")
    if is_chromium(page):
        async with page.expect_download() as download:
            await button.click()
        assert (await download.value).suggested_filename == "schema.graphql"
        file = await (await download.value).path()
    else:
        await button.click()
        file = downloads / "schema.graphql"
        async with asyncio.timeout(30):
            while not (file.exists() and file.stat().st_size):  # noqa: ASYNC110 - a file's end
                await asyncio.sleep(0.05)

    served = build_schema(file.read_text("utf-8"))
    assert set(served.type_map) == set(build_schema(printed_schema()).type_map)


async def test_links_in_a_response_can_be_followed(page, gateway):
    """The link of an invite opens what the candidate would see."""
    await run(page)
    link = answer(page).get_by_role("link")
    await expect(link).to_have_attribute("target", "_blank")
    await expect(link).to_have_attribute("rel", "noreferrer")

    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/sandbox/invites/\d+", await link.inner_text())
    assert await link.get_attribute("href") == await link.inner_text()


async def test_tabs_are_gone_through_by_keyboard(page):
    """Arrows choose among them, Delete closes one."""
    await active_tab(page).focus()
    await page.keyboard.press("ArrowRight")
    await expect(active_tab(page)).to_have_text("InviteByEmail")
    await expect(page.get_by_role("tab", selected=True)).to_be_focused()
    count = await tabs(page).count()
    await page.keyboard.press("Delete")

    await expect(page.get_by_role("tab")).to_have_count(count - 1)
    await page.get_by_role("button", name="Add tab").click()
    await expect(page.get_by_role("tab")).to_have_count(count)


async def test_it_is_quick_to_load(page):
    """All that is loaded comes from the gateway, and weighs less than a photograph."""
    await expect(page.locator(".gateway-badge")).to_be_visible()
    bytes_loaded = await page.evaluate(
        "performance.getEntries().reduce((sum, { transferSize }) => sum + (transferSize ?? 0), 0)"
    )

    assert 100_000 < bytes_loaded < MOST_BYTES


async def test_old_addresses_of_the_guide_lead_on(page, gateway):
    """The guide for frontends was once the only one, at the address of the list."""
    await page.goto(f"{gateway}/docs#retry-safely")

    await expect(page).to_have_url(f"{gateway}/docs/frontends#retry-safely")
    await expect(page.get_by_role("heading", name="Retry safely")).to_be_in_viewport()
