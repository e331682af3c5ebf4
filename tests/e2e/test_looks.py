"""The pages are fit for everybody: in two browsers, large and small, light and dark."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from gateway.access.token_file import new_token, token_line
from gateway.sandbox import API_KEY, create_sandbox, running_sandbox
from gateway.site.guide.guides import ORDER
from tests.e2e.browser import SCHEMES, launched, needs_browser
from tests.e2e.explorer import answer, gateway_with, open_tab, run, visit
from tests.e2e.node import needs_packages

AUDITS = Path(__file__).parent / "audits"
SIZES = {"large": (1440, 900), "small": (390, 844)}
FIND = """axe.run({ resultTypes: ["violations"] }).then(({ violations }) =>
  violations
    .filter(({ impact }) => impact === "critical" || impact === "serious")
    .flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target}`)),
)"""

# One browser serves them all: it is most of what each of these tests would take.
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]


@dataclass(frozen=True, slots=True)
class Look:
    """A browser, and the windows that its pages are shown in, by name."""

    browser: Browser
    windows: dict[str, dict[str, Any]]
    guides: tuple[str, ...]


def window(scheme: str, size: str) -> dict[str, Any]:
    width, height = SIZES[size]
    return {"viewport": {"width": width, "height": height}, "color_scheme": scheme}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway() -> AsyncIterator[str]:
    async with gateway_with() as gateway:
        yield gateway


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def real_gateway() -> AsyncIterator[str]:
    """Its invites are for people, as far as the page knows."""
    async with gateway_with(platform="app.xobin.com") as gateway:
        yield gateway


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guarded_gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """It wants a token."""
    file = tmp_path_factory.mktemp("guarded") / "tokens"
    file.write_text(token_line("people", new_token()), "utf-8")
    async with gateway_with(auth="tokens", auth_tokens_file=file) as gateway:
        yield gateway


@pytest_asyncio.fixture(
    scope="module",
    loop_scope="module",
    params=[("chromium", "any"), ("firefox", "light"), ("firefox", "dark")],
    ids="-".join,
)
async def look(request: pytest.FixtureRequest) -> AsyncIterator[Look]:
    """Everything in Chromium; in Firefox, which starts anew for a scheme, samples."""
    name, scheme = request.param
    needs_browser(name)
    async with launched(name, scheme=scheme) as browser:
        if name == "chromium":
            pairs = [(scheme, size) for scheme in SCHEMES for size in SIZES]
            guides: tuple[str, ...] = ORDER
        else:
            pairs = [(scheme, "large" if scheme == "light" else "small")]
            guides = ("frontends",)
        windows = {f"{scheme} {size}": window(scheme, size) for scheme, size in pairs}
        yield Look(browser, windows, guides)


async def findings(page: Page) -> list[str]:
    """What axe finds that is critical or serious, and parts that are out of reach."""
    needs_packages(AUDITS)
    axe = (AUDITS / "node_modules/axe-core/axe.min.js").read_text("utf-8")
    await page.evaluate(f"window.axe || (() => {{ {axe} }})()\n;undefined")
    found: list[str] = await page.evaluate(FIND)
    if not await page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
        found.append("the page is wider than the window")
    return found


def faults(found: Mapping[Any, list[str]]) -> dict[Any, list[str]]:
    """The findings alone, of at least one page."""
    assert found
    return {where: there for where, there in found.items() if there}


async def test_guides_are_fit_for_everybody(look, gateway):
    """No part of a guide is out of reach, wherever and however it is read."""
    found = {}
    for name, window in look.windows.items():
        async with visit(look.browser, gateway, **window) as page:
            for path in ("/docs", *(f"/docs/{guide}" for guide in look.guides)):
                await page.goto(gateway + path)
                found[name, path] = await findings(page)

    assert len(found) == len(look.windows) * (1 + len(look.guides))
    assert faults(found) == {}


async def test_the_explorer_is_fit_for_everybody(look, gateway):
    """Nor of the explorer: at first, with a response, with a search, with the settings."""
    found = {}
    for name, window in look.windows.items():
        async with visit(look.browser, gateway, **window) as page:
            await page.goto(gateway)
            await expect(page.locator(".gateway-badge")).to_be_visible()
            found[name, "first"] = await findings(page)
            await run(page)
            await expect(answer(page)).to_contain_text('"InviteCandidateSuccess"')
            await page.keyboard.press("Control+k")
            await expect(page.get_by_placeholder("Ctrl K")).to_be_focused()
            await page.keyboard.type("quota")
            await expect(page.get_by_role("option").first).to_contain_text("InviteQuotaExhausted")
            found[name, "search"] = await findings(page)
            await page.get_by_role("button", name="Open settings dialog").click()
            await expect(page.get_by_role("dialog", name="Settings")).to_be_visible()
            found[name, "settings"] = await findings(page)

    assert faults(found) == {}


async def test_the_token_field_is_fit_for_everybody(look, guarded_gateway):
    """Whoever is asked for a token can give one, and sees why it is refused."""
    found = {}
    for name, window in look.windows.items():
        async with visit(
            look.browser, guarded_gateway, forgiving="status of 401", **window
        ) as page:
            await page.goto(guarded_gateway)
            await expect(page.get_by_role("alert")).to_contain_text("requires an access token")
            found[name, "asked"] = await findings(page)
            await page.get_by_label("Token").fill("nonsense")
            await page.get_by_role("button", name="Use token").click()
            await expect(page.get_by_role("alert")).to_contain_text("does not accept this token")
            found[name, "refused"] = await findings(page)

    assert faults(found) == {}


async def test_the_question_before_an_e_mail_is_fit_for_everybody(look, real_gateway):
    """Whoever is about to e-mail somebody can read whom, and sees two buttons."""
    found = {}
    for name, window in look.windows.items():
        async with visit(look.browser, real_gateway, **window) as page:
            await page.goto(real_gateway)
            await expect(page.locator(".gateway-badge")).to_be_visible()
            await open_tab(page, "InviteByEmail")
            await run(page)
            question = page.get_by_role("dialog", name="This is real")
            await expect(question).to_be_visible()
            found[name, "question"] = await findings(page)
            for button in await question.get_by_role("button").all():
                await expect(button).to_have_css("border-style", "solid")

    assert faults(found) == {}


async def test_pages_of_the_stand_in_are_fit_for_everybody(look):
    """What it has accepted is shown as it comes in, and an invite's own page fits too."""
    found = {}
    invite = {"candidate_name": "Ada", "candidate_email": "ada@example.com", "track_id": 1}
    for name, window in look.windows.items():
        async with (
            running_sandbox(create_sandbox()) as sandbox,
            visit(look.browser, sandbox, **window) as page,
        ):
            await page.goto(f"{sandbox}/")
            await expect(page.get_by_text("0 accepted")).to_be_visible()
            async with httpx2.AsyncClient(headers={"apikey": API_KEY}) as client:
                body = {**invite, "invite_format": "getlink"}
                await client.post(f"{sandbox}/tracks/invite", json=body)
            await expect(page.get_by_text("ada@example.com")).to_be_visible()
            found[name, "list"] = await findings(page)
            await page.get_by_role("link", name="Ada").click()
            await expect(page.get_by_role("heading", name="Track 1")).to_be_visible()
            found[name, "invite"] = await findings(page)

    assert faults(found) == {}
