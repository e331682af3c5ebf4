"""Pages that are being developed: served by Vite or Next.js, they invite through `gateway dev`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.e2e.frontend import CLIENTS
from tests.e2e.node import needs_packages
from tests.e2e.processes import Command, program, running

# One browser and one gateway serve them all. The first test may have to wait for npm.
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(480)]

IN_GUIDE = "http://127.0.0.1:8000"
"""Where the guide's configurations expect the gateway."""
INDEX = '<!doctype html><div id="root"></div><script type="module" src="/src/main.tsx"></script>'
INVITE_IN_PAGE = """async ([script, endpoint]) => {
  const { invite } = await import(script);
  const ada = { candidateName: "Ada Lovelace", candidateEmail: "ada@example.com", trackId: 6578 };
  const { __typename } = await invite(ada, { endpoint, attempts: 1 });
  return __typename;
}"""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of `gateway dev` without a setting."""
    with running(tmp_path_factory.mktemp("dev"), "dev", "--port", "0") as dev:
        yield dev.read_to(r"http://\S+(?=/graphql\n)")


@pytest.fixture(scope="module")
def vite(tmp_path_factory: pytest.TempPathFactory, frontend: Path, gateway: str) -> Iterator[str]:
    """The origin of Vite, with the guide's configuration and its React example."""
    folder = tmp_path_factory.mktemp("vite")
    shutil.copytree(frontend, folder, symlinks=True, dirs_exist_ok=True)
    (folder / "index.html").write_text(INDEX, "utf-8")
    point_to(gateway, folder / "vite.config.js")
    with tool(folder, "vite", "--port", "5173") as server:
        yield server.address()


@pytest.fixture(scope="module")
def next_js(
    tmp_path_factory: pytest.TempPathFactory, frontend: Path, gateway: str
) -> Iterator[str]:
    """The origin of Next.js, with the guide's configuration and its script."""
    folder = tmp_path_factory.mktemp("next")
    (folder / "node_modules").symlink_to(CLIENTS / "node_modules")
    (folder / "pages").mkdir()
    (folder / "public").mkdir()
    shutil.copy(frontend / "src" / "invite.js", folder / "public")
    # A plain file: for a page of its own, Next.js would ask npm's registry for newer versions.
    (folder / "public" / "try.html").write_text("<!doctype html>", "utf-8")
    shutil.copy(frontend / "next.config.mjs", folder)
    point_to(gateway, folder / "next.config.mjs")
    with tool(folder, "next", "dev", "--port", "0") as server:
        yield server.address()


def point_to(gateway: str, configuration: Path) -> None:
    """Replace the gateway's address, and nothing else, in what the guide shows."""
    text = configuration.read_text("utf-8")
    assert text.count(IN_GUIDE) == 1
    configuration.write_text(text.replace(IN_GUIDE, gateway), "utf-8")


def tool(folder: Path, name: str, *words: str) -> AbstractContextManager[Command]:
    """A server that a package has brought, which neither colours its lines nor calls home."""
    needs_packages(CLIENTS)
    quiet = ("env", "NO_COLOR=1", "NEXT_TELEMETRY_DISABLED=1")
    return program(folder, *quiet, f"node_modules/.bin/{name}", *words)


async def test_a_page_that_vite_serves_invites(page, vite, gateway):
    """It calls `gateway dev` on another port, with no setting here or there."""
    await page.goto(vite)

    result = await page.evaluate(INVITE_IN_PAGE, ["/src/invite.js", f"{gateway}/graphql"])
    assert result == "InviteCandidateSuccess"


async def test_vite_passes_requests_on_as_the_guide_configures_it(page, vite):
    """The React example reaches the gateway at `/graphql` of its own origin, as in production."""
    await page.goto(vite)
    await page.get_by_label("Name").fill("Grace Hopper")
    await page.get_by_label("E-mail").fill("grace@example.com")
    await page.get_by_role("button", name="Invite").click()

    await expect(page.get_by_role("status")).to_contain_text("Grace Hopper is invited.")


async def test_next_passes_requests_on_as_the_guide_configures_it(page, next_js):
    """Its rewrites lead a page's requests to the gateway."""
    await page.goto(f"{next_js}/try.html")

    assert await page.evaluate(INVITE_IN_PAGE, ["/invite.js", "/graphql"]) == (
        "InviteCandidateSuccess"
    )
