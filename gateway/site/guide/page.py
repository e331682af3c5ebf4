"""The guide as a page at `/docs`, made from its Markdown once at start."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PATH = "/docs"

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <meta name="robots" content="noindex">
  <title>{title} · Track Invite Gateway</title>
  <style>{style}</style>
</head>
<body>
<nav>{contents}<a href="./">Explorer</a></nav>
<main>
{text}</main>
</body>
</html>
"""
_TITLE = re.compile(r"<h1>(.*?)</h1>")
_HEADING = re.compile(r"<h2>(.*?)</h2>")
_FILE_NAME = re.compile(r"^(```\w+) (\S+)$", re.MULTILINE)


def guide_routes() -> list[Route]:
    """The route of the guide."""
    folder = files(__package__)
    style = (folder / "guide.css").read_text("utf-8")
    page = render((folder / "frontends.md").read_text("utf-8"), style).encode()
    headers = {
        "cache-control": "no-cache",
        "content-security-policy": _policy(style),
        "content-type": "text/html; charset=utf-8",
        "etag": f'"{hashlib.sha256(page).hexdigest()[:32]}"',
    }

    async def answer(request: Request) -> Response:
        if request.headers.get("if-none-match") == headers["etag"]:
            return Response(status_code=304, headers=headers)
        return Response(page, headers=headers)

    return [Route(PATH, answer)]


def render(markdown: str, style: str) -> str:
    """A page with a list of its own sections; the file names of code are told above it."""
    # Loaded here, because `gateway serve` does without unless it shows the explorer.
    from markdown_it import MarkdownIt  # noqa: PLC0415

    named = _FILE_NAME.sub(r"`\2`\n\n\1", markdown)
    text = MarkdownIt("commonmark", {"html": False}).enable("table").render(named)
    title = _TITLE.search(text)
    return _PAGE.format(
        title=title[1] if title else "",
        style=style,
        contents="".join(_link(heading) for heading in _HEADING.findall(text)),
        text=_HEADING.sub(lambda found: f'<h2 id="{_anchor(found[1])}">{found[1]}</h2>', text),
    )


def _link(heading: str) -> str:
    return f'<a href="#{_anchor(heading)}">{heading}</a>'


def _anchor(heading: str) -> str:
    return re.sub(r"\W+", "-", html.unescape(heading).lower()).strip("-")


def _policy(style: str) -> str:
    sha256 = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{sha256}';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
