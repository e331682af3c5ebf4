"""What a call to the upstream carries along besides the invite."""

from __future__ import annotations

from contextvars import ContextVar

TRACE_HEADERS: ContextVar[tuple[tuple[bytes, bytes], ...]] = ContextVar("trace_headers", default=())
"""Headers that tell the upstream which trace its call belongs to; none unless traces are on.

https://www.w3.org/TR/trace-context/
"""
