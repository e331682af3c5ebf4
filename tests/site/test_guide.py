"""The guide for frontends leaves nothing out and is a page of this machine alone."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.resources import files

import pytest
from graphql import parse, validate
from starlette.testclient import TestClient

from gateway.app import create_app
from gateway.graphql.schema import executable_schema
from gateway.http.errors import ErrorCode
from gateway.invites.models import InviteErrorCode
from gateway.site.guide.page import render
from tests.fakes.settings import settings

GUIDE = (files("gateway.site.guide") / "frontends.md").read_text("utf-8")


def visitor(*, explorer: bool = True) -> TestClient:
    return TestClient(create_app(settings(explorer=explorer)))


@pytest.mark.parametrize("code", [*InviteErrorCode, *ErrorCode], ids=str)
def test_every_error_has_its_row(code):
    """Whatever can go wrong, the guide says what to show: in `data` and in `errors`."""
    in_data, in_errors = GUIDE.partition("| `extensions.code` |")[::2]
    table = in_errors if isinstance(code, ErrorCode) else in_data

    assert re.search(rf"^\| (`\w+`, )*`{code.value}`", table, re.MULTILINE)


def test_the_operations_fit_the_schema():
    """What a reader copies is answered."""
    operations = re.findall(r"^```graphql \S+\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)

    assert len(operations) == 3
    for operation in operations:
        assert validate(executable_schema(), parse(operation)) == []


def test_page_shows_the_guide():
    """Text, tables and code arrive as such, and each file has its name above it."""
    page = visitor().get("/docs")

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<title>Inviting from a frontend · Track Invite Gateway</title>" in page.text
    assert "<td><code>ALREADY_INVITED</code></td>" in page.text
    assert "<p><code>src/invite.js</code></p>\n<pre><code" in page.text


def test_contents_lead_to_every_section():
    """Each heading has a link, and each link a heading."""
    page = visitor().get("/docs").text

    anchors = re.findall(r'<h2 id="([^"]+)">', page)

    assert len(anchors) == GUIDE.count("\n## ")
    assert re.findall(r'<a href="#([^"]+)">', page) == anchors
    assert len(set(anchors)) == len(anchors)


def test_page_loads_nothing():
    """The one style sheet is in the page, and the policy allows that and nothing else."""
    page = visitor().get("/docs")

    (style,) = re.findall(r"<style>(.*?)</style>", page.text, re.DOTALL)
    sha256 = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = page.headers["content-security-policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{sha256}';")
    assert re.findall(r"<script|<link|<img|<iframe|src=|@import|url\(", page.text) == []


def test_page_is_not_sent_twice():
    """A browser that has it is told that nothing has changed."""
    tag = visitor().get("/docs").headers["etag"]

    answer = visitor().get("/docs", headers={"if-none-match": tag})

    assert (answer.status_code, answer.content) == (304, b"")


def test_production_has_no_page():
    """Without the explorer there is no guide either."""
    assert visitor(explorer=False).get("/docs").status_code == 404


def test_markup_in_the_guide_is_text():
    """Examples may show tags; none becomes one."""
    page = render("# A & B\n\n## <b>\n\n<script>", "")

    assert "<title>A &amp; B · " in page
    assert '<h2 id="b">&lt;b&gt;</h2>' in page
    assert "&lt;script&gt;" in page
