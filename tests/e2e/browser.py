"""Real browsers for the tests of pages."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

BROWSERS = ("chromium", "firefox")
SCHEMES = ("light", "dark")

_PROGRAMS = {
    "chromium": ("chromium", "google-chrome"),
    "firefox": ("firefox-esr", "firefox"),
}
# Without these Chromium calls home, which the tests forbid.
_QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-sync",
    "--no-first-run",
    "--no-sandbox",
)
# What Playwright cannot set in a Firefox that is not its own: the scheme, and that pages may read
# the clipboard.
_SCHEME = "layout.css.prefers-color-scheme.content-override"
_CLIPBOARD = "dom.events.testing.asyncClipboard"


def needs_browser(name: str = "chromium") -> None:
    """Skip where the browser is not installed, and fail where it was promised (CI)."""
    if program_of(name) is None:
        reason = f"this test needs {name} on the path or in the variable {name.upper()}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


@contextlib.asynccontextmanager
async def launched(
    name: str = "chromium", *, scheme: str = "light", downloads: Path | None = None
) -> AsyncIterator[Browser]:
    """A headless browser. Firefox keeps to the scheme, in Chromium each page has its own.

    Its downloads go to the folder `downloads`: of Firefox's, Playwright says nothing.
    """
    async with async_playwright() as playwright:
        executable = program_of(name)
        if name == "firefox":
            # The system's own Firefox, over WebDriver BiDi.
            browser = await playwright.firefox.launch(
                channel="moz-firefox",
                executable_path=executable,
                firefox_user_prefs={_SCHEME: int(scheme == "light"), _CLIPBOARD: True},
                downloads_path=downloads,
            )
        else:
            browser = await playwright.chromium.launch(executable_path=executable, args=_QUIET)
        try:
            yield browser
        finally:
            await browser.close()


def program_of(name: str) -> str | None:
    """The browser that is installed, or that a variable names."""
    installed = filter(None, map(shutil.which, _PROGRAMS[name]))
    return os.environ.get(name.upper()) or next(installed, None)
