"""Listening sockets, and their addresses as text."""

from __future__ import annotations

import errno
import socket
from pathlib import Path
from typing import Final

from gateway.operator_error import OperatorError

UNIX_PREFIX: Final = "unix:"
# A socket for each family: one for both would give IPv4 clients IPv6 addresses.
_BOTH: Final = {"localhost": ("127.0.0.1", "::1"), "::": ("::", "0.0.0.0")}
_FAMILY_MISSING: Final = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL})
_BACKLOG: Final = 2048
# The permissions of its folder decide who may connect.
_UNIX_MODE: Final = 0o666


def listen(host: str, port: int) -> list[socket.socket]:
    """Sockets that listen on host and port, 0 for any, or on `unix:PATH`. Raises OperatorError."""
    is_path = host.startswith(UNIX_PREFIX)
    sockets: list[socket.socket] = []
    try:
        if is_path:
            return [_listen_on_path(Path(host.removeprefix(UNIX_PREFIX)))]
        first, *others = _BOTH.get(host, (host,))
        sockets.append(_listen_on(first, port))
        for other in others:
            sockets += _listen_if_there(other, sockets[0].getsockname()[1])
    except OSError as error:
        for one in sockets:
            one.close()
        # The library repeats the address in brackets.
        reason = (error.strerror or str(error)).partition(" (")[0]
        where = host if is_path else f"{host}, port {port}"
        raise OperatorError(f"cannot listen on {where}: {reason}") from None
    return sockets


def _listen_on(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=_BACKLOG)


def _listen_if_there(host: str, port: int) -> list[socket.socket]:
    """A socket on the address; an empty list if the machine lacks its family."""
    try:
        return [_listen_on(host, port)]
    except OSError as error:
        if error.errno in _FAMILY_MISSING:
            return []
        raise


def _listen_on_path(path: Path) -> socket.socket:
    if path.is_socket() and not _is_answered(path):
        # Left behind by a process that was killed.
        path.unlink()
    listening = socket.socket(socket.AF_UNIX)
    try:
        listening.bind(str(path))
        path.chmod(_UNIX_MODE)
        listening.listen(_BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


def _is_answered(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) != errno.ECONNREFUSED


def forget(host: str) -> None:
    """Remove the file of a Unix socket."""
    if host.startswith(UNIX_PREFIX):
        Path(host.removeprefix(UNIX_PREFIX)).unlink(missing_ok=True)


def address_of(listening: socket.socket, *, tls: bool = False) -> str:
    """The address as a URL, or as `unix:PATH`."""
    name = listening.getsockname()
    if isinstance(name, str):
        return UNIX_PREFIX + name
    host, port = name[:2]
    scheme = "https" if tls else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
