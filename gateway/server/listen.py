"""The socket that a gateway listens on, and how its address is written."""

from __future__ import annotations

import socket

from gateway.operator_error import OperatorError
from gateway.settings.model import Settings


class ListenError(OperatorError):
    """An address cannot be listened on; the message says why, to a person."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on host and port, 0 for any. Raises ListenError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        # The library repeats the address in brackets.
        reason = (error.strerror or str(error)).partition(" (")[0]
        raise ListenError(f"cannot listen on {host}, port {port}: {reason}") from None


def address_of(listening: socket.socket, settings: Settings | None = None) -> str:
    """The address as one writes it into a browser."""
    host, port = listening.getsockname()[:2]
    scheme = "https" if settings is not None and settings.tls_cert else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
