"""The pages are fit for everybody: in two browsers, large and small, light and dark."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, ViewportSize, expect

from gateway.sandbox import API_KEY, create_sandbox, running_sandbox
from tests.e2e.browser import BROWSERS, SCHEMES, launched, needs_browser
from tests.e2e.explorer import answer, gateway_with, run, visit
from tests.e2e.node import needs_packages

AUDITS = Path(__file__).parent / "audits"
SIZES = [(1440, 900), (390, 844)]
FIND = """axe.run({ resultTypes: ["violations"] }).then(({ violations }) =>
  violations
    .filter(({ impact }) => impact === "critical" || impact === "serious")
    .flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target}`)),
)"""

# One browser serves them all: it is most of what each of these tests would take.
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway() -> AsyncIterator[str]:
    async with gateway_with() as gateway:
        yield gateway


@pytest_asyncio.fixture(
    scope="module",
    loop_scope="module",
    params=[(name, scheme) for name in BROWSERS for scheme in SCHEMES],
    ids="-".join,
)
async def look(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Browser, str]]:
    """A browser and the scheme of its pages."""
    name, scheme = request.param
    needs_browser(name)
    async with launched(name, scheme=scheme) as browser:
        yield browser, scheme


@pytest_asyncio.fixture(loop_scope="module", params=SIZES, ids=str)
async def page(
    request: pytest.FixtureRequest, look: tuple[Browser, str], gateway: str
) -> AsyncIterator[Page]:
    browser, scheme = look
    width, height = request.param
    size: ViewportSize = {"width": width, "height": height}
    async with visit(browser, gateway, viewport=size, color_scheme=scheme) as page:
        yield page


async def findings(page: Page) -> list[str]:
    """What axe finds that is critical or serious."""
    needs_packages(AUDITS)
    axe = (AUDITS / "node_modules/axe-core/axe.min.js").read_text("utf-8")
    await page.evaluate(f"{axe}\n;undefined")
    found: list[str] = await page.evaluate(FIND)
    return found


@pytest.mark.parametrize("path", ["/docs", "/docs/frontends"])
async def test_guides_are_fit_for_everybody(page, gateway, path):
    """No part of a guide is out of reach, wherever and however it is read."""
    await page.goto(gateway + path)

    assert await findings(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_the_explorer_is_fit_for_everybody(page, gateway):
    """Nor of the explorer, at first and with a response, the docs and a search open."""
    await page.goto(gateway)
    await expect(page.locator(".gateway-badge")).to_be_visible()
    at_first = await findings(page)
    await run(page)
    await expect(answer(page)).to_contain_text('"InviteCandidateSuccess"')
    await page.keyboard.press("Control+k")
    await expect(page.get_by_placeholder("Ctrl K")).to_be_focused()

    assert (at_first, await findings(page)) == ([], [])


async def test_pages_of_the_stand_in_are_fit_for_everybody(look):
    """What it has accepted is shown as it comes in, and an invite's own page fits too."""
    browser, scheme = look
    invite = {"candidate_name": "Ada", "candidate_email": "ada@example.com", "track_id": 1}
    phone: ViewportSize = {"width": 390, "height": 844}
    async with (
        running_sandbox(create_sandbox()) as sandbox,
        visit(browser, sandbox, viewport=phone, color_scheme=scheme) as page,
    ):
        await page.goto(f"{sandbox}/")
        await expect(page.get_by_text("0 accepted")).to_be_visible()
        async with httpx2.AsyncClient(headers={"apikey": API_KEY}) as client:
            body = {**invite, "invite_format": "getlink"}
            await client.post(f"{sandbox}/tracks/invite", json=body)
        await expect(page.get_by_text("ada@example.com")).to_be_visible()
        in_list = await findings(page)
        await page.get_by_role("link", name="Ada").click()
        await expect(page.get_by_role("heading", name="Track 1")).to_be_visible()

        assert (in_list, await findings(page)) == ([], [])
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
