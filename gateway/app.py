"""The composition root: one ASGI app made from the settings."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.access.bearer import Caller
from gateway.access.forwarded_key import forwarded_key, scope_of
from gateway.access.gates import Access
from gateway.access.overload import OverloadGate
from gateway.access.rate_limits import name_of
from gateway.background import aside
from gateway.graphql.allowance import Allowance
from gateway.graphql.context import RequestContext, idempotency_key_of, timeout_of
from gateway.graphql.documents import DocumentReader
from gateway.graphql.endpoint import GraphQLEndpoint
from gateway.graphql.execution import GeneralExecutor, PlanningExecutor
from gateway.graphql.persisted import TrustedDocuments
from gateway.graphql.schema import executable_schema
from gateway.http.asgi import AsgiApp, Respond
from gateway.http.requests import RequestHead
from gateway.invites.models import Origin
from gateway.invites.store import Store, StoreError
from gateway.server.drain import Draining
from gateway.server.port import Routes
from gateway.server.signals import on_hangup
from gateway.service import Service, list_of, upstream_of
from gateway.settings.model import Settings
from gateway.site.probes import probes_and_metrics
from gateway.site.routes import site_of, site_routes
from gateway.stores.opening import store_of
from gateway.telemetry.log_stream import never_wait_for_log
from gateway.telemetry.logs import configure_logging, event_log
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.watch import Watch
from gateway.upstream.contract import Upstream

if TYPE_CHECKING:
    from gateway.telemetry.tracing import Tracing

LOGGER = logging.getLogger("gateway.app")
_ABOUT_INVITES = frozenset({b"idempotency-key", b"request-timeout"})
_LOOK_AGAIN_SECONDS = 0.5
GRAPHQL_PATHS = frozenset({"/graphql", "/graphql/"})


def create_app(
    settings: Settings,
    *,
    upstream: Upstream | None = None,
    applicants: Upstream | None = None,
    store: Store | None = None,
    stops_on_signals: bool = False,
    platform: str | None = None,
    cors_loopback: bool = False,
) -> Gateway:
    """The gateway; `upstream` and `store` replace those that the settings name.

    `applicants` replaces the client that reads the upstream's list. `platform` is the name of the
    platform that is shown to people; by default it is the upstream's host. With `cors_loopback`,
    pages served from this machine may call, whatever their port.

    With `stops_on_signals` it drains from the signal on, before its server notices.
    """
    watch = _watch(settings)
    draining = Draining(delay_seconds=settings.drain_delay_seconds, supervised=settings.workers > 1)
    service = Service(
        settings,
        upstream=upstream or upstream_of(settings, observe=watch.call),
        applicants=applicants or list_of(settings, observe=watch.call),
        store=watch.store(store or store_of(settings)),
        retried=watch.retried,
        anomaly=watch.anomaly,
        ended=watch.invited,
        ended_in_list=watch.invited_in_list,
    )
    watch.service(service, draining)
    access = Access(settings, service.rate_limits)
    plain = RequestContext(
        service.inviter,
        service.bulk,
        service.applications,
        allowance=Allowance(settings.max_values),
        platform=platform or urlsplit(settings.upstream_url).netloc,
    )
    schema = executable_schema(federation=settings.federation)
    general = GeneralExecutor(schema, hide_suggestions=not settings.introspection)
    # Used in another thread, so not shared with the endpoint.
    reader = DocumentReader(schema, settings.request_limits(), introspection=settings.introspection)
    trusted = TrustedDocuments(reader.read, settings.documents)
    endpoint = GraphQLEndpoint(
        schema,
        make_context=_context_maker(plain, settings),
        admitted=watch.admitted,
        found=watch.found,
        limits=settings.request_limits(),
        introspection=settings.introspection,
        cors_origins=frozenset(settings.cors_origins),
        cors_credentials=settings.cors_credentials,
        cors_loopback=cors_loopback,
        trusted=trusted,
        trusted_only=settings.documents_only,
        # Overload comes last: requests that access refuses must not occupy a place.
        gates=(draining.admit, *access.gates, OverloadGate(service.requests, draining)),
        executor=PlanningExecutor(schema, general=general),
    )
    respond = watch.respond(endpoint.respond)

    def reread() -> None:
        access.reread()
        service.reread()

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await service.start()
        try:
            async with watch.running():
                with contextlib.ExitStack() as signals:
                    if settings.documents:
                        signals.enter_context(_looking_for_changes(trusted))
                    if stops_on_signals:
                        signals.enter_context(draining.on_signals())
                        signals.enter_context(on_hangup(reread))
                    yield
                await draining.idle()
        finally:
            await service.stop()
            await access.aclose()
            await watch.aclose()

    operations = probes_and_metrics(draining, watch.metrics, can_record=service.is_ready)
    is_apart = settings.operations_port is not None
    pages = site_routes(settings) if is_apart else [*operations, *site_routes(settings)]
    return Gateway(
        respond,
        site_of(pages, lifespan=lifespan),
        draining,
        operations=site_of(operations) if is_apart else None,
        max_body_bytes=settings.max_body_bytes,
    )


@contextlib.contextmanager
def _looking_for_changes(trusted: TrustedDocuments) -> Iterator[None]:
    """Reload changed manifests during the block."""

    async def look() -> None:
        while True:
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
            # Reading many documents is slow.
            await aside(trusted.look)

    looking = asyncio.create_task(look())
    try:
        yield
    finally:
        looking.cancel()


class Gateway:
    """The ASGI app: GraphQL at its paths, everything else from `site`."""

    def __init__(
        self,
        respond: Respond,
        site: ASGIApp,
        draining: Draining,
        *,
        operations: ASGIApp | None,
        max_body_bytes: int,
    ) -> None:
        self.routes: Routes = dict.fromkeys(GRAPHQL_PATHS, respond)
        self.draining = draining
        self.operations = operations
        self._graphql = AsgiApp(respond, max_body_bytes=max_body_bytes)
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] in GRAPHQL_PATHS:
            await self._graphql(scope, receive, send)
        else:
            await self._site(scope, receive, _logging_failures(send))


def _logging_failures(send: Send) -> Send:
    """`send`, but a failed start or stop of the application goes to our log.

    Starlette would send the traceback with its exceptions' messages, which may hold secrets.
    """

    async def send_without_traceback(message: Message) -> None:
        if message["type"] in ("lifespan.startup.failed", "lifespan.shutdown.failed"):
            message = {**message, "message": ""}
            error = sys.exc_info()[1]
            if isinstance(error, StoreError):
                LOGGER.error("%s", error)
            else:
                LOGGER.error("the gateway failed", exc_info=error)
        await send(message)

    return send_without_traceback


def served_app(settings: Settings) -> ASGIApp:
    """The gateway in a process that only serves it: with logging and signal handling."""
    configure_log(settings)
    app = create_app(settings, stops_on_signals=True)
    # All objects that exist now stay alive: a full collection would scan them for nothing while
    # all requests wait.
    gc.freeze()
    gc.enable()
    return app


def configure_log(settings: Settings) -> None:
    """Log as the settings say, without ever blocking on a slow reader of the log."""
    never_wait_for_log()
    configure_logging(_level(settings), as_json=settings.log_format == "json")


def _watch(settings: Settings) -> Watch:
    return Watch(
        log=event_log(_level(settings), as_json=settings.log_format == "json"),
        metrics=Metrics() if settings.metrics else None,
        tracing=_tracing(settings),
    )


def _tracing(settings: Settings) -> Tracing | None:
    if settings.traces_url is None:
        return None
    # An optional extra, and slow to load.
    from gateway.telemetry.tracing import Tracing  # noqa: PLC0415 - see above

    return Tracing(
        settings.traces_url,
        upstream_url=settings.upstream_url,
        scheme="http" if settings.tls_cert is None else "https",
        sample_ratio=settings.traces_sample_ratio,
    )


def _level(settings: Settings) -> int:
    return logging.getLevelNamesMapping()[settings.log_level.upper()]


def _context_maker(
    plain: RequestContext, settings: Settings
) -> Callable[[RequestHead], RequestContext]:
    counted = settings.invites_per_minute is not None
    forwards = settings.forwards_keys
    key_header = settings.forwarded_api_key_header
    same_for_all = not counted and not forwards

    def context(head: RequestHead) -> RequestContext:
        if same_for_all and head.caller is None and _ABOUT_INVITES.isdisjoint(head.headers):
            return plain
        key, seconds = idempotency_key_of(head), timeout_of(head)
        caller = head.caller.name if isinstance(head.caller, Caller) else None
        scope = caller or ""
        sender = name_of(head) if counted else ""
        api_key = forwarded_key(head, key_header) if forwards else None
        if api_key is not None:
            scope = scope_of(scope, api_key)
        return replace(
            plain,
            origin=Origin(scope, sender, api_key, seconds, caller),
            idempotency_key=key,
            applications=plain.applications if _may_read(head) else None,
        )

    return context


def _may_read(head: RequestHead) -> bool:
    return not isinstance(head.caller, Caller) or head.caller.may_read
