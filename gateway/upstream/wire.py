"""What goes over the wire to the upstream and what comes back, as typed facts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias


class Fault(Enum):
    """Why there is no reply."""

    CONNECT = "connect"
    """Refused, unreachable, name not found, TLS handshake failed."""
    CERTIFICATE = "certificate"
    """The upstream's certificate is not trusted: a configuration fault."""
    CONNECT_TIMEOUT = "connect_timeout"
    POOL_TIMEOUT = "pool_timeout"
    """No connection came free in time."""
    WRITE_TIMEOUT = "write_timeout"
    READ_TIMEOUT = "read_timeout"
    READ = "read"
    """The connection was reset."""
    PROTOCOL = "protocol"
    """The connection was closed without a reply, or what came was not HTTP."""
    DEADLINE = "deadline"
    """The time for the whole call was up."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class NoReply:
    """A call that got no status line; `possibly_sent` is False only if no byte has left."""

    fault: Fault
    possibly_sent: bool


@dataclass(frozen=True, slots=True)
class Reply:
    """A call that got a status line; the body holds what arrived of it, at most 1 MiB.

    `body_complete` is False where the body was cut, stalled or longer than that.
    `retry_after`, `date` and `charset` are the headers' own text.
    """

    status: int
    body: bytes = b""
    body_complete: bool = True
    retry_after: str | None = None
    date: str | None = None
    charset: str | None = None


Exchange: TypeAlias = Reply | NoReply
