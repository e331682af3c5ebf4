"""Traces through OpenTelemetry: one span per request, and one for each step.

    POST /graphql, GET …      the request, a child of the caller's span if it names one
      parse and validate
      claim, settle           what is written to the store
      POST /tracks/invite     each call to the upstream, which gets the context too
      GET /tracks/{track_id}/applicants, GET /tracks/{track_id}/applicants/{application_id}

Names and attributes are those of the semantic conventions for HTTP spans and GraphQL server spans.
https://opentelemetry.io/docs/specs/semconv/http/http-spans/
https://opentelemetry.io/docs/specs/semconv/graphql/graphql-spans/

Unlike there, no span has a document, a URL's query, a client's address or a user agent; nor a
variable, a header other than Host, or an exception's message. Baggage is neither read nor passed
on, as it could hold anything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final, cast
from urllib.parse import urlsplit

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.http_attributes import (
    HTTP_REQUEST_METHOD,
    HTTP_REQUEST_METHOD_ORIGINAL,
    HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE,
    HttpRequestMethodValues,
)
from opentelemetry.semconv.attributes.server_attributes import SERVER_ADDRESS, SERVER_PORT
from opentelemetry.semconv.attributes.url_attributes import URL_FULL, URL_PATH, URL_SCHEME
from opentelemetry.trace import Span, SpanKind, StatusCode, format_trace_id, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from gateway import __version__
from gateway.http.asgi import Respond
from gateway.http.requests import RequestHead
from gateway.http.responses import Response
from gateway.invites.record import Record, State
from gateway.invites.store import Store
from gateway.telemetry.logs import LONGEST_OPERATION
from gateway.telemetry.observed import note_response
from gateway.telemetry.trail import TRAIL, Trail
from gateway.upstream.call import Call, CallEnded
from gateway.upstream.wire import Exchange, Reply

_ERRORS: Final = 400
_SERVER_ERRORS: Final = 500
_ROUTE: Final = "/graphql"
_METHODS: Final = {*(one.value for one in HttpRequestMethodValues), "QUERY"} - {"_OTHER"}
# Not stable yet, so not public in the library.
_OPERATION_NAME: Final = "graphql.operation.name"
_OPERATION_TYPE: Final = "graphql.operation.type"
_PORTS: Final = {"http": 80, "https": 443}
_LONGEST_METHOD: Final = 32
_HOST: Final = re.compile(r"([a-zA-Z0-9._-]{1,255}|\[[0-9a-fA-F:.]{2,45}\])(?::([0-9]{1,5}))?")
_CONTEXT_HEADERS: Final = frozenset({b"traceparent", b"tracestate"})
_READING: Final = "parse and validate"


class Tracing:
    """Makes spans and sends them to an OTLP receiver in the background."""

    def __init__(
        self,
        url: str,
        *,
        upstream_url: str = "http://localhost",
        scheme: str = "http",
        sample_ratio: float = 1.0,
    ) -> None:
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(sample_ratio)),
            resource=_resource(),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url)))
        self._tracer = self._provider.get_tracer("gateway", __version__)
        self._propagator = TraceContextTextMapPropagator()
        self._upstream_url = upstream_url
        upstream = urlsplit(upstream_url)
        self._upstream = _server(upstream.hostname or "", upstream.port, upstream.scheme)
        self._scheme = scheme

    def close(self) -> None:
        """Send the remaining spans; blocks for some seconds at most."""
        self._provider.shutdown()

    def respond(self, respond: Respond) -> Respond:
        """`respond` with a span around each request, described from its trail."""

        async def traced(head: RequestHead, body: bytes) -> Response:
            trail = TRAIL.get()
            if trail is None:
                return await respond(head, body)
            with self._span(
                f"{_method(head.method, other='HTTP')} {_ROUTE}",
                SpanKind.SERVER,
                self._parent(head),
                self._request(head),
            ) as span:
                trail.trace_id = format_trace_id(span.get_span_context().trace_id)
                try:
                    response = await respond(head, body)
                    note_response(trail, response)
                finally:
                    if trail.document is None:
                        self.end_reading(trail)
                    _describe(span, trail)
            return response

        return traced

    def call(self, call: Call) -> CallEnded:
        """A span around a call to the platform, which gets the trace context."""
        span = self._tracer.start_span(
            call.route.value,
            kind=SpanKind.CLIENT,
            attributes={
                HTTP_REQUEST_METHOD: call.method,
                URL_FULL: self._upstream_url + call.path.partition("?")[0],
                **self._upstream,
            },
        )
        carried: dict[str, str] = {}
        self._propagator.inject(carried, set_span_in_context(span))
        call.headers += tuple((key.encode(), text.encode()) for key, text in carried.items())

        def ended(exchange: Exchange | None) -> None:
            if exchange is not None:
                _describe_exchange(span, exchange)
            span.end()

        return ended

    def store(self, store: Store) -> Store:
        """`store` with spans around the writes of requests."""
        return cast("Store", _TracedStore(store, self))

    def step(self, name: str) -> Any:
        """A span around a step inside the gateway."""
        return self._span(name, SpanKind.INTERNAL)

    def end_reading(self, trail: Trail) -> None:
        """End the span of parsing: the document is valid, or the request has ended."""
        if trail.admitted_ns is not None:
            span = self._tracer.start_span(_READING, start_time=trail.admitted_ns)
            if trail.error_code is not None:
                span.set_attribute(ERROR_TYPE, trail.error_code)
            span.end()

    def _span(
        self,
        name: str,
        kind: SpanKind,
        context: Context | None = None,
        attributes: Mapping[str, str | int] | None = None,
    ) -> Any:
        # An exception's message could hold a name; the log has its type.
        return self._tracer.start_as_current_span(
            name, context, kind, attributes, record_exception=False, set_status_on_exception=False
        )

    def _request(self, head: RequestHead) -> dict[str, str | int]:
        """The attributes of a request that are known before its response."""
        method = _method(head.method)
        known: dict[str, str | int] = {
            HTTP_REQUEST_METHOD: method,
            HTTP_ROUTE: _ROUTE,
            URL_PATH: _ROUTE,
            URL_SCHEME: self._scheme,
        }
        if method != head.method:
            known[HTTP_REQUEST_METHOD_ORIGINAL] = head.method[:_LONGEST_METHOD]
        if host := _HOST.fullmatch(head.header(b"host") or ""):
            known |= _server(host[1].strip("[]"), host[2], self._scheme)
        return known

    def _parent(self, head: RequestHead) -> Context:
        carried = {
            name.decode(): head.headers[name].decode("latin-1")
            for name in _CONTEXT_HEADERS
            if name in head.headers
        }
        return self._propagator.extract(carried, Context())


def _resource() -> Resource:
    """The spans' resource, from OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES if set."""
    given = OTELResourceDetector().detect().attributes
    name = given.get("service.name", "track-invite-gateway")
    return Resource.create({"service.name": name, "service.version": __version__})


