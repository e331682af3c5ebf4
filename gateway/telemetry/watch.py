"""Connects the observers that the settings enable."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING

from gateway.background import aside, end
from gateway.graphql.documents import CachedDocument, Operation
from gateway.http.asgi import Respond
from gateway.http.requests import RequestHead
from gateway.invites.breaker import BreakerState
from gateway.invites.identity import Hasher
from gateway.invites.models import Anomaly
from gateway.invites.record import State
from gateway.invites.store import Store, StoreUnavailableError
from gateway.server.drain import Draining
from gateway.service import Service
from gateway.telemetry.logs import AuditLog, EventLog, log_request
from gateway.telemetry.metrics import Metrics, Sample, sample_now_and_then
from gateway.telemetry.observed import (
    CallSeen,
    InviteSeen,
    ReadSeen,
    RequestSeen,
    noting_calls,
    noting_invites,
    observed,
)
from gateway.telemetry.trail import TRAIL
from gateway.upstream.call import Call, CallEnded, CallObserver
from gateway.upstream.wire import Exchange

if TYPE_CHECKING:
    from gateway.telemetry.tracing import Tracing

_clock = time.perf_counter
_LAST_SPANS_SECONDS = 3.0


class Watch:
    """The hooks and their observers; without a log, audit lines are not made."""

    def __init__(
        self,
        *,
        log: EventLog | None = None,
        metrics: Metrics | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        self.metrics = metrics
        self._tracing = tracing
        self._service: Service | None = None
        self._samples: list[Sample] = []
        self._requests: list[RequestSeen] = []
        self._invites: list[InviteSeen] = []
        self._calls: list[CallSeen] = []
        self._reads: list[ReadSeen] = []
        if metrics is not None:
            self._requests.append(metrics.on_request)
            self._invites.append(metrics.on_invite)
            self._calls.append(metrics.on_call)
            self._reads.append(metrics.on_read)
        noted = noting_calls(self._calls, self._reads, clock=_clock)
        self.call: CallObserver = noted if tracing is None else _traced(tracing, noted)
        """Called when a call to the platform begins."""
        if log is not None:
            self._requests.append(partial(log_request, log))
            self._invites.append(AuditLog(log, self._hasher))
        self.invited = noting_invites(self._invites, in_list=False)
        self.invited_in_list = noting_invites(self._invites, in_list=True)

    def respond(self, respond: Respond) -> Respond:
        """The whole of GraphQL over HTTP."""
        if self._tracing is not None:
            respond = self._tracing.respond(respond)
        return observed(respond, self._requests, clock=_clock)

    def admitted(self, head: RequestHead) -> None:
        """All gates passed: the caller is known, and reading the document begins."""
        if head.caller is None and self._tracing is None:
            return
        trail = TRAIL.get()
        if trail is None:
            return
        if head.caller is not None:
            trail.caller = str(getattr(head.caller, "name", head.caller))
        if self._tracing is not None:
            trail.admitted_ns = time.time_ns()

    def found(self, document: CachedDocument, operation: Operation) -> None:
        """The document and operation are known."""
        trail = TRAIL.get()
        if trail is not None:
            trail.document, trail.operation = document.text, operation.name
            if self._tracing is not None:
                trail.operation_type = operation.type.value
                self._tracing.end_reading(trail)

    def retried(self) -> None:
        """One more call is made for an invite."""
        if self.metrics is not None:
            self.metrics.on_retry()

    def anomaly(self, anomaly: Anomaly) -> None:
        """A reply to an invite was not one that the platform is documented to send."""
        if self.metrics is not None:
            self.metrics.on_anomaly(anomaly)

    def store(self, store: Store) -> Store:
        return store if self._tracing is None else self._tracing.store(store)

    def service(self, service: Service, draining: Draining) -> None:
        """Register gauges for the service: requests in progress, the breaker, the records."""
        self._service = service
        if self.metrics is None:
            return
        gauge = self.metrics.gauge
        self._samples = [
            gauge(
                "gateway_in_flight",
                "What is under way: requests, those that wait, calls to the upstream.",
                "what",
                partial(_in_flight, service, draining),
            ),
            gauge(
                "gateway_breaker_state",
                "1 for the state that the breaker is in.",
                "state",
                partial(_breaker, service),
            ),
            gauge(
                "gateway_ready",
                "1 while invites with idempotency keys can be recorded in the store.",
                "what",
                partial(_ready, service),
                workers="livemin",
            ),
            gauge(
                "gateway_rate_limits",
                "Processes whose rate limits count together, or apart without the shared server.",
                "counted",
                partial(_rate_limits, service),
            ),
            gauge(
                "gateway_records",
                "Stored records of keyed invites by state.",
                "state",
                partial(_records, service),
                workers="livemostrecent",
            ),
        ]

    def _hasher(self) -> Hasher | None:
        try:
            return None if self._service is None else self._service.records.hasher
        except StoreUnavailableError:
            return None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Reads the gauges and shares this worker's counts, in the background."""
        tasks = [asyncio.create_task(sample_now_and_then(self._samples))]
        if self.metrics is not None:
            tasks.append(asyncio.create_task(self.metrics.share()))
        try:
            yield
        finally:
            for task in tasks:
                await end(task)
            if self.metrics is not None:
                self.metrics.pass_on()

    async def aclose(self) -> None:
        """Send the remaining spans; to be called once all work has ended.

        Gives up after some seconds if the receiver does not respond.
        """
        if self._tracing is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LAST_SPANS_SECONDS):
                    await aside(self._tracing.close)


def _traced(tracing: Tracing, noted: CallObserver) -> CallObserver:
    def begun(call: Call) -> CallEnded:
        noted_end, traced_end = noted(call), tracing.call(call)

        def ended(exchange: Exchange | None) -> None:
            traced_end(exchange)
            noted_end(exchange)

        return ended

    return begun


async def _in_flight(service: Service, draining: Draining) -> dict[str, float]:
    return {
        "requests": draining.in_flight,
        "waiting": service.requests.waiting + service.calls.waiting,
        "calls": service.calls.in_use,
    }


async def _breaker(service: Service) -> dict[str, float]:
    state = BreakerState.CLOSED if service.breaker is None else service.breaker.state
    return {one.value: one is state for one in BreakerState}


async def _ready(service: Service) -> dict[str, float]:
    return {"store": await service.is_ready()}


async def _rate_limits(service: Service) -> dict[str, float]:
    shared = service.rate_limits.shared
    return {
        "together": shared is not None and shared.reached,
        "apart": shared is not None and not shared.reached,
    }


async def _records(service: Service) -> dict[str, float]:
    counts = await service.records.store.count()
    return {state.value: counts.get(state, 0) for state in State}
