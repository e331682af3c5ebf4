"""The explorer's page and files come from this machine and from a fixed list."""

from __future__ import annotations

import gzip
import hashlib
import re
import sys
from collections.abc import AsyncIterator
from importlib.resources import files

import httpx2
import pytest
from starlette.applications import Starlette

from gateway.site.explorer import ExplorerFilesError, explorer_routes
from gateway.site.explorer import files as explorer_files
from gateway.site.explorer.files import OWN_NAMES, PAGE_NAME, VENDOR_SHA256, read_explorer

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
ASSETS = (*OWN_NAMES, *VENDOR_SHA256)


@pytest.fixture
async def visitor() -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(Starlette(routes=explorer_routes()))
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://gateway", headers={"accept-encoding": "identity"}
    ) as client:
        yield client


@pytest.fixture
async def folder(visitor) -> str:
    page = await visitor.get("/", headers=BROWSER)
    return str(re.findall(r'src="(explorer/[0-9a-f]{16}/)', page.text)[0])


async def test_browser_gets_page(visitor):
    """A browser at `/` gets the page, fresh each time."""
    answer = await visitor.get("/", headers=BROWSER)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["vary"] == "accept"
    assert "<title>Explorer · Track Invite Gateway</title>" in answer.text


async def test_page_names_its_files_alone(visitor, folder):
    """All that the page loads is relative and among the explorer's files."""
    page = await visitor.get("/", headers=BROWSER)

    loaded = re.findall(r'<(?:link|script) [^>]*(?:src|href)="([^"]+)"', page.text)

    assert len(loaded) == 7
    assert all(path.removeprefix(folder) in ASSETS for path in loaded)


async def test_page_has_no_inline_script(visitor):
    """The page needs no loosening of its policy for scripts."""
    page = await visitor.get("/", headers=BROWSER)

    assert not re.findall(r"<script(?![^>]*\ssrc=)|\son\w+=|style=|<style", page.text)


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        pytest.param("text/html", 200, id="html"),
        pytest.param("TEXT/HTML;q=0.5", 200, id="any case"),
        pytest.param("application/xhtml+xml", 200, id="xhtml"),
        pytest.param("text/html;q=0.05", 200, id="little html"),
        pytest.param("text/html;q=0", 406, id="no html"),
        pytest.param("text/html; q=0.00, application/json", 406, id="no html, but json"),
        pytest.param("application/json", 406, id="json"),
        pytest.param("*/*", 406, id="anything"),
        pytest.param("", 406, id="nothing"),
    ],
)
async def test_only_those_who_ask_for_html_get_it(visitor, accept, status):
    """The page is for browsers, which ask for HTML by name."""
    answer = await visitor.get("/", headers={"accept": accept})

    assert answer.status_code == status


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_other_methods_get_hint(visitor, method):
    """A client that takes `/` for the endpoint is told where that is, in GraphQL's shape."""
    answer = await visitor.request(method, "/", headers=BROWSER)

    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert answer.json()["errors"][0]["extensions"] == {"code": "BAD_REQUEST"}
    assert "`graphql`" in answer.json()["errors"][0]["message"]


async def test_program_gets_hint(visitor):
    """A program that asks for JSON is told where the endpoint is."""
    answer = await visitor.get("/", headers={"accept": "application/json"})

    assert answer.headers["content-type"] == "application/json"
    assert "`graphql`" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize(("name", "sha256"), VENDOR_SHA256.items())
async def test_third_party_file_is_served_as_known(visitor, folder, name, sha256):
    """What is served of GraphiQL and React is what was looked at, but for embedded fonts."""
    answer = await visitor.get(folder + name)

    served = hashlib.sha256(answer.content).hexdigest()
    assert (served == sha256) == (not name.endswith(".css"))
    assert b"font/woff" not in answer.content


@pytest.mark.parametrize("name", ASSETS)
async def test_asset_is_kept_for_good(visitor, folder, name):
    """A file carries its type, and needs never be asked for again."""
    answer = await visitor.get(folder + name)

    types = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8"}
    assert answer.status_code == 200
    assert answer.headers["content-type"] == types.get(name.rsplit(".")[-1], "image/svg+xml")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


