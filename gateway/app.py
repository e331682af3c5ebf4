"""The composition root: one ASGI app made from the settings."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.access import Access
from gateway.auth import Caller
from gateway.graphql.context import RequestContext, idempotency_key_of, timeout_of
from gateway.graphql.endpoint import GraphQLEndpoint
from gateway.graphql.errors import ErrorCode, formatted
from gateway.graphql.execution import GeneralExecutor, PlanningExecutor
from gateway.graphql.explorer import explorer_routes
from gateway.graphql.persisted import read_manifest
from gateway.graphql.requests import RequestHead
from gateway.graphql.schema import executable_schema
from gateway.invites.idempotency import Store
from gateway.overload import OverloadGate
from gateway.security_headers import SecurityHeaders
from gateway.service import Service
from gateway.settings import Settings, load_settings
from gateway.telemetry import configure_logging
from gateway.upstream.client import Upstream

GRAPHQL_PATHS = frozenset({"/graphql", "/graphql/"})


def create_app(
    settings: Settings, *, upstream: Upstream | None = None, store: Store | None = None
) -> ASGIApp:
    """The gateway; `upstream` and `store` stand in for those that the settings name."""
    service = Service(settings, upstream=upstream, store=store)
    access = Access(settings)
    plain = RequestContext(service.inviter)
    schema = executable_schema()
    general = GeneralExecutor(schema, hide_suggestions=not settings.introspection)
    endpoint = GraphQLEndpoint(
        schema,
        make_context=lambda head: _context(plain, head),
        limits=settings.request_limits(),
        introspection=settings.introspection,
        cors_origins=frozenset(settings.cors_origins),
        trusted_documents=read_manifest(settings.documents) if settings.documents else None,
        trusted_only=settings.documents_only,
        # Strangers take no place from callers.
        gates=(*access.gates, OverloadGate(service.requests)),
        executor=PlanningExecutor(schema, general=general),
    )
    site = _site(settings, service, access)

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


def _site(settings: Settings, service: Service, access: Access) -> Starlette:
    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await service.start()
        try:
            yield
        finally:
            await service.stop()
            await access.aclose()

    async def ready(_: Request) -> Response:
        return _status("ok") if await service.is_ready() else _status("unavailable", 503)

    routes = [Route("/livez", _alive), Route("/readyz", ready)]
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
    return _status("ok")


def _status(word: str, status: int = 200) -> Response:
    return JSONResponse({"status": word}, status, headers={"cache-control": "no-store"})


def _context(plain: RequestContext, head: RequestHead) -> RequestContext:
    key, seconds = idempotency_key_of(head), timeout_of(head)
    scope = head.caller.name if isinstance(head.caller, Caller) else ""
    if key is None and seconds is None and not scope:
        return plain
    return replace(plain, scope=scope, idempotency_key=key, timeout_seconds=seconds)
