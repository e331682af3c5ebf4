"""Pages of other origins, and those that hide theirs, in real browsers."""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

from tests.e2e.browser import needs_browser, program_of
from tests.e2e.conftest import serve_settings
from tests.e2e.processes import running

# One browser serves them all: it is most of what each of these tests would take.
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

# What a page sends whose libraries trace, watch and name it.
HEADERS = {
    "content-type": "application/json",
    "sentry-trace": "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
    "baggage": "sentry-release=1",
    "x-datadog-trace-id": "1",
    "newrelic": "e30=",
    "graphql-client-name": "web",
    "x-requested-with": "XMLHttpRequest",
}
ASK = """async ([url, options]) => {
  try {
    const response = await fetch(url, { method: "POST", ...options });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    return { status: 0, text: String(error) };
  }
}"""
QUERY = json.dumps({"query": "{gateway{version}}"})
EXTENSION = {"manifest_version": 3, "name": "Invites", "version": "1"}


class Pages(ThreadingHTTPServer):
    """A server of empty pages: an origin of its own."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Empty)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Empty(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def pages() -> Iterator[Pages]:
    with Pages() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def named() -> Iterator[Pages]:
    """The frontend that the operator has named."""
    with pages() as server:
        yield server


@pytest.fixture(scope="module")
def stranger() -> Iterator[Pages]:
    with pages() as server:
        yield server


@pytest.fixture(scope="module")
def extension(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A browser extension with one page."""
    folder = tmp_path_factory.mktemp("extension")
    (folder / "manifest.json").write_text(json.dumps(EXTENSION))
    (folder / "page.html").write_text("<!doctype html><title>Invites</title>")
    return folder


@pytest.fixture(scope="module")
def gateway(
    named: Pages, extension: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    settings = serve_settings(
        "http://127.0.0.1:9",
        CORS_ORIGINS=f"{named.origin},{origin_of(extension)}",
        CORS_CREDENTIALS="true",
        EXPLORER="true",
    )
    with running(tmp_path_factory.mktemp("origins"), "serve", **settings) as command:
        yield command.address()


async def ask(page: Page, gateway: str, **options: object) -> Any:
    """What a script in the page gets from the gateway; status 0 if it may not read it."""
    given = {"body": QUERY, "headers": {"content-type": "application/json"}, **options}
    return await page.evaluate(ASK, [f"{gateway}/graphql", given])


async def test_page_of_a_named_origin_may_call(page, named, gateway):
    """With all the headers that its libraries add, and with cookies."""
    await page.goto(named.origin)

    answer = await ask(page, gateway, headers=HEADERS, credentials="include")

    assert (answer["status"], "version" in answer["text"]) == (200, True)


async def test_page_of_another_origin_may_not(page, stranger, gateway):
    """The browser keeps the answer from it, and does not even send what needs to be asked for."""
    await page.goto(stranger.origin)

    assert (await ask(page, gateway))["status"] == 0


@pytest.mark.parametrize("mode", ["same-origin", "cors"])
async def test_own_page_may_call_though_it_hides_its_origin(page, gateway, mode):
    """The gateway's own pages are served with `no-referrer`."""
    await page.goto(gateway)

    answer = await ask(page, gateway, mode=mode, referrerPolicy="no-referrer")

    assert (answer["status"], "version" in answer["text"]) == (200, True)


async def test_sandboxed_frame_may_not_call(page, gateway, named):
    """Its origin is hidden too, but it is from elsewhere."""
    await page.goto(named.origin)
    await page.set_content('<iframe sandbox="allow-scripts" srcdoc="<p>"></iframe>')
    frame = page.frames[1]
    await frame.wait_for_load_state()

    given = {"body": QUERY, "headers": {"content-type": "application/json"}}
    answer = await frame.evaluate(ASK, [f"{gateway}/graphql", given])

    assert answer["status"] == 0


async def test_page_of_an_extension_may_call(extension, gateway, tmp_path):
    """Its origin has a scheme of its own, and may be named like any other."""
    needs_browser("chromium")
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            tmp_path,
            executable_path=program_of("chromium"),
            args=[f"--load-extension={extension}", "--no-sandbox"],
            ignore_default_args=["--disable-extensions"],
        )
        page = await context.new_page()
        await page.goto(f"{origin_of(extension)}/page.html")
        answer = await ask(page, gateway)
        await context.close()

    assert (answer["status"], "version" in answer["text"]) == (200, True)


def origin_of(extension: Path) -> str:
    """Where Chromium serves an extension that has no key: its id is made of its path."""
    digest = hashlib.sha256(str(extension).encode()).hexdigest()[:32]
    letters = digest.translate(str.maketrans("0123456789abcdef", "abcdefghijklmnop"))
    return f"chrome-extension://{letters}"
