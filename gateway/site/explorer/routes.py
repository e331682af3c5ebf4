"""The explorer over HTTP: one page for browsers at `/` and a fixed list of files below it."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.site.explorer.files import ExplorerFile, read_explorer

_CONTENT_SECURITY_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    # The hash of the one inline style that GraphiQL adds, to stop scrolling below its dialogs.
    "style-src 'self' 'sha256-Y/huXlwoYkVyQlxwSVcCi1RCDGDCSVBzDt0hYP9qlTc='",
    # GraphiQL's style sheet embeds a few small pictures.
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
)
SECURITY_HEADERS = {
    "content-security-policy": "; ".join(_CONTENT_SECURITY_POLICY),
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_HINT = (
    "This address has a page for browsers and nothing else."
    " Send GraphQL requests with POST to `graphql` below it."
)
_PAGE_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_REFUSED = re.compile(r"q=0(\.0*)?")
_GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))")


def explorer_routes() -> list[Route]:
    """Routes for `/` and for the explorer's files below `/explorer/`.

    Raises ExplorerFilesError.
    """
    explorer = read_explorer()
    # The version is in the path, so that files can be cached for ever.
    folder = f"/explorer/{explorer.version}"
    return [_page_route(explorer.page), *(_asset_route(folder, file) for file in explorer.assets)]


def _page_route(page: ExplorerFile) -> Route:
    headers = {**SECURITY_HEADERS, "cache-control": "no-store", "vary": "accept"}

    async def answer(request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return _hint(405, {**headers, "allow": "GET, HEAD"})
        if not _wants_page(request.headers.get("accept", "")):
            return _hint(406, headers)
        return Response(page.content, headers={**headers, "content-type": page.content_type})

    # With a list of methods, Starlette would refuse the others in plain text.
    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    return Route("/", answer, methods=methods)


def _hint(status: int, headers: dict[str, str]) -> Response:
    error = {"message": _HINT, "extensions": {"code": "BAD_REQUEST"}}
    return JSONResponse({"errors": [error]}, status, headers)


def _wants_page(accept: str) -> bool:
    """Whether HTML is accepted by name, as browsers do; programs send `*/*`."""
    return any(_names_page(media_range) for media_range in accept.lower().split(","))


def _names_page(media_range: str) -> bool:
    media_type, *parameters = (part.strip() for part in media_range.split(";"))
    return media_type in _PAGE_TYPES and not any(map(_REFUSED.fullmatch, parameters))


def _asset_route(folder: str, file: ExplorerFile) -> Route:
    headers = {
        **SECURITY_HEADERS,
        "cache-control": "public, max-age=31536000, immutable",
        "content-type": file.content_type,
        "vary": "accept-encoding",
    }

    async def answer(request: Request) -> Response:
        gzipped = bool(_GZIP.search(request.headers.get("accept-encoding", "")))
        tag = f'"{file.sha256[:32]}{"-gzip" if gzipped else ""}"'
        tagged = {**headers, "etag": tag}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=tagged)
        if gzipped:
            return Response(file.gzipped, headers={**tagged, "content-encoding": "gzip"})
        return Response(file.content, headers=tagged)

    return Route(f"{folder}/{file.name}", answer)
