"""Makes any traffic beyond loopback an error, in the tests and in every process they start.

Python imports this module by its name at start-up where its folder is on PYTHONPATH.
"""

from __future__ import annotations

import ipaddress
import sys
from typing import Any


class TrafficBeyondLoopbackError(RuntimeError):
    """A test tried to reach an address that is not this machine's loopback."""


def check_host(host: object) -> None:
    """Raise TrafficBeyondLoopbackError unless `host` is loopback (or unset)."""
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host in (None, "", "localhost"):
        return
    try:
        if ipaddress.ip_address(str(host).partition("%")[0]).is_loopback:
            return
    except ValueError:
        pass
    raise TrafficBeyondLoopbackError(f"tests stay on loopback, not {host!r}")


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.sendto"):
        address = args[1]
        if isinstance(address, tuple):
            check_host(address[0])
    elif event == "socket.getaddrinfo" and args[0] not in ("0.0.0.0", "::"):
        check_host(args[0])


def _guard_uvloop() -> None:
    # uvloop connects in C and raises no audit events.
    try:
        import uvloop  # noqa: PLC0415 - absent on Windows
    except ImportError:
        return

    connect = uvloop.Loop.create_connection

    def guarded(loop, protocol_factory, host=None, port=None, **options):
        check_host(host)
        return connect(loop, protocol_factory, host, port, **options)

    setattr(uvloop.Loop, "create_connection", guarded)  # noqa: B010 - mypy refuses the assignment


if not getattr(sys, "_loopback_guard", False):
    sys._loopback_guard = True  # type: ignore[attr-defined]
    sys.addaudithook(_audit)
    _guard_uvloop()
