"""The certificate authorities that are trusted for the upstream."""

from __future__ import annotations

import ssl
from functools import cache
from pathlib import Path


def trusting(ca_file: Path | None = None) -> ssl.SSLContext:
    """The system's authorities, and those in the file; OSError if it cannot be used."""
    return _trusting(ca_file, ssl.get_default_verify_paths())


# Reading the system's authorities takes longer than the rest of the client's start-up.
@cache
def _trusting(ca_file: Path | None, _system: ssl.DefaultVerifyPaths) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    context.set_alpn_protocols(["http/1.1"])
    return context
