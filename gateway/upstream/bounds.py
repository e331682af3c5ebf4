"""How long a call may take and how much of a reply is read, whichever client makes it."""

from __future__ import annotations

import zlib

LARGEST_HEAD = 64 * 1024
LARGEST_BODY = 1024 * 1024
CONNECT_SECONDS = 5.0
# Well below what servers commonly allow an idle connection, so that a request rarely
# meets a connection that the upstream is just closing.
KEEP_ALIVE_SECONDS = 2.0
# After that long a connection is not used again, so that calls follow the server's name to
# where it has moved.
LONGEST_LIFE_SECONDS = 60.0
# The shares of a call's time after which waiting for a free connection, and for a new one, is
# given up.
POOL_SHARE = 0.2
CONNECT_SHARE = 0.3


def decoded(body: bytes, encoding: str | None) -> bytes:
    """The body without gzip or deflate, which some servers apply unasked; at most 1 MiB."""
    if encoding not in ("gzip", "deflate"):
        return body
    try:
        return zlib.decompressobj(wbits=47).decompress(body, LARGEST_BODY)
    except zlib.error:
        return body
