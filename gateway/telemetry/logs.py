"""Log lines: one for each request, one for each invite, and what goes wrong.

    event    | what it tells
    ---------|-------------------------------------------------------------------------
    request  | one request and its answer: `request_line` has the fields, no others exist
    invite   | the audit: who invited to which track, and what came of it

The lines of libraries and of the gateway's own modules follow the same form; the message of an
exception and the values that a library puts into its lines are never told, for they may hold a
name or an address.
"""

from __future__ import annotations

import hashlib
import logging
import sys
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Protocol, TextIO

import orjson

from gateway.invites.inputs import InviteDraft, normalised_email
from gateway.invites.models import InviteFailure, InviteResult
from gateway.telemetry.structured import EventDict, Processor, WrappedLogger, structlog
from gateway.telemetry.trail import TRAIL, Trail, is_replayed, told

# The HTTP client's own lines name URLs and, at debug level, what goes over the wire.
_SILENCED = ("httpx2", "httpcore2")
_OWN = ("gateway", "uvicorn")
LONGEST_OPERATION = 100
"""Characters of an operation's name that are told."""
_LONGEST_TRACK_ID = 19


class Hashes(Protocol):
    """Keyed hashes, the same as in the stored records, so that a line leads to its record."""

    def email(self, address: str) -> bytes: ...

    def record_id(self, key: str, *, scope: str) -> bytes: ...


def configure_logging(level: int = logging.INFO, *, as_json: bool = False) -> None:
    """One line an event on standard error, JSON or for a person to read.

    Libraries are heard from `WARNING` on; those that log what they carry never are.
    """
    handler = logging.StreamHandler()
    handler.addFilter(_is_wanted)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                _timestamp,
                _add_request_id,
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _frames_alone,
                _as_text if as_json else structlog.dev.ConsoleRenderer(colors=False),
            ],
        )
    )
    # What the library prints of a line that it cannot write has all values in it.
    logging.raiseExceptions = False
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _SILENCED:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def event_log(level: int, *, as_json: bool, stream: TextIO | None = None) -> WrappedLogger | None:
    """Where requests and invites are logged, or None if the level leaves them out."""
    if level > logging.INFO:
        return None
    stream = stream or sys.stderr
    # Bytes, written at once: these lines are part of every mutation's cost.
    writes: WrappedLogger = structlog.BytesLogger(stream.buffer)
    render: Processor = _as_bytes
    if not as_json:
        writes, render = structlog.WriteLogger(stream), structlog.dev.ConsoleRenderer(colors=False)
    bound: WrappedLogger = structlog.wrap_logger(
        writes,
        processors=[_add_level, _timestamp, render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    ).bind()
    return bound


class RequestLog:
    """Writes a line for each request."""

    def __init__(self, log: WrappedLogger) -> None:
        self._log = log

    def __call__(self, trail: Trail) -> None:
        self._log.info("request", **request_line(trail))


def request_line(trail: Trail) -> dict[str, object]:
    """All that is logged of a request; what is not known is left out."""
    line = {
        "request_id": trail.request_id,
        "trace_id": trail.trace_id,
        "caller": trail.caller,
        "method": trail.method if trail.method in _METHODS else "OTHER",
        "status": trail.status,
        "operation": trail.operation and trail.operation[:LONGEST_OPERATION],
        "document": _hash(trail.document),
        "type": trail.result_type,
        "code": trail.error_code or trail.code or None,
        "outcome": trail.outcome,
        "replayed": trail.replayed or None,
        "upstream_calls": trail.upstream_calls or None,
        "upstream_status": trail.upstream_status,
        "upstream_fault": trail.upstream_fault,
        "upstream_ms": round(trail.upstream_seconds * 1000, 3) if trail.upstream_calls else None,
        "upstream_reads": trail.upstream_reads or None,
        "duration_ms": round(trail.seconds * 1000, 3),
    }
    return {name: value for name, value in line.items() if value is not None}


@lru_cache(maxsize=64)
def _hash(document: str | None) -> str | None:
    if document is None:
        return None
    return hashlib.sha256(document.encode("utf-8", "surrogatepass")).hexdigest()


_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"})


class AuditLog:
    """Writes a line for each invite that was asked for."""

    def __init__(self, log: WrappedLogger, hashes: Callable[[], Hashes | None]) -> None:
        self._log = log
        self._hashes = hashes

    def __call__(
        self, draft: InviteDraft, result: InviteResult, trail: Trail | None, scope: str
    ) -> None:
        self._log.info("invite", **self._line(draft, result, trail, scope))

    def _line(
        self, draft: InviteDraft, result: InviteResult, trail: Trail | None, scope: str
    ) -> dict[str, object]:
        what, key, hashes = told(result), draft.idempotency_key, self._hashes()
        line = {
            "request_id": trail and trail.request_id,
            "caller": trail and trail.caller,
            "track_id": _track_id(draft.track_id),
            "format": draft.invite_format.value,
            "email_hash": hashes and hashes.email(_address(draft)).hex(),
            "key_hash": hashes and key and hashes.record_id(key, scope=scope).hex(),
            "type": what.type,
            "code": what.code or None,
            "outcome": what.outcome,
            "replayed": is_replayed(result) or None,
            "upstream_status": result.upstream_status
            if isinstance(result, InviteFailure)
            else None,
        }
        return {name: value for name, value in line.items() if value is not None}


def _address(draft: InviteDraft) -> str:
    """As it is sent and stored, if it is one."""
    return normalised_email(draft.candidate_email) or draft.candidate_email.strip()


def _track_id(text: str) -> str | None:
    """The track's id if it can be one; else it could be anything, and is not told."""
    plausible = text.isascii() and text.isdecimal() and len(text) <= _LONGEST_TRACK_ID
    return text if plausible else None


def _is_wanted(record: logging.LogRecord) -> bool:
    library = record.name.partition(".")[0]
    if library in _OWN:
        return True
    if library == "asyncio":
        # The event loop's lines show the arguments and exceptions of whatever failed in it.
        record.msg, record.args = "something failed in the event loop", ()
    elif isinstance(record.args, tuple):
        record.args = tuple(one if isinstance(one, int | float) else "…" for one in record.args)
    elif record.args:
        record.args = dict.fromkeys(record.args, "…")
    return record.levelno >= logging.WARNING


def _add_level(_: WrappedLogger, method: str, event: EventDict) -> EventDict:
    event["level"] = method
    return event


def _timestamp(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    now = time.time()
    event["timestamp"] = f"{_to_the_second(int(now))}.{int(now % 1 * 1_000_000):06d}Z"
    return event


@lru_cache(maxsize=2)
def _to_the_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _add_request_id(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    trail = TRAIL.get()
    if trail is not None:
        event["request_id"] = trail.request_id
    return event


def _frames_alone(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """An exception as its type and where it came from."""
    info: Any = event.pop("exc_info", None)
    error = sys.exc_info()[1] if info is True else info[1] if isinstance(info, tuple) else info
    event.pop("stack_info", None)
    if isinstance(error, BaseException):
        frames = [
            f"{frame.f_code.co_filename}:{line} in {frame.f_code.co_name}"
            for frame, line in traceback.walk_tb(error.__traceback__)
        ]
        event["exception"] = " < ".join([type(error).__qualname__, *reversed(frames)])
    return event


def _as_bytes(_: WrappedLogger, __: str, event: EventDict) -> bytes:
    return orjson.dumps(event, default=str)


def _as_text(_: WrappedLogger, __: str, event: EventDict) -> str:
    return orjson.dumps(event, default=str).decode()