def _describe(span: Span, trail: Trail) -> None:
    failed = trail.status is not None and trail.status >= _SERVER_ERRORS
    attributes = {
        HTTP_RESPONSE_STATUS_CODE: trail.status,
        ERROR_TYPE: str(trail.status) if failed else None,
        _OPERATION_TYPE: trail.operation_type,
        _OPERATION_NAME: trail.operation and trail.operation[:LONGEST_OPERATION],
        "gateway.request_id": trail.request_id,
        "gateway.result.type": trail.result_type,
        "gateway.code": trail.error_code or trail.code or None,
        "gateway.outcome": trail.outcome,
        "gateway.replayed": trail.replayed or None,
    }
    span.set_attributes({key: value for key, value in attributes.items() if value is not None})
    if failed:
        span.set_status(StatusCode.ERROR)


def _describe_exchange(span: Span, exchange: Exchange) -> None:
    error = exchange.fault.value if not isinstance(exchange, Reply) else None
    if isinstance(exchange, Reply):
        span.set_attribute(HTTP_RESPONSE_STATUS_CODE, exchange.status)
        error = str(exchange.status) if exchange.status >= _ERRORS else None
    if error is not None:
        span.set_attribute(ERROR_TYPE, error)
        span.set_status(StatusCode.ERROR)


def _method(method: str, *, other: str = HttpRequestMethodValues.OTHER.value) -> str:
    """The method, or the conventions' placeholder for unusual ones."""
    return method if method in _METHODS else other


def _server(host: str, port: str | int | None, scheme: str) -> dict[str, str | int]:
    return {SERVER_ADDRESS: host, SERVER_PORT: int(port or _PORTS[scheme])}


class _TracedStore:
    """Traces the writes of requests; those of the reconciler belong to no request."""

    def __init__(self, store: Store, tracing: Tracing) -> None:
        self._store = store
        self._tracing = tracing

    async def insert(self, record: Record) -> bool:
        with self._step("claim"):
            return await self._store.insert(record)

    async def swap(self, record: Record, *, was: Record) -> bool:
        with self._step("claim" if record.state is State.SENDING else "settle"):
            return await self._store.swap(record, was=was)

    def _step(self, name: str) -> AbstractContextManager[object]:
        return nullcontext() if TRAIL.get() is None else self._tracing.step(name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)
