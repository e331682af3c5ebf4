"""Traces through OpenTelemetry: one span a request, and one for each part of its way.

    POST /graphql             the request, a child of the caller's span if it names one
      parse and validate
      claim, settle           what is written to the store
      POST /tracks/invite     each call to the upstream, which gets the context too
      GET /tracks/{track_id}/applicants, GET /tracks/{track_id}/applicants/{application_id}

No span has a document, a variable, a URL with a query, a header or an exception's message.
Baggage is neither read nor passed on: anything could be in it.
"""

from __future__ import annotations

from typing import Any, Final, cast

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind, StatusCode, format_trace_id, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from gateway import __version__
from gateway.http.asgi import Respond
from gateway.http.requests import RequestHead
from gateway.http.responses import Response
from gateway.invites.record import Record, State
from gateway.invites.store import Store
from gateway.telemetry.logs import LONGEST_OPERATION
from gateway.telemetry.observed import note_answer
from gateway.telemetry.trail import TRAIL, Trail
from gateway.upstream.call import Call, CallEnded
from gateway.upstream.wire import Exchange, Reply

_SERVER_ERRORS: Final = 500
_CONTEXT_HEADERS: Final = frozenset({b"traceparent", b"tracestate"})
_READING: Final = "parse and validate"


class Tracing:
    """Makes spans and sends them to an OTLP receiver in the background."""

    def __init__(self, url: str, *, sample_ratio: float = 1.0) -> None:
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(sample_ratio)),
            resource=_resource(),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url)))
        self._tracer = self._provider.get_tracer("gateway", __version__)
        self._propagator = TraceContextTextMapPropagator()

    def close(self) -> None:
        """Send what is left; blocks, for some seconds at most."""
        self._provider.shutdown()

    def respond(self, respond: Respond) -> Respond:
        """`respond` with a span around each request; what is told of it comes from its trail."""

        async def traced(head: RequestHead, body: bytes) -> Response:
            trail = TRAIL.get()
            if trail is None:
                return await respond(head, body)
            with self._span("POST /graphql", SpanKind.SERVER, self._parent(head)) as span:
                trail.trace_id = format_trace_id(span.get_span_context().trace_id)
                try:
                    response = await respond(head, body)
                    note_answer(trail, response)
                finally:
                    if trail.document is None:
                        self.end_reading(trail)
                    _describe(span, trail)
            return response

        return traced

    def call(self, call: Call) -> CallEnded:
        """A span around a call to the platform, which gets its context."""
        span = self._tracer.start_span(call.route.value, kind=SpanKind.CLIENT)
        carried: dict[str, str] = {}
        self._propagator.inject(carried, set_span_in_context(span))
        call.headers += tuple((key.encode(), text.encode()) for key, text in carried.items())

        def ended(exchange: Exchange | None) -> None:
            span.set_attribute("http.request.method", call.method)
            if exchange is not None:
                _describe_exchange(span, exchange)
            span.end()

        return ended

    def store(self, store: Store) -> Store:
        """`store` with spans around what requests write."""
        return cast("Store", _TracedStore(store, self))

    def step(self, name: str) -> Any:
        """A span around a step inside the gateway."""
        return self._span(name, SpanKind.INTERNAL)

    def end_reading(self, trail: Trail) -> None:
        """The document has been looked at, or the request ended before that."""
        if trail.admitted_ns is not None:
            span = self._tracer.start_span(_READING, start_time=trail.admitted_ns)
            if trail.error_code is not None:
                span.set_attribute("error.type", trail.error_code)
            span.end()

    def _span(self, name: str, kind: SpanKind, context: Context | None = None) -> Any:
        # An exception's message could hold a name: it is left to the log, which leaves it out.
        return self._tracer.start_as_current_span(
            name, context, kind, record_exception=False, set_status_on_exception=False
        )

    def _parent(self, head: RequestHead) -> Context:
        carried = {
            name.decode(): head.headers[name].decode("latin-1")
            for name in _CONTEXT_HEADERS
            if name in head.headers
        }
        return self._propagator.extract(carried, Context())


def _resource() -> Resource:
    """What the spans are of; OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES may say it."""
    given = OTELResourceDetector().detect().attributes
    name = given.get("service.name", "track-invite-gateway")
    return Resource.create({"service.name": name, "service.version": __version__})


def _describe(span: Span, trail: Trail) -> None:
    attributes = {
        "http.request.method": "POST" if trail.method == "POST" else "OTHER",
        "http.route": "/graphql",
        "http.response.status_code": trail.status,
        "graphql.operation.name": trail.operation and trail.operation[:LONGEST_OPERATION],
        "gateway.request_id": trail.request_id,
        "gateway.result.type": trail.result_type,
        "gateway.code": trail.error_code or trail.code or None,
        "gateway.outcome": trail.outcome,
        "gateway.replayed": trail.replayed or None,
    }
    span.set_attributes({key: value for key, value in attributes.items() if value is not None})
    if trail.status is not None and trail.status >= _SERVER_ERRORS:
        span.set_status(StatusCode.ERROR)


def _describe_exchange(span: Span, exchange: Exchange) -> None:
    if isinstance(exchange, Reply):
        span.set_attribute("http.response.status_code", exchange.status)
    else:
        span.set_attribute("error.type", exchange.fault.value)
        span.set_status(StatusCode.ERROR)


class _TracedStore:
    """Traces what a request writes; the reconciler's work belongs to no request."""

    def __init__(self, store: Store, tracing: Tracing) -> None:
        self._store = store
        self._tracing = tracing

    async def insert(self, record: Record) -> bool:
        if TRAIL.get() is None:
            return await self._store.insert(record)
        with self._tracing.step("claim"):
            return await self._store.insert(record)

    async def swap(self, record: Record, *, was: Record) -> bool:
        if TRAIL.get() is None:
            return await self._store.swap(record, was=was)
        with self._tracing.step("claim" if record.state is State.SENDING else "settle"):
            return await self._store.swap(record, was=was)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)
