"""The guides at `/docs/NAME`, as Markdown at `/docs/NAME.md`, and a list of them at `/docs`."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from functools import partial
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.site.guide.guides import Guide, read_guides

PATH = "/docs"
_AS_MARKDOWN = {"content-type": "text/markdown; charset=utf-8"}


def guide_routes() -> list[Route]:
    """The routes of the list and of each guide."""
    folder = files(__package__)
    style = (folder / "guide.css").read_text("utf-8")
    script = (folder / "guide.js").read_text("utf-8")
    guides = read_guides()
    headers = {
        "content-security-policy": _policy(style, script),
        "content-type": "text/html; charset=utf-8",
    }

    def page_of(current: Guide | None) -> bytes:
        # Imported with the first page, to save memory if none is requested.
        from gateway.site.guide.page import render  # noqa: PLC0415

        return render(guides, current, style=style, script=script).encode()

    routes = [_route(PATH, partial(page_of, None), headers)]
    for guide in guides:
        path = f"{PATH}/{guide.name}"
        routes.append(_route(path, partial(page_of, guide), headers))
        routes.append(_route(f"{path}.md", guide.markdown.encode, _AS_MARKDOWN))
    return routes


def _route(path: str, make: Callable[[], bytes], headers: dict[str, str]) -> Route:
    """Serves what `make` returns; it is called once, at the first request."""
    made: list[bytes] = []

    # Not a coroutine, so that it runs in a thread and delays no request.
    def answer(request: Request) -> Response:
        if not made:
            made.append(make())
        page = made[0]
        tag = f'"{hashlib.sha256(page).hexdigest()[:32]}"'
        tagged = {**headers, "cache-control": "no-cache", "etag": tag}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=tagged)
        return Response(page, headers=tagged)

    return Route(path, answer)


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; img-src data:; style-src {_sum(style)}; script-src {_sum(script)};"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _sum(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
