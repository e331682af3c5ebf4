"""Guides as pages, with navigation, highlighted code, and anchors at headings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from importlib.resources import files
from itertools import pairwise
from typing import Any
from urllib.parse import quote

from markdown_it import MarkdownIt
from markdown_it.token import Token
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

from gateway.site.guide.guides import Guide

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <meta name="robots" content="noindex">
  <link rel="icon" type="image/svg+xml" href="data:image/svg+xml,{icon}">
  <title>{title} · Track Invite Gateway</title>
  <style>{style}</style>
</head>
<body>
<a class="skip" href="#text">Skip to the text</a>
<header>
<strong>Track Invite Gateway</strong>
<a href="{root}">Explorer</a>
<a href="{root}docs">Guides</a>
<a class="phone" href="#contents">Contents</a>
</header>
<nav id="contents" aria-label="Guides">
<ul>
{contents}</ul>
</nav>
<main id="text">
{text}</main>
<script>{script}</script>
</body>
</html>
"""
_ICON = files("gateway.site") / "explorer" / "static" / "icon.svg"
_LIST_TITLE = "Guides"
_GUIDE_FILE = re.compile(r"([\w-]+)\.md(#.*)?")
# An external URL; anything else is a file beside the guide.
_ADDRESS = re.compile(r"[a-z]+:|#")
_COLOURS = HtmlFormatter(nowrap=True)


def render(guides: Sequence[Guide], current: Guide | None, *, style: str, script: str) -> str:
    """The page of one guide, or the list of all; links are relative to where it is served."""
    markdown = _markdown()
    if current is None:
        title, sections, text = _LIST_TITLE, {}, _list(markdown, guides)
    else:
        tokens = markdown.parse(current.markdown)
        title, sections = current.title, _prepare(tokens)
        text = markdown.renderer.render(tokens, markdown.options, {})
    return _PAGE.format(
        title=escape(title),
        icon=quote(_ICON.read_text("utf-8")),
        style=style,
        script=script,
        root="./" if current is None else "../",
        contents="".join(_entry(guide, current, sections) for guide in guides),
        text=text,
    )


def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.add_render_rule("fence", _code)
    return markdown


def _list(markdown: MarkdownIt, guides: Sequence[Guide]) -> str:
    entries = "".join(
        f'<dt><a href="docs/{guide.name}">{escape(guide.title)}</a></dt>\n'
        f"<dd>{markdown.renderInline(guide.summary)}</dd>\n"
        for guide in guides
    )
    return f"<h1>{_LIST_TITLE}</h1>\n<dl>\n{entries}</dl>\n"


def _entry(guide: Guide, current: Guide | None, sections: Mapping[str, str]) -> str:
    """A guide in the navigation, with its sections if it is shown."""
    folder = "docs/" if current is None else ""
    if guide is not current:
        return f'<li><a href="{folder}{guide.name}">{escape(guide.title)}</a></li>\n'
    below = "".join(
        f'<li><a href="#{anchor}">{escape(heading)}</a></li>\n'
        for anchor, heading in sections.items()
    )
    return (
        f'<li><a href="{guide.name}" aria-current="page">{escape(guide.title)}</a>\n'
        f"<ul>\n{below}</ul></li>\n"
    )


def _prepare(tokens: Sequence[Token]) -> dict[str, str]:
    """Adds anchors, labels and links; returns the headings by anchor."""
    sections: dict[str, str] = {}
    columns: list[str] = []
    cells: Iterator[str] = iter(())
    for token, following in pairwise(tokens):
        match token.type:
            case "heading_open" if token.tag != "h1":
                anchor = anchor_of(_plain(following))
                token.attrSet("id", anchor)
                if token.tag == "h2":
                    sections[anchor] = _plain(following)
                _link_to(following, anchor)
            case "thead_open":
                columns = []
            case "th_open":
                columns.append(_plain(following))
                _align(token)
            case "tr_open":
                cells = iter(columns)
            case "td_open":
                token.attrSet("data-label", next(cells))
                _align(token)
            case "inline":
                token.children = list(_within_the_site(token.children or []))
    return sections


def _plain(inline: Token) -> str:
    return "".join(child.content for child in inline.children or [])


def anchor_of(heading: str) -> str:
    """The anchor as GitHub makes it, so that links to sections work in both places."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _link_to(inline: Token, anchor: str) -> None:
    attributes: dict[str, str | int | float] = {
        "class": "anchor",
        "href": f"#{anchor}",
        "aria-label": f"Link to “{_plain(inline)}”",
    }
    inline.children = [
        *(inline.children or []),
        Token("link_open", "a", 1, attrs=attributes),
        Token("text", "", 0, content="#"),
        Token("link_close", "a", -1),
    ]


def _align(token: Token) -> None:
    # The page's policy forbids style attributes.
    if style := token.attrs.pop("style", None):
        token.attrSet("class", str(style).removeprefix("text-align:"))


def _within_the_site(children: Sequence[Token]) -> Iterator[Token]:
    """Links to other guides lead to their pages; other files and pictures are not served."""
    linked = True
    for child in children:
        if child.type == "link_open":
            linked = _points_to_a_page(child)
        if child.type == "image" or (child.type in ("link_open", "link_close") and not linked):
            continue
        yield child


def _points_to_a_page(link: Token) -> bool:
    address = str(link.attrs["href"])
    if guide := _GUIDE_FILE.fullmatch(address):
        link.attrSet("href", guide[1] + (guide[2] or ""))
        return True
    return bool(_ADDRESS.match(address))


def _code(*render: Any) -> str:
    """A block of code, with a caption if the fence names a file."""
    _, tokens, index, *_ = render
    language, _, file = tokens[index].info.partition(" ")
    text = highlight(tokens[index].content, get_lexer_by_name(language or "text"), _COLOURS)
    name = f"<figcaption>{escape(file)}</figcaption>" if file else ""
    # Can be focused with Tab, and so scrolled by keyboard.
    return f'<figure>{name}<pre tabindex="0"><code>{text}</code></pre></figure>\n'
