"""The guide for frontends leaves nothing out; the guides are pages of this machine alone."""

from __future__ import annotations

import json
import re

import pytest
from graphql import parse, validate
from starlette.testclient import TestClient

from gateway.app import create_app
from gateway.graphql.schema import executable_schema
from gateway.http.errors import ErrorCode
from gateway.invites.models import InviteErrorCode
from gateway.site.guide.guides import ORDER, Guide, read_guides
from gateway.site.guide.page import render
from tests.fakes.settings import settings
from tests.fakes.texts import GUIDES, ROOT

FRONTENDS = GUIDES["frontends"]


def visitor(*, explorer: bool = True) -> TestClient:
    return TestClient(create_app(settings(explorer=explorer)))


def shown(markdown: str) -> str:
    """The page of a guide that holds this text."""
    guide = Guide("tried", "# Tried\n\nA guide.\n\n" + markdown)
    return render([guide, Guide("other", "# Other\n\nA guide.\n")], guide, style="", script="")


@pytest.mark.parametrize("code", [*InviteErrorCode, *ErrorCode], ids=str)
def test_every_error_has_its_row(code):
    """Whatever can go wrong, the guide says what to show: in `data` and in `errors`."""
    in_data, in_errors = FRONTENDS.partition("| `extensions.code` |")[::2]
    table = in_errors if isinstance(code, ErrorCode) else in_data

    assert re.search(rf"^\| (`\w+`, )*`{code.value}`", table, re.MULTILINE)


def test_the_operations_fit_the_schema():
    """What a reader copies is answered."""
    operations = re.findall(r"^```graphql \S+\n(.*?)^```$", FRONTENDS, re.DOTALL | re.MULTILINE)

    assert len(operations) == 3
    for operation in operations:
        assert validate(executable_schema(), parse(operation)) == []


def test_what_it_installs_is_what_the_tests_use():
    """Each package that a reader installs is one that its examples were run with."""
    manifest = json.loads((ROOT / "tests/e2e/clients/package.json").read_text("utf-8"))
    used = {
        f"{name}@{version.lstrip('^').partition('.')[0]}"
        for name, version in manifest["dependencies"].items()
    }
    lines = re.findall(r"npm install( --save-dev)?([^`\n]+)", FRONTENDS)

    installed = {package for _, packages in lines for package in packages.split()}
    assert len(lines) == 3
    assert installed - used == set()


def test_every_guide_has_its_place():
    """The list has all of them, in the order that was chosen."""
    assert tuple(guide.name for guide in read_guides()) == ORDER


@pytest.mark.parametrize("name", ORDER)
def test_every_guide_is_a_page_and_markdown(name):
    """Each has a title and says what it is, and can be had as it was written."""
    page, text = visitor().get(f"/docs/{name}"), visitor().get(f"/docs/{name}.md")

    title = GUIDES[name].partition("\n")[0].removeprefix("# ")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert f"<title>{title} · Track Invite Gateway</title>" in page.text
    assert text.headers["content-type"] == "text/markdown; charset=utf-8"
    assert text.text == GUIDES[name]


@pytest.mark.parametrize(("path", "folder"), [("/docs", "docs/"), ("/docs/errors", "")])
def test_every_guide_is_found_from_every_page(path, folder):
    """The list and each guide link to all of them, below whatever path they are served."""
    page = visitor().get(path).text

    linked = re.findall(rf'<li><a href="{folder}([\w-]+)"', page)
    assert tuple(linked) == ORDER


def test_the_list_says_what_each_guide_is():
    """A reader chooses by more than a title."""
    page = visitor().get("/docs").text

    assert page.count("<dd>") == len(ORDER)
    assert "<dd>Authentication, several accounts, and rate limits.</dd>" in page


def test_the_page_shown_is_marked():
    """A reader sees where they are."""
    page = visitor().get("/docs/speed").text

    assert re.findall(r'<a href="(\S+)" aria-current="page">', page) == ["speed"]


