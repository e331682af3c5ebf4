"""Metrics in Prometheus' format; the names are stable, and the guide on operations lists them.

Several workers share their values through files (`shared_metrics`); each exposes the sums.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import shutil
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, TypeAlias

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from gateway import __version__
from gateway.graphql.results import ERROR_TYPES
from gateway.invites.inputs import InviteDraft
from gateway.invites.models import Anomaly, InviteErrorCode, InviteOutcome, InviteResult
from gateway.operator_error import OperatorError
from gateway.telemetry.log_stream import dropped_lines
from gateway.telemetry.tallies import Tally, Times
from gateway.telemetry.trail import SUCCESS, Summary, Trail, is_replayed, summary_of
from gateway.upstream.wire import Exchange, Fault, Reply

# The creation times of counters would add one series for each.
disable_created_metrics()

LOGGER = logging.getLogger("gateway.telemetry")

SHARED: Final = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus-client's own variable: the folder of the workers' files."""
SAMPLE_SECONDS: Final = 10.0
PASS_ON_SECONDS: Final = 1.0
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

Reading: TypeAlias = Callable[[], Awaitable[Mapping[str, float]]]
Sample: TypeAlias = Callable[[], Awaitable[None]]
Workers: TypeAlias = Literal["livemostrecent", "livemin", "livesum"]


class Metrics:
    """Counts what observers report; one instance per process."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._requests = Counter(
            "gateway_requests", "GraphQL requests by status.", ["status"], registry=registry
        )
        self._request_seconds = Histogram(
            "gateway_request_duration_seconds",
            "From a request's arrival to its response.",
            registry=registry,
            buckets=_SECONDS,
        )
        self._errors = Counter(
            "gateway_request_errors",
            "Requests with top-level errors by the first one's code.",
            ["code"],
            registry=registry,
        )
        self._invites = Counter(
            "gateway_invites",
            "Invites asked for, by their result.",
            ["type", "code", "outcome"],
            registry=registry,
        )
        self._replays = Counter(
            "gateway_invite_replays",
            "Invites answered from the record of an earlier one.",
            registry=registry,
        )
        self._calls = Counter(
            "gateway_upstream_calls",
            "Calls to the upstream by status, or by why there was none.",
            ["result"],
            registry=registry,
        )
        self._call_seconds = Histogram(
            "gateway_upstream_duration_seconds",
            "How long such a call took.",
            registry=registry,
            buckets=_SECONDS,
        )
        self._retries = Counter(
            "gateway_upstream_retries", "Calls after the first for one invite.", registry=registry
        )
        self._anomalies = Counter(
            "gateway_upstream_anomalies",
            "Replies to invites that the platform is not documented to send, by kind.",
            ["kind"],
            registry=registry,
        )
        self._reads = Counter(
            "gateway_upstream_reads",
            "Looks at the upstream's applicants by status, or by why there was none.",
            ["result"],
            registry=registry,
        )
        info = Gauge(
            "gateway_info",
            "The gateway that is running.",
            ["version"],
            registry=registry,
            multiprocess_mode="max",
        )
        info.labels(__version__).set(1)
        if SHARED not in os.environ:
            ProcessCollector(registry=registry)
        self._start_at_zero()
        self._statuses = Tally(self._requests, _labels_of_status)
        self._results = Tally(self._invites, _labels_of_result)
        self._exchanges = Tally(self._calls, _labels_of_exchange)
        self._request_times = Times(self._request_seconds, _SECONDS)
        self._call_times = Times(self._call_seconds, _SECONDS)
        self._dropped_lines = Counter(
            "gateway_log_lines_dropped", "Log lines not read in time.", registry=registry
        )
        self._dropped_before = 0
        self._is_alone = False
        self._passing_on = threading.Lock()

    def _start_at_zero(self) -> None:
        """Start all counters at 0: one that first appears at 1 shows no increase to an alert."""
        self._requests.labels("200")
        self._calls.labels("200")
        self._invites.labels(*_labels_of_result(SUCCESS))
        for code, kind in ERROR_TYPES.items():
            for outcome in _outcomes(code):
                self._invites.labels(kind.__name__, code.value, outcome.value)
        for anomaly in Anomaly:
            self._anomalies.labels(anomaly.value)
        for fault in Fault:
            self._calls.labels(fault.value)
        for word in ("OVERLOADED", "SERVICE_UNAVAILABLE", "INTERNAL_SERVER_ERROR"):
            self._errors.labels(word)

    def on_request(self, trail: Trail) -> None:
        self._statuses.counts[trail.status or _GONE] += 1
        self._request_times.add(trail.seconds)
        if trail.error_code is not None:
            self._errors.labels(trail.error_code).inc()

    def on_invite(self, _: InviteDraft, result: InviteResult, __: Trail | None, ___: str) -> None:
        self._results.counts[summary_of(result)] += 1
        if is_replayed(result):
            self._replays.inc()

    def on_retry(self) -> None:
        self._retries.inc()

    def on_anomaly(self, anomaly: Anomaly) -> None:
        self._anomalies.labels(anomaly.value).inc()

    def on_call(self, exchange: Exchange, seconds: float, _: Trail | None) -> None:
        result = exchange.status if isinstance(exchange, Reply) else exchange.fault
        self._exchanges.counts[result] += 1
        self._call_times.add(seconds)

    def on_read(self, exchange: Exchange) -> None:
        result = exchange.status if isinstance(exchange, Reply) else exchange.fault.value
        self._reads.labels(str(result)).inc()

    def gauge(
        self, name: str, text: str, label: str, read: Reading, *, workers: Workers = "livesum"
    ) -> Sample:
        """A gauge with the values of `read` by label; returns the function that updates it.

        Values that cannot be read become NaN, as the last ones would look current. `workers` says
        how the values of several workers are combined.
        """
        known: set[str] = set()
        gauge = Gauge(name, text, [label], registry=self.registry, multiprocess_mode=workers)

        async def sample() -> None:
            try:
                numbers = await read()
            except Exception:  # noqa: BLE001 - any failure means no value
                numbers = dict.fromkeys(known, math.nan)
            known.update(numbers)
            for value, number in numbers.items():
                gauge.labels(value).set(number)

        return sample

    def pass_on(self) -> None:
        """Share this worker's counts with the others; safe in any thread."""
        with self._passing_on:
            for one in (self._statuses, self._results, self._exchanges):
                one.pass_on()
            self._request_times.pass_on()
            self._call_times.pass_on()
            dropped = dropped_lines()
            self._dropped_lines.inc(dropped - self._dropped_before)
            self._dropped_before = dropped

    async def share(self) -> None:
        """Share this worker's counts periodically, for ever, if there are several workers."""
        while SHARED in os.environ:
            self.pass_on()
            await asyncio.sleep(PASS_ON_SECONDS)

    def exposition(self) -> bytes:
        """All metrics, those of other workers included, in Prometheus' format."""
        self.pass_on()
        if SHARED in os.environ:
            try:
                return _of_all_workers(Path(os.environ[SHARED]))
            except OSError:
                # The files were removed. This worker's counts are also in memory.
                if not self._is_alone:
                    LOGGER.warning(
                        "the workers' metrics files are gone: each shows its own metrics"
                    )
                    self._is_alone = True
        return generate_latest(self.registry)


