"""The composition root: one ASGI app made from the settings."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.graphql.context import RequestContext
from gateway.graphql.endpoint import GraphQLEndpoint
from gateway.graphql.errors import ErrorCode, formatted
from gateway.graphql.execution import GeneralExecutor, PlanningExecutor
from gateway.graphql.explorer import explorer_routes
from gateway.graphql.persisted import read_manifest
from gateway.graphql.schema import executable_schema
from gateway.invites.invite import Inviter
from gateway.security_headers import SecurityHeaders
from gateway.settings import Settings, load_settings
from gateway.telemetry import configure_logging
from gateway.upstream.api_key import ApiKeyFile, FixedApiKey
from gateway.upstream.client import ApiKey, Upstream, client_for

GRAPHQL_PATHS = frozenset({"/graphql", "/graphql/"})


def create_app(settings: Settings, *, upstream: Upstream | None = None) -> ASGIApp:
    """The gateway; `upstream` stands in for the one that the settings name."""
    upstream = upstream or client_for(
        settings.upstream_url,
        api_key=_api_key(settings),
        api_key_header=settings.upstream_api_key_header,
        concurrency=settings.upstream_concurrency,
        kind=settings.upstream_client,
    )
    context = RequestContext(Inviter(upstream, timeout_seconds=settings.upstream_timeout_seconds))
    schema = executable_schema()
    general = GeneralExecutor(schema, hide_suggestions=not settings.introspection)
    endpoint = GraphQLEndpoint(
        schema,
        make_context=lambda _head: context,
        limits=settings.request_limits(),
        introspection=settings.introspection,
        cors_origins=frozenset(settings.cors_origins),
        trusted_documents=read_manifest(settings.documents) if settings.documents else None,
        trusted_only=settings.documents_only,
        executor=PlanningExecutor(schema, general=general),
    )
    site = _site(settings, upstream)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        # Every mutation comes this way: it is spared the router.
        if scope["type"] == "http" and scope["path"] in GRAPHQL_PATHS:
            await endpoint(scope, receive, send)
        else:
            await site(scope, receive, send)

    return app


def app_from_environment() -> ASGIApp:
    """The gateway of a process that `gateway serve` started. Raises SettingsError."""
    configure_logging()
    return create_app(load_settings())


def _site(settings: Settings, upstream: Upstream) -> Starlette:
    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await upstream.aclose()

    routes = [Route("/livez", _alive), Route("/readyz", _alive)]
    if settings.explorer:
        routes += explorer_routes()
    site = Starlette(
        routes=routes,
        middleware=[Middleware(SecurityHeaders)],
        exception_handlers={404: _not_found, 405: _not_found},
        lifespan=lifespan,
    )
    # A redirect would repeat the Host header, which anybody can make up.
    site.router.redirect_slashes = False
    return site


async def _not_found(_: Request, error: Exception) -> Response:
    status, headers = 404, None
    if isinstance(error, HTTPException):
        status, headers = error.status_code, error.headers
    answer = formatted("There is nothing here. GraphQL is at /graphql.", ErrorCode.BAD_REQUEST)
    return JSONResponse({"errors": [answer]}, status, headers)


async def _alive(_: Request) -> Response:
    return JSONResponse({"status": "ok"}, headers={"cache-control": "no-store"})


def _api_key(settings: Settings) -> ApiKey:
    if settings.upstream_api_key_file is not None:
        return ApiKeyFile(settings.upstream_api_key_file)
    if settings.upstream_api_key is None:
        raise ValueError("settings without an API key")
    return FixedApiKey(settings.upstream_api_key.get_secret_value())
