"""The server's certificate, which may be renewed while it runs."""

from __future__ import annotations

import ssl
from pathlib import Path

from gateway.watched_file import WatchedFile


def renewing_context(certificate: Path, key: Path | None) -> ssl.SSLContext:
    """A server's TLS context that uses the file's current certificate for each handshake.

    Raises OSError (ssl.SSLError is one) if certificate and key cannot be used now.
    """
    watched = WatchedFile(certificate, lambda path: certified(path, key))
    first = watched.current()

    def choose(connection: ssl.SSLSocket | ssl.SSLObject, _name: str | None, _: object) -> None:
        connection.context = watched.current()

    first.sni_callback = choose
    return first


def certified(certificate: Path, key: Path | None) -> ssl.SSLContext:
    """A server's TLS context; without a key file, the key is in the certificate's file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    # An encrypted key must fail, and not ask for its password on a terminal.
    context.load_cert_chain(certificate, key, password="")
    return context