_GONE = 499


def _labels_of_status(status: int) -> tuple[str]:
    return (str(status),)


def _labels_of_result(result: Summary) -> tuple[str, str, str]:
    return (result.type, result.code, result.outcome)


def _labels_of_exchange(result: int | Fault) -> tuple[str]:
    return (result.value if isinstance(result, Fault) else str(result),)


def _outcomes(code: InviteErrorCode) -> tuple[InviteOutcome, ...]:
    match code:
        case InviteErrorCode.UPSTREAM_TIMEOUT | InviteErrorCode.IDEMPOTENCY_KEY_IN_PROGRESS:
            return (InviteOutcome.UNKNOWN,)
        case InviteErrorCode.UPSTREAM_FAULT:
            return (InviteOutcome.UNKNOWN, InviteOutcome.INVITED)
        case InviteErrorCode.ALREADY_INVITED | InviteErrorCode.UPSTREAM_UNAVAILABLE:
            # With a key, if an earlier attempt is in doubt or cannot be looked up.
            return (InviteOutcome.NOT_INVITED, InviteOutcome.UNKNOWN)
    return (InviteOutcome.NOT_INVITED,)


async def sample_now_and_then(
    samples: Sequence[Sample], *, seconds: float = SAMPLE_SECONDS
) -> None:
    """Take the samples for ever."""
    while True:
        for sample in samples:
            await sample()
        await asyncio.sleep(seconds)


@contextlib.contextmanager
def shared_metrics() -> Iterator[None]:
    """Processes started within it share their metrics. Raises OperatorError.

    Must be entered before they import prometheus-client.
    """
    if SHARED in os.environ:
        yield
        return
    try:
        folder = tempfile.mkdtemp(prefix="gateway-metrics-")
    except OSError as error:
        raise OperatorError(
            f"workers share their metrics in a folder, and none can be made: {error.strerror}."
            " Set TMPDIR to one that can be written to, or GATEWAY_METRICS to false."
        ) from None
    os.environ[SHARED] = folder
    try:
        yield
    finally:
        del os.environ[SHARED]
        shutil.rmtree(folder, ignore_errors=True)


def check_shared_folder() -> None:
    """Raises OperatorError if the environment names an unusable folder."""
    folder = os.environ.get(SHARED)
    if folder is not None and not (Path(folder).is_dir() and os.access(folder, os.W_OK)):
        raise OperatorError(f"{SHARED} names {folder}, which is no folder that can be written to")


def _of_all_workers(folder: Path) -> bytes:
    """The counts of all workers. Raises OSError if their files are missing."""
    _forget_the_dead(folder)
    if not any(folder.glob(f"*_{os.getpid()}.db")):
        raise FileNotFoundError
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(folder))
    return generate_latest(registry)


def _forget_the_dead(folder: Path) -> None:
    """Drop the gauges of workers that have ended; their counts stay."""
    for file in folder.glob("gauge_live*_*.db"):
        number = file.stem.rpartition("_")[2]
        if number.isdecimal() and not Path(f"/proc/{number}").exists():
            # Another worker may have removed it already.
            with contextlib.suppress(FileNotFoundError):
                mark_process_dead(int(number), str(folder))
