"""The explorer in a real browser: it works without internet, and a person can use it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import pytest_asyncio
from graphql import GraphQLNamedType, is_specified_scalar_type
from playwright.async_api import Browser, Page, Route, expect

from gateway.graphql.schema import executable_schema
from tests.e2e.browser import launched, needs_browser
from tests.e2e.explorer import (
    active_tab,
    answer,
    gateway_with,
    open_tab,
    run,
    set_headers,
    tabs,
    visit,
)

FOCUSED = "element => element === document.activeElement"
EXAMPLES = [
    "Invite",
    "InviteByEmail",
    "InviteMany",
    "HandleEveryError",
    "RetrySafely",
    "CheckFirst",
    "WhatBecameOfIt",
]

# One browser serves them all: it is most of what each of these tests would take.
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    needs_browser()
    async with launched() as browser:
        yield browser


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway() -> AsyncIterator[str]:
    async with gateway_with() as gateway:
        yield gateway


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser, gateway) -> AsyncIterator[Page]:
    """The page as a new visitor sees it."""
    async with visit(browser, gateway) as page:
        await page.goto(gateway)
        yield page


async def test_the_sample_mutation_runs(page):
    """A newcomer presses one button and sees an invite."""
    await run(page)

    await expect(answer(page)).to_contain_text('"InviteCandidateSuccess"')
    await expect(page).to_have_title("Explorer · Track Invite Gateway")


@pytest.mark.parametrize(
    ("tab", "expected"),
    [
        ("InviteByEmail", '"InviteCandidateSuccess"'),
        ("InviteMany", '"ALREADY_INVITED"'),
        ("HandleEveryError", '"ALREADY_INVITED"'),
        ("RetrySafely", '"InviteCandidateSuccess"'),
        ("CheckFirst", '"canBeSent": false'),
    ],
)
async def test_every_example_runs(page, tab, expected):
    """The tabs of a first visit show the main uses, a typed error among them."""
    await open_tab(page, tab)
    await run(page)

    await expect(answer(page)).to_contain_text(expected)


async def test_every_description_is_shown(page):
    """The panel shows the description of each type, field and enum value."""
    await page.get_by_role("button", name="Show Documentation Explorer").click()
    panel = page.locator(".graphiql-doc-explorer")
    missing = []
    for name, descriptions in described_types().items():
        await panel.get_by_role("link", name=name, exact=True).last.click()
        await expect(panel.locator(".graphiql-doc-explorer-title")).to_have_text(name)
        deprecated = panel.get_by_role("button", name="Show Deprecated Fields")
        if await deprecated.count():
            await deprecated.click()
        shown = " ".join((await panel.inner_text()).split())
        missing += [text for text in descriptions if text not in shown]
        await panel.locator(".graphiql-doc-explorer-back").click()

    assert missing == []


def described_types() -> dict[str, list[str]]:
    """The descriptions on the page of each type of ours, as plain text."""
    ours = {
        name: type_
        for name, type_ in executable_schema().type_map.items()
        if not name.startswith("__") and not is_specified_scalar_type(type_)
    }
    return {
        name: [_plain(part.description) for part in (type_, *_parts(type_))]
        for name, type_ in ours.items()
    }


def _parts(type_: GraphQLNamedType) -> list[Any]:
    parts = getattr(type_, "fields", None) or getattr(type_, "values", None) or {}
    return list(parts.values())


def _plain(description: str | None) -> str:
    assert description is not None
    return description.replace("`", "")


async def test_arguments_are_described(page):
    """The page of the mutation describes its input."""
    await page.get_by_role("button", name="Show Documentation Explorer").click()
    panel = page.locator(".graphiql-doc-explorer")
    await panel.get_by_role("link", name="Mutation", exact=True).first.click()
    await panel.get_by_role("link", name="inviteCandidate", exact=True).click()

    await expect(panel).to_contain_text("Whom to invite to which track, and how.")


@pytest.mark.parametrize(
    ("tab", "verdict"),
    [
        ("Invite", "Invited"),
        ("HandleEveryError", "ALREADY_INVITED: this request invited nobody"),
    ],
)
async def test_the_outcome_is_said_in_a_line(page, tab, verdict):
    """Below the response stands the outcome of the invite."""
    await open_tab(page, tab)
    await run(page)

    await expect(page.get_by_role("status")).to_contain_text(verdict)
    await expect(page.get_by_role("status")).to_contain_text("HTTP 200")


async def test_a_replay_is_said_in_a_line(page):
    """The example of a retry shows, run twice, that the second sent nothing."""
    await open_tab(page, "RetrySafely")
    await run(page)
    await expect(page.get_by_role("status")).to_contain_text("Invited")
    await run(page)

    await expect(page.get_by_role("status")).to_contain_text("nothing was sent now")
    await expect(answer(page)).to_contain_text('"replayed": true')


async def test_doubt_is_said_in_a_line(page):
    """An unknown outcome is not called a failure."""
    await open_tab(page, "HandleEveryError")
    await page.wait_for_url("**conflict**")
    await page.goto(page.url.replace("conflict", "dropped"))
    await run(page)

    await expect(page.get_by_role("status")).to_contain_text("may or may not be invited")


async def test_an_invite_is_found_again(page):
    """Whom the first tab invites, the last one shows, with how it stands."""
    await run(page)
    await expect(answer(page)).to_contain_text('"InviteCandidateSuccess"')
    await open_tab(page, "WhatBecameOfIt")
    await run(page)

    await expect(answer(page)).to_contain_text('"ada@example.com"')
    await expect(answer(page)).to_contain_text('"trackTitle": "Track 6578"')
    await expect(page.get_by_role("status")).to_contain_text("Response received")


async def test_a_failed_read_is_said_in_a_line(page):
    """The code of a failed field stands below, too."""
    await open_tab(page, "WhatBecameOfIt")
    await page.wait_for_url(re.compile("WhatBecameOfIt.*6578"))
    await page.goto(page.url.replace("6578", "503503"))
    await run(page)

    await expect(page.get_by_role("status")).to_contain_text("Some fields failed: UPSTREAM_FAULT")


async def test_a_refused_request_is_said_in_a_line(page, gateway):
    """A document that the gateway refuses shows its error and its code."""
    await page.goto(f"{gateway}/?query={quote('{ gateway { age } }')}")
    await run(page)

    await expect(page.get_by_role("status")).to_contain_text("GRAPHQL_VALIDATION_FAILED")
    await expect(answer(page)).to_contain_text("age")


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


async def test_a_shared_address_opens_with_its_variables(browser, gateway):
    """Somebody who has never been here sees the request that was passed on, then the examples."""
    request = {
        "query": "query A { a: gateway { version } } query B { b: gateway { version } }",
        "variables": '{"of": "B"}',
        "operationName": "B",
    }
    async with visit(browser, gateway) as guest:
        await guest.goto(f"{gateway}/#{urlencode(request)}")

        await expect(tabs(guest)).to_have_text(["B", *EXAMPLES])
        await expect(guest.locator(".graphiql-editor-tool")).to_contain_text('"of": "B"')


async def test_an_address_pasted_into_an_open_page_opens(page):
    """Where only the part behind the # changes, the browser alone would do nothing."""
    # A little later, so that the page is not gone before this call has its answer.
    await page.evaluate(
        "setTimeout(() => (location.hash = `query=${encodeURIComponent('query Pasted { x }')}`))"
    )

    await expect(active_tab(page)).to_have_text("Pasted")


