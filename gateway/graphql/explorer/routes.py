"""The explorer's page and its files: a fixed list, read once at start.

GraphiQL and React come from the installed package `graphene-django-graphiql-static`, of which
only the static files are used; the page around them is our own.
"""

from __future__ import annotations

import hashlib
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

VENDOR_PACKAGE = "graphene_django_graphiql_static"
VENDOR_FILES = (
    "graphiql.min.css",
    "graphiql.min.js",
    "react-dom.production.min.js",
    "react.production.min.js",
)
OWN_FILES = ("explorer.css", "explorer.js", "icon.svg")
PAGE = "index.html"

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    # GraphiQL's editor sets the style of lines and cursors as attributes.
    "style-src 'self' 'unsafe-inline'",
    # GraphiQL's style sheet carries its fonts and small pictures in itself.
    "font-src data:",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
)
_HEADERS = {
    "content-security-policy": "; ".join(_POLICY),
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def explorer_routes() -> list[Route]:
    """Routes for `/` and for the explorer's files below `/explorer/`."""
    own = files(__package__) / "static"
    vendor = files(VENDOR_PACKAGE) / "static" / VENDOR_PACKAGE
    assets = [
        *(_asset(own / name) for name in OWN_FILES),
        *(_asset(vendor / name) for name in VENDOR_FILES),
    ]
    return [_page(own / PAGE), *assets]


def _page(source: Traversable) -> Route:
    page = source.read_bytes()

    async def answer(request: Request) -> Response:
        if "text/html" not in request.headers.get("accept", ""):
            return JSONResponse(
                {"message": "This is the explorer, for browsers. GraphQL is at /graphql."},
                headers={**_HEADERS, "cache-control": "no-store", "vary": "accept"},
            )
        headers = {**_HEADERS, "cache-control": "no-store", "vary": "accept"}
        return Response(page, headers=headers, media_type=_TYPES[".html"])

    return Route("/", answer)


def _asset(source: Traversable) -> Route:
    content = source.read_bytes()
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    # Browsers ask again each time and are told that nothing has changed.
    headers = {**_HEADERS, "cache-control": "no-cache", "etag": tag}
    media_type = _TYPES[source.name[source.name.rindex(".") :]]

    async def answer(request: Request) -> Response:
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers, media_type=media_type)

    return Route(f"/explorer/{source.name}", answer)
