"""Log lines: one for each request, one for each invite, and what goes wrong.

    event    | content
    ---------|-------------------------------------------------------------------------
    request  | one request and its response: only the fields of `request_line`
    invite   | the audit: who invited to which track, and the result

Lines of libraries and of other modules have the same form. Exceptions' messages and the values in
libraries' lines are never logged, as they may hold a name or an address.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import TextIO, TypeAlias

import orjson

from gateway.http.errors import frames_of
from gateway.invites.identity import Hasher
from gateway.invites.inputs import InviteDraft, normalised_email
from gateway.invites.models import InviteFailure, InviteResult
from gateway.telemetry.trail import TRAIL, Trail, is_replayed, summary_of

# The HTTP client logs URLs and, at debug level, all traffic.
_SILENCED = ("httpx2", "httpcore2")
_OWN = ("gateway", "uvicorn")
LONGEST_OPERATION = 100
"""Characters of an operation's name that are logged."""
_LONGEST_TRACK_ID = 19


EventLog: TypeAlias = Callable[[str, dict[str, object]], None]
"""Writes one line: the event, and its fields."""


def configure_logging(level: int = logging.INFO, *, as_json: bool = False) -> None:
    """Log one line per event to standard error, as JSON or human-readable.

    Libraries are logged from `WARNING` on; those that log payloads never are.
    """
    handler = logging.StreamHandler()
    handler.addFilter(_is_wanted)
    handler.setFormatter(_LineFormatter(as_json=as_json))
    # If logging fails, the library would print the line with all values.
    logging.raiseExceptions = False
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _SILENCED:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def event_log(level: int, *, as_json: bool, stream: TextIO | None = None) -> EventLog | None:
    """The logger of requests and invites, or None if the level excludes them."""
    if level > logging.INFO:
        return None
    stream = stream or sys.stderr
    form = _as_json if as_json else _as_text
    # Bytes, written at once: these lines are part of every mutation's cost.
    write, flush = stream.buffer.write, stream.buffer.flush

    def log(event: str, fields: dict[str, object]) -> None:
        write(form({**fields, "event": event, "level": "info", "timestamp": _timestamp()}) + b"\n")
        flush()

    return log


class _LineFormatter(logging.Formatter):
    """Formats lines of libraries and of the gateway's own modules like the others."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._form = _as_json if as_json else _as_text

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "event": record.getMessage(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "timestamp": _timestamp(),
        }
        if (trail := TRAIL.get()) is not None:
            line["request_id"] = trail.request_id
        if record.exc_info and (error := record.exc_info[1]) is not None:
            frames = reversed(frames_of(error))
            line["exception"] = " < ".join([type(error).__qualname__, *frames])
        return self._form(line).decode()


def log_request(log: EventLog, trail: Trail) -> None:
    """Write a line for a request."""
    log("request", request_line(trail))


def request_line(trail: Trail) -> dict[str, object]:
    """All that is logged of a request; unknown fields are left out."""
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
    return _known(line)


def _known(line: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in line.items() if value is not None}


@lru_cache(maxsize=64)
def _hash(document: str | None) -> str | None:
    if document is None:
        return None
    return hashlib.sha256(document.encode("utf-8", "surrogatepass")).hexdigest()


_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"})


class AuditLog:
    """Writes a line for each invite, with the hashes of the stored records to match it to one."""

    def __init__(self, log: EventLog, hasher: Callable[[], Hasher | None]) -> None:
        self._log = log
        self._hasher = hasher

    def __call__(
        self, draft: InviteDraft, result: InviteResult, trail: Trail | None, scope: str
    ) -> None:
        failure = result if isinstance(result, InviteFailure) else None
        summary, key, hasher = summary_of(result), draft.idempotency_key, self._hasher()
        line = {
            "request_id": trail and trail.request_id,
            "caller": trail and trail.caller,
            "track_id": _track_id(draft.track_id),
            "format": draft.invite_format.value,
            "email_hash": hasher and hasher.email(_address(draft)).hex(),
            "key_hash": hasher and key and hasher.record_id(key, scope=scope).hex(),
            "type": summary.type,
            "code": summary.code or None,
            "outcome": summary.outcome,
            "replayed": is_replayed(result) or None,
            "upstream_status": failure and failure.upstream_status,
            "upstream_anomaly": failure and failure.anomaly and failure.anomaly.value,
        }
        self._log("invite", _known(line))


def _address(draft: InviteDraft) -> str:
    """The address as it is sent and stored, if it is one."""
    return normalised_email(draft.candidate_email) or draft.candidate_email.strip()


def _track_id(text: str) -> str | None:
    """The track's id if it has an id's form; other values could be anything and are left out."""
    plausible = text.isascii() and text.isdecimal() and len(text) <= _LONGEST_TRACK_ID
    return text if plausible else None


def _is_wanted(record: logging.LogRecord) -> bool:
    library = record.name.partition(".")[0]
    if library in _OWN:
        return True
    if library == "asyncio":
        # The event loop's lines show the arguments and exceptions of failed callbacks.
        record.msg, record.args = "something failed in the event loop", ()
    elif isinstance(record.args, tuple):
        record.args = tuple(one if isinstance(one, int | float) else "…" for one in record.args)
    elif record.args:
        record.args = dict.fromkeys(record.args, "…")
    return record.levelno >= logging.WARNING


def _timestamp() -> str:
    now = time.time()
    return f"{_to_the_second(int(now))}.{int(now % 1 * 1_000_000):06d}Z"


@lru_cache(maxsize=2)
def _to_the_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _as_json(line: dict[str, object]) -> bytes:
    return orjson.dumps(line, default=str)


def _as_text(line: dict[str, object]) -> bytes:
    """Time, level and event, then the other fields, as JSON if they are not plain words."""
    values = dict(line)
    head = f"{values.pop('timestamp')} [{values.pop('level')}] {values.pop('event')}"
    return " ".join([head, *(f"{name}={_word(value)}" for name, value in values.items())]).encode()


def _word(value: object) -> str:
    text = str(value)
    return text if text and text.isprintable() and " " not in text else json.dumps(text)