async def remembers(page: Page, condition: str) -> None:
    """Return once what is stored of the tabs meets the condition."""
    await page.evaluate(
        f"""() => new Promise((done) => {{
            const look = () => {{
                const held = localStorage.getItem("track-invite-gateway/graphiql:tabState");
                if (held && JSON.parse(held).{condition}) done();
                else setTimeout(look, 20);
            }};
            look();
        }})"""
    )


async def test_tabs_are_remembered(page, gateway):
    """Who comes back finds the tabs as they were left, the active one with its variables."""
    await open_tab(page, "HandleEveryError")
    first = page.locator(".graphiql-tab").first
    await first.hover()
    await first.locator(".graphiql-tab-close").click()
    await remembers(page, f"tabs.length === {len(EXAMPLES) - 1}")
    await page.goto("about:blank")
    await page.goto(gateway)

    await expect(tabs(page)).to_have_text(EXAMPLES[1:])
    await expect(page.locator(".graphiql-editor-tool")).to_contain_text("conflict@example.com")


async def test_a_reload_opens_no_further_tab(page):
    """The address and what is remembered are the same request."""
    await open_tab(page, "InviteByEmail")
    await page.wait_for_url("**grace**")
    await remembers(page, "activeTabIndex === 1")
    await page.reload()

    await expect(active_tab(page)).to_have_text("InviteByEmail")
    await expect(tabs(page)).to_have_count(len(EXAMPLES))


