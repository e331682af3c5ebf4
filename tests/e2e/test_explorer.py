"""The explorer in a real browser: it works without internet, and a person can use it."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from gateway.app import create_app
from gateway.dev import dev_settings
from gateway.running import listen, running_gateway
from gateway.sandbox import create_sandbox, running_sandbox
from tests.e2e.browser import launched, needs_chromium

# One browser serves them all: it is most of what each of these tests would take.
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    needs_chromium()
    async with launched() as browser:
        yield browser


@contextlib.asynccontextmanager
async def gateway_with(**settings: object) -> AsyncIterator[str]:
    """The address of a gateway with a stand-in behind it."""
    async with running_sandbox(create_sandbox()) as sandbox:
        chosen = dev_settings(sandbox).model_copy(update=settings)
        listening = listen("127.0.0.1", 0)
        async with running_gateway(create_app(chosen), chosen, listening) as gateway:
            yield gateway


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway() -> AsyncIterator[str]:
    async with gateway_with() as gateway:
        yield gateway


@contextlib.asynccontextmanager
async def visit(browser: Browser, gateway: str, **context: Any) -> AsyncIterator[Page]:
    """A page of a new visitor; a fault on it or traffic elsewhere is an error."""
    visitor = await browser.new_context(**context)
    faults: list[str] = []

    def note(fault: str | None) -> None:
        if fault is not None:
            faults.append(fault)

    visitor.on("weberror", lambda error: faults.append(str(error.error)))
    visitor.on("console", lambda line: note(line.text if line.type == "error" else None))
    visitor.on(
        "request", lambda request: note(None if request.url.startswith(gateway) else request.url)
    )
    page = await visitor.new_page()
    page.set_default_timeout(15_000)
    try:
        yield page
    finally:
        await visitor.close()
    assert faults == []


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser, gateway) -> AsyncIterator[Page]:
    """The page as a new visitor sees it."""
    async with visit(browser, gateway) as page:
        await page.goto(gateway)
        yield page


async def run(page: Page) -> None:
    await page.get_by_role("button", name="Execute query").click()


def answer(page: Page):
    return page.locator(".result-window")


async def open_tab(page: Page, name: str) -> None:
    await page.get_by_role("tab", name=name, exact=True).click()


async def test_the_sample_mutation_runs(page):
    """A newcomer presses one button and sees an invite."""
    await run(page)

    await expect(answer(page)).to_contain_text('"InviteCandidateSuccess"')
    await expect(page).to_have_title("Explorer · Track Invite Gateway")


@pytest.mark.parametrize(
    ("tab", "expected"),
    [
        ("InviteByEmail", '"InviteCandidateSuccess"'),
        ("HandleEveryError", '"ALREADY_INVITED"'),
        ("RetrySafely", '"InviteCandidateSuccess"'),
    ],
)
async def test_every_example_runs(page, tab, expected):
    """The tabs of a first visit show the main uses, a typed error among them."""
    await open_tab(page, tab)
    await run(page)

    await expect(answer(page)).to_contain_text(expected)


async def test_descriptions_are_shown(page):
    """The panel tells what the schema says."""
    await page.get_by_role("button", name="Show Documentation Explorer").click()
    await page.get_by_role("link", name="InviteOutcome", exact=True).click()

    await expect(page.locator(".graphiql-doc-explorer")).to_contain_text(
        "What is known of the invite after a request that failed."
    )


async def test_a_shared_address_opens_its_query(page, gateway):
    """An example can be passed on as a link."""
    query = "query Version { gateway { version } }"
    await page.goto(f"{gateway}/?{urlencode({'query': query}, quote_via=quote)}")
    await run(page)

    await expect(answer(page)).to_contain_text('"version"')


async def test_the_address_follows_the_editor_out_of_the_servers_sight(page, browser, gateway):
    """What can be passed on stands behind the #, and opens the same for somebody else."""
    await open_tab(page, "HandleEveryError")
    await expect(page).to_have_url(re.compile("conflict%40example.com"))
    async with visit(browser, gateway) as other:
        await other.goto(page.url)
        await run(other)

        await expect(answer(other)).to_contain_text('"ALREADY_INVITED"')
    assert "conflict" not in page.url.partition("#")[0]


async def test_headers_can_be_set_and_are_not_kept(page):
    """A token goes out with the request and is gone with the page."""
    await page.get_by_role("button", name="Headers").click()
    await page.locator(".graphiql-editor-tool .graphiql-editor:not(.hidden)").click()
    await page.keyboard.insert_text('{"authorization": "Bearer t0ken"}')
    async with page.expect_request(lambda request: request.method == "POST") as sent:
        await run(page)

    headers = (await sent.value).headers
    kept = await page.evaluate("() => JSON.stringify(localStorage)")
    assert headers["authorization"] == "Bearer t0ken"
    assert "t0ken" not in kept
    assert "t0ken" not in page.url


async def test_a_hidden_schema_is_explained(browser):
    """Without introspection the page says why the panel is empty, and still runs operations."""
    async with (
        gateway_with(introspection=False) as gateway,
        visit(browser, gateway) as page,
    ):
        await page.goto(gateway)

        await expect(page.get_by_role("status")).to_contain_text("does not show its schema")
        await run(page)
        await expect(answer(page)).to_contain_text('"InviteCandidateSuccess"')


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_follows_the_systems_colours(browser, gateway, scheme):
    """Text and ground differ in both."""
    async with visit(browser, gateway, color_scheme=scheme) as page:
        await page.goto(gateway)
        await expect(page.locator(".graphiql-logo")).to_be_visible()
        ground = await page.locator(".graphiql-container").evaluate(
            "element => getComputedStyle(element).backgroundColor"
        )

        lightness = sum(json.loads("[" + ground.split("(")[1].rstrip(")") + "]")[:3])
        assert (lightness > 380) == (scheme == "light")


async def test_dialogs_need_no_looser_policy(page):
    """The one inline style that GraphiQL makes is let through by its sum, with no complaint."""
    await page.get_by_role("button", name="Open settings dialog").click()

    await expect(page.get_by_role("dialog")).to_contain_text("Theme")
    await expect(page.locator("body")).to_have_css("overflow", "hidden")
