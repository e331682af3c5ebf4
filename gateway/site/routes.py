"""Everything that is served besides GraphQL."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Lifespan

from gateway.http.errors import ErrorCode, formatted, internal_error
from gateway.http.responses import error_response
from gateway.settings.model import Settings
from gateway.site.explorer import explorer_routes
from gateway.site.guide import guide_routes
from gateway.site.security_headers import SecurityHeaders

_REFUSALS = {
    404: "There is nothing here. GraphQL is at /graphql.",
    405: "This address is read with GET.",
}


def site_routes(settings: Settings) -> list[Route]:
    """The pages, if enabled."""
    return explorer_routes() + guide_routes() if settings.explorer else []


def site_of(routes: Sequence[Route], *, lifespan: Lifespan[Starlette] | None = None) -> Starlette:
    """An ASGI application with these routes, and error responses in the gateway's format."""
    site = Starlette(
        routes=routes,
        middleware=[Middleware(SecurityHeaders)],
        exception_handlers={404: _refused, 405: _refused, Exception: _failed},
        lifespan=lifespan,
    )
    # A redirect would repeat the Host header, which a client can forge.
    site.router.redirect_slashes = False
    return site


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - Starlette types handlers too widely
    answer = formatted(_REFUSALS[error.status_code], ErrorCode.BAD_REQUEST)
    return JSONResponse({"errors": [answer]}, error.status_code, error.headers)


async def _failed(_: Request, error: Exception) -> Response:
    answer = error_response([internal_error(error)], status=500)
    headers = {name.decode(): value.decode() for name, value in answer.all_headers()}
    return Response(answer.body, answer.status, headers)