async def test_clearing_the_storage_clears_ours_alone(page):
    """Another project's page on the same address keeps what it remembers."""
    names = "['graphiql:theme', 'track-invite-gateway/graphiql:theme']"
    themes = f"{names}.map((name) => localStorage.getItem(name))"
    await page.evaluate("localStorage.setItem('graphiql:theme', 'light')")
    await page.get_by_role("button", name="Open settings dialog").click()
    await page.get_by_role("button", name="Dark").click()
    before = await page.evaluate(themes)
    await page.get_by_role("button", name="Clear data").click()
    await expect(page.get_by_role("button", name="Cleared data")).to_be_visible()

    assert before == ["light", "dark"]
    assert await page.evaluate(themes) == ["light", None]


async def test_it_works_without_a_storage(browser, gateway):
    """A browser that forbids storage shows the examples all the same, each time anew."""
    async with visit(browser, gateway) as page:
        await page.add_init_script(
            "Object.defineProperty(window, 'localStorage', { get() { throw new Error('no'); } })"
        )
        await page.goto(gateway)
        await open_tab(page, "HandleEveryError")
        await run(page)

        await expect(answer(page)).to_contain_text('"ALREADY_INVITED"')


async def test_each_visitor_gets_a_key_of_their_own(page, browser, gateway):
    """The example of a retry does not repeat the invite of somebody else."""
    async with visit(browser, gateway) as other:
        await other.goto(gateway)
        keys = {await shown_key(page), await shown_key(other)}

    assert len(keys) == 2


async def shown_key(page: Page) -> str:
    await open_tab(page, "RetrySafely")
    editor = page.locator(".graphiql-editor-tool")
    await expect(editor).to_contain_text("idempotencyKey")
    found = re.search(r"[0-9a-f]{32}", await editor.inner_text())
    assert found is not None
    return found[0]


async def test_headers_can_be_set_and_are_not_kept(page):
    """A token goes out with the request and is gone with the page."""
    await set_headers(page, '{"authorization": "Bearer t0ken"}')
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

        await expect(page.get_by_role("alert")).to_contain_text("does not show its schema")
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


async def test_a_response_of_something_else_is_shown(browser, gateway):
    """The page of a proxy in between is shown as it is, not as an error about JSON."""

    async def fail(route: Route) -> None:
        await route.fulfill(status=502, content_type="text/html", body="<h1>Bad Gateway</h1>")

    async with visit(browser, gateway, forgiving="status of 502") as page:
        await page.route("**/graphql", fail)
        await page.goto(gateway)
        await run(page)

        await expect(answer(page)).to_contain_text("This is not a GraphQL response: HTTP 502")
        await expect(answer(page)).to_contain_text("<h1>Bad Gateway</h1>")


async def test_an_unreachable_gateway_is_reported(browser, gateway):
    """Without a response the page says so, and does not guess the outcome of the invite."""
    async with visit(browser, gateway, forgiving="ERR_CONNECTION_REFUSED") as page:
        await page.route("**/graphql", lambda route: route.abort("connectionrefused"))
        await page.goto(gateway)
        await run(page)

        await expect(page.get_by_role("alert")).to_contain_text("Is it running?")
        await expect(answer(page)).to_contain_text(f"No response from {gateway}/graphql")
        await expect(page.get_by_role("status")).to_contain_text("it is not known what was done")
        await expect(page.get_by_role("status")).to_contain_text("no response")


async def test_it_works_below_a_path(browser):
    """A proxy may serve the gateway below a path: every address on the page is relative."""
    async with gateway_with(below="/recruiting") as gateway, visit(browser, gateway) as page:
        await page.goto(f"{gateway}/")
        await run(page)

        await expect(answer(page)).to_contain_text('"InviteCandidateSuccess"')


async def test_an_operation_of_another_tab_is_not_asked_for(page):
    """A tab that is run as soon as it is opened gets its own response."""
    answer = await page.evaluate(
        """async () => {
            const script = document.querySelector('script[src$="explorer.js"]').src;
            const { exchange } = await import(script.replace("explorer.js", "exchange.js"));
            const query = "query Mine { gateway { version } } query Other { __typename }";
            const stale = { query: "query Mine { gateway { version } }", operationName: "Other" };
            const own = { query, operationName: "Mine" };
            return [await exchange(stale, {}), await exchange(own, {})];
        }"""
    )

    assert all("version" in one["answer"]["data"]["gateway"] for one in answer)


