"""What the tests of the explorer do: a gateway that serves it, a visitor, and their hands."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from typing import Any

from playwright.async_api import Browser, Locator, Page, expect
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.app import create_app
from gateway.commands.dev import dev_settings
from gateway.sandbox import create_sandbox, running_sandbox
from gateway.server.config import running_gateway
from gateway.server.listen import listen

# Long enough for a page on a machine that has other things to do.
expect.set_options(timeout=30_000)


@contextlib.asynccontextmanager
async def gateway_with(
    *, below: str = "", platform: str = "stand-in", **settings: object
) -> AsyncIterator[str]:
    """The address of a gateway with a stand-in behind it, served below a path by a proxy."""
    async with running_sandbox(create_sandbox()) as sandbox:
        chosen = dev_settings(sandbox).model_copy(update=settings)
        listening = listen("127.0.0.1", 0)
        app = stripped(create_app(chosen, platform=platform), below)
        async with running_gateway(app, chosen, listening) as gateway:
            yield gateway + below


def stripped(app: ASGIApp, prefix: str) -> ASGIApp:
    """What a proxy does that serves `app` below `prefix`."""

    async def proxy(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "path": scope["path"].removeprefix(prefix)}
        await app(scope, receive, send)

    return proxy


@contextlib.asynccontextmanager
async def visit(
    browser: Browser, gateway: str, *, forgiving: str = "$^", **context: Any
) -> AsyncIterator[Page]:
    """A page of a new visitor; a fault on it or traffic elsewhere is an error.

    A fault that matches `forgiving` is what the test is about.
    """
    visitor = await browser.new_context(**context)
    faults: list[str] = []

    def note(fault: str | None) -> None:
        if fault is not None and not re.search(forgiving, fault):
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
    assert faults == [], faults


async def run(page: Page) -> None:
    await page.get_by_role("button", name="Execute query").click()


def answer(page: Page) -> Locator:
    return page.locator(".result-window")


def tabs(page: Page) -> Locator:
    return page.locator(".graphiql-tab-button")


def active_tab(page: Page) -> Locator:
    return page.locator(".graphiql-tab-active .graphiql-tab-button")


async def open_tab(page: Page, name: str) -> None:
    await tabs(page).filter(has_text=re.compile(f"^{name}$")).click()


async def set_headers(page: Page, headers: str) -> None:
    await page.get_by_role("button", name="Headers").click()
    await page.locator(".graphiql-editor-tool .graphiql-editor:not(.hidden)").click()
    await page.keyboard.insert_text(headers)
