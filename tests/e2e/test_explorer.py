"""The explorer in a real browser: it works without internet, and a person can use it."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import AsyncIterator
from urllib.parse import quote, urlencode

import pytest
from playwright.async_api import Page, expect

from gateway.app import create_app
from gateway.dev import dev_settings
from gateway.running import listen, running_gateway
from gateway.sandbox import create_sandbox, running_sandbox
from tests.e2e.browser import launched, needs_chromium


@pytest.fixture(autouse=True)
def _chromium():
    needs_chromium()


@contextlib.asynccontextmanager
async def explorer(*, introspection: bool = True, **context) -> AsyncIterator[tuple[Page, str]]:
    """A page of a fresh browser and the gateway's address; traffic elsewhere is an error."""
    async with running_sandbox(create_sandbox()) as sandbox, launched() as browser:
        settings = dev_settings(sandbox).model_copy(update={"introspection": introspection})
        listening = listen("127.0.0.1", 0)
        async with running_gateway(create_app(settings), settings, listening) as gateway:
            page = await (await browser.new_context(**context)).new_page()
            page.set_default_timeout(15_000)
            faults: list[str] = []

            def note(fault: str | None) -> None:
                if fault is not None:
                    faults.append(fault)

            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on("console", lambda line: note(line.text if line.type == "error" else None))
            page.on(
                "request",
                lambda request: note(None if request.url.startswith(gateway) else request.url),
            )

            yield page, gateway

            assert faults == []


async def run(page: Page) -> None:
    await page.get_by_role("button", name="Execute query").click()


def answer(page: Page):
    return page.locator(".result-window")


async def open_tab(page: Page, name: str) -> None:
    await page.get_by_role("tab", name=name, exact=True).click()


async def test_the_sample_mutation_runs():
    """A newcomer presses one button and sees an invite."""
    async with explorer() as (page, gateway):
        await page.goto(gateway)
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
async def test_every_example_runs(tab, expected):
    """The tabs of a first visit show the main uses, a typed error among them."""
    async with explorer() as (page, gateway):
        await page.goto(gateway)
        await open_tab(page, tab)
        await run(page)

        await expect(answer(page)).to_contain_text(expected)


async def test_descriptions_are_shown():
    """The panel tells what the schema says."""
    async with explorer() as (page, gateway):
        await page.goto(gateway)
        await page.get_by_role("button", name="Show Documentation Explorer").click()
        await page.get_by_role("link", name="InviteOutcome", exact=True).click()

        await expect(page.locator(".graphiql-doc-explorer")).to_contain_text(
            "What is known of the invite after a request that failed."
        )


async def test_a_shared_address_opens_its_query():
    """An example can be passed on as a link."""
    async with explorer() as (page, gateway):
        query = "query Version { gateway { version } }"
        await page.goto(f"{gateway}/?{urlencode({'query': query}, quote_via=quote)}")
        await run(page)

        await expect(answer(page)).to_contain_text('"version"')


async def test_the_address_follows_the_editor_out_of_the_servers_sight():
    """What can be passed on stands behind the #, and opens the same again."""
    async with explorer() as (page, gateway):
        await page.goto(gateway)
        await open_tab(page, "HandleEveryError")
        await expect(page).to_have_url(re.compile("conflict%40example.com"))
        address = page.url
        other = await page.context.browser.new_page()  # type: ignore[union-attr]
        await other.goto(address)
        await run(other)

        assert "conflict" not in address.partition("#")[0]
        await expect(answer(other)).to_contain_text('"ALREADY_INVITED"')


async def test_headers_can_be_set_and_are_not_kept():
    """A token goes out with the request and is gone with the page."""
    async with explorer() as (page, gateway):
        await page.goto(gateway)
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


async def test_a_hidden_schema_is_explained():
    """Without introspection the page says why the panel is empty, and still runs operations."""
    async with explorer(introspection=False) as (page, gateway):
        await page.goto(gateway)

        await expect(page.get_by_role("status")).to_contain_text("does not show its schema")
        await run(page)
        await expect(answer(page)).to_contain_text('"InviteCandidateSuccess"')


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_follows_the_systems_colours(scheme):
    """Text and ground differ in both."""
    async with explorer(color_scheme=scheme) as (page, gateway):
        await page.goto(gateway)
        await expect(page.locator(".graphiql-logo")).to_be_visible()
        ground = await page.locator(".graphiql-container").evaluate(
            "element => getComputedStyle(element).backgroundColor"
        )

        lightness = sum(json.loads("[" + ground.split("(")[1].rstrip(")") + "]")[:3])
        assert (lightness > 380) == (scheme == "light")