async def test_many_outcomes_are_said_in_a_line(page, gateway):
    """A list in which one is in doubt is not called a success."""
    candidates = [
        {"candidateName": "Ada", "candidateEmail": f"{local_part}@example.com"}
        for local_part in ("ada", "conflict", "dropped")
    ]
    request = {
        "query": """mutation Many($input: InviteCandidatesInput!) {
            inviteCandidates(input: $input) { invitedCount notInvitedCount unknownCount }
        }""",
        "variables": json.dumps({"input": {"trackId": 6578, "candidates": candidates}}),
    }
    await page.goto(f"{gateway}/?{urlencode(request, quote_via=quote)}")
    await run(page)

    await expect(page.get_by_role("status")).to_contain_text(
        "1 invited, 1 not, 1 that may or may not be"
    )


@pytest.mark.parametrize("headers", ["{", '{"no name": "x"}'], ids=["no JSON", "no name"])
async def test_a_request_that_is_not_sent_is_reported(page, headers):
    """The verdict on an earlier request is not left standing below it."""
    await run(page)
    await expect(page.get_by_role("status")).to_contain_text("Invited")
    await set_headers(page, headers)
    await run(page)

    await expect(page.get_by_role("status")).to_have_text("Not sent")


async def test_a_request_under_way_has_no_verdict_yet(page):
    """While a response is awaited, the verdict on an earlier one is not shown."""
    held = asyncio.Event()

    async def hold(route: Route) -> None:
        await held.wait()
        await route.continue_()

    await run(page)
    await expect(page.get_by_role("status")).to_contain_text("Invited")
    await page.route("**/graphql", hold)
    await run(page)

    await expect(page.get_by_role("status")).to_have_text("Waiting for the response")
    held.set()
    await expect(page.get_by_role("status")).to_contain_text("Invited")


async def test_a_schema_that_cannot_be_had_is_not_called_hidden(browser, gateway):
    """An overloaded gateway is no reason to change its settings."""

    async def turn_away(route: Route) -> None:
        error = {"message": "Too much.", "extensions": {"code": "OVERLOADED"}}
        await route.fulfill(status=503, json={"errors": [error]})

    async with visit(browser, gateway, forgiving="status of 503") as page:
        await page.route("**/graphql", turn_away)
        await page.goto(gateway)

        await expect(page.get_by_role("alert")).to_contain_text("now (HTTP 503)")


async def test_the_keyboard_reaches_everything(page):
    """Tab leads through the editors to the button that runs the request, and changes no text."""
    await expect(page.locator(".graphiql-editor-tool")).to_contain_text("ada@example.com")
    await page.get_by_label("Request").focus()
    for _ in range(10):
        await page.keyboard.press("Tab")
        if await page.get_by_role("button", name="Execute query").evaluate(FOCUSED):
            break
    await page.keyboard.press("Enter")

    await expect(page.get_by_role("status")).to_contain_text("Invited")
    written = "document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror.getValue()"
    assert "\t" not in await page.evaluate(written)


async def test_the_focus_can_be_seen(page):
    """Whoever goes by keyboard sees where they are."""
    await page.keyboard.press("Tab")
    outline = await page.evaluate("getComputedStyle(document.activeElement).outline")

    assert outline.endswith("solid 2px")


async def test_the_guides_are_a_click_away(page):
    """Whoever tries an invite here finds how a page or a program does it."""
    await page.get_by_role("link", name="Guides").click()

    await expect(page).to_have_title("Guides · Track Invite Gateway")


async def test_a_phone_shows_request_and_answer(browser, gateway):
    """On a small screen nothing lies beside it, where no finger could reach it."""
    width, height = 390, 844
    async with visit(browser, gateway, viewport={"width": width, "height": height}) as page:
        await page.goto(gateway)
        await run(page)
        await expect(answer(page)).to_contain_text('"InviteCandidateSuccess"')
        parts = [".graphiql-query-editor", ".graphiql-editor-tool", ".result-window"]
        boxes = [await page.locator(part).bounding_box() for part in parts]
        await page.get_by_role("button", name="Show Documentation Explorer").click()
        boxes.append(await page.locator(".graphiql-plugin").bounding_box())

    for box in boxes:
        assert box is not None
        assert box["width"] > width * 0.8
        assert box["height"] > height / 10
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= height