@pytest.mark.parametrize("name", ORDER)
def test_contents_lead_to_every_section(name):
    """Each section has a link, and each link leads to a heading."""
    page = visitor().get(f"/docs/{name}").text

    sections = re.findall(r'<h2 id="([^"]+)">', page)
    anchors = re.findall(r'<h\d id="([^"]+)">', page)
    assert len(sections) == GUIDES[name].count("\n## ")
    assert re.findall(r'<li><a href="#([^"]+)">', page) == sections
    assert len(set(anchors)) == len(anchors)


def test_headings_link_to_themselves():
    """A reader can pass on the address of a section."""
    page = shown("### A `word` & more")

    assert '<h3 id="a-word--more">A <code>word</code> &amp; more<a class="anchor"' in page
    assert 'href="#a-word--more" aria-label="Link to “A word &amp; more”">#</a></h3>' in page


def test_code_has_colours_and_its_name():
    """A file is below its name, and its words are told apart."""
    page = shown("```js src/a.js\nconst a = 1 < 2;\n```")

    assert '<figure><figcaption>src/a.js</figcaption><pre tabindex="0"><code>' in page
    assert '<span class="kd">const</span>' in page
    assert "&lt;" in page


def test_code_without_a_language_is_plain():
    """A block need not be code."""
    page = shown("```\na < b\n```")

    assert '<figure><pre tabindex="0"><code>a &lt; b\n</code></pre></figure>' in page


def test_cells_carry_their_headings():
    """On a phone, where a row is a card, each cell says what it is."""
    page = shown("| a | `b` |\n|---|--:|\n| 1 | 2 |")

    assert '<td data-label="a">1</td>' in page
    assert '<td data-label="b" class="right">2</td>' in page
    assert "style=" not in page


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("[o](other.md)", '<a href="other">o</a>'),
        ("[o](other.md#b-c)", '<a href="other#b-c">o</a>'),
        ("[o](#here)", '<a href="#here">o</a>'),
        ("[o](https://example.com/a.md)", '<a href="https://example.com/a.md">o</a>'),
        ("[o](../../../README.md) [p](other.md)", 'o <a href="other">p</a>'),
        ("a ![o](../../../speed.svg)b", "a b"),
    ],
)
def test_links_lead_to_pages(markdown, html):
    """Other guides are linked as pages; files that are not served are not linked."""
    assert f"<p>{html}</p>" in shown(markdown)


@pytest.mark.parametrize("path", ["/docs", "/docs/frontends"])
def test_page_loads_nothing(path):
    """The policy allows what is in the page and nothing else."""
    page = visitor().get(path)

    assert page.headers["content-security-policy"].startswith("default-src 'none'; ")
    assert "unsafe" not in page.headers["content-security-policy"]
    assert (
        re.findall(
            r"<link(?! rel=\"icon\" type=\"image/svg\+xml\" href=\"data:)|<img|<iframe|src=|@import|url\(| style=",
            page.text,
        )
        == []
    )


@pytest.mark.parametrize("path", ["/docs", "/docs/errors", "/docs/errors.md"])
def test_page_is_not_sent_twice(path):
    """A browser that has it is told that nothing has changed."""
    tag = visitor().get(path).headers["etag"]

    answer = visitor().get(path, headers={"if-none-match": tag})

    assert (answer.status_code, answer.content) == (304, b"")


@pytest.mark.parametrize("path", ["/docs", "/docs/errors", "/docs/errors.md"])
def test_production_has_no_pages(path):
    """Without the explorer there are no guides either."""
    assert visitor(explorer=False).get(path).status_code == 404


def test_markup_in_a_guide_is_text():
    """Examples may show tags; none becomes one."""
    page = shown("## <b>\n\n<script>")

    assert '<h2 id="b">&lt;b&gt;<a' in page
    assert "<p>&lt;script&gt;</p>" in page
    assert '<li><a href="#b">&lt;b&gt;</a></li>' in page