async def test_known_file_is_not_sent_again(visitor, folder):
    """A browser that asks all the same is told that nothing has changed."""
    first = await visitor.get(folder + "explorer.js")

    again = await visitor.get(
        folder + "explorer.js", headers={"if-none-match": first.headers["etag"]}
    )

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]


async def test_file_is_compressed_on_request(visitor, folder):
    """A client that reads gzip gets a smaller file under a tag of its own."""
    plain = await visitor.get(folder + "graphiql.min.js")

    request = visitor.build_request(
        "GET", folder + "graphiql.min.js", headers={"accept-encoding": "gzip, br"}
    )
    answer = await visitor.send(request, stream=True)
    sent = b"".join([chunk async for chunk in answer.aiter_raw()])

    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["etag"] != plain.headers["etag"]
    assert len(sent) < len(plain.content) / 3
    assert gzip.decompress(sent) == plain.content


async def test_refused_compression_is_not_used(visitor, folder):
    """`gzip;q=0` means that the client cannot read it."""
    answer = await visitor.get(folder + "icon.svg", headers={"accept-encoding": "gzip;q=0, br"})

    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        "explorer/",
        "explorer/index.html",
        "explorer/explorer.js",
        "explorer/0000000000000000/explorer.js",
        "{folder}",
        "{folder}index.html",
        "{folder}routes.py",
        "{folder}../routes.py",
        "{folder}..%2froutes.py",
        "{folder}%2e%2e/routes.py",
        "{folder}fetch.umd.js",
        "favicon.ico",
    ],
)
async def test_nothing_else_is_served(visitor, folder, path):
    """A path that is not on the list finds nothing."""
    answer = await visitor.get("/" + path.format(folder=folder), headers=BROWSER)

    assert answer.status_code == 404


@pytest.mark.parametrize("path", ["", "{folder}explorer.js", "{folder}graphiql.min.css"])
async def test_every_answer_is_locked_down(visitor, folder, path):
    """Each answer forbids other origins, frames, sniffing and telling where one came from."""
    answer = await visitor.get("/" + path.format(folder=folder), headers=BROWSER)

    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; ")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert policy.endswith("base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_django_is_not_needed():
    """Reading the installed files imports neither Django nor the package's views."""
    read_explorer()

    assert "django" not in sys.modules
    assert "graphene_django_graphiql_static.views" not in sys.modules


def test_every_own_file_is_served():
    """No file of ours lies about unserved."""
    folder = files(explorer_files.__package__) / "static"

    assert {file.name for file in folder.iterdir()} == {*OWN_NAMES, PAGE_NAME}


def test_version_follows_the_files(monkeypatch):
    """Another set of files gets another version, and so other addresses."""
    before = read_explorer().version

    monkeypatch.setattr(explorer_files, "OWN_NAMES", OWN_NAMES[1:])

    assert read_explorer().version != before


def test_missing_package_is_named(monkeypatch):
    """Without the package, the error says what to install."""
    monkeypatch.setattr(explorer_files, "VENDOR_PACKAGE", "no_such_package")

    with pytest.raises(ExplorerFilesError, match=r"graphene-django-graphiql-static==0\.8"):
        explorer_routes()


def test_missing_file_is_named(monkeypatch):
    """A package without one of the files is not the one that was tried."""
    monkeypatch.setattr(explorer_files, "VENDOR_SHA256", {"gone.js": ""})

    with pytest.raises(ExplorerFilesError, match=r"gone\.js is not the one"):
        explorer_routes()


def test_altered_file_is_refused(monkeypatch):
    """A file of other content is not served."""
    name = next(iter(VENDOR_SHA256))
    monkeypatch.setattr(explorer_files, "VENDOR_SHA256", {name: "0" * 64})

    with pytest.raises(ExplorerFilesError, match="is not the one"):
        explorer_routes()
