"""How long a call may take and how much of a reply is read, whichever client makes it."""

from __future__ import annotations

import contextlib
import zlib
from typing import Final

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


_GZIP: Final = 47
"""zlib's number for gzip or zlib, whichever it is."""
_RAW: Final = -15


def decoded(body: bytes, coding: bytes) -> tuple[bytes, bool]:
    """The body without gzip or deflate, which some servers apply unasked, and whether it is whole.

    At most 1 MiB; a body that is not coded as its header says is left as it is.
    """
    coding = coding.strip().lower()
    if coding not in (b"gzip", b"x-gzip", b"deflate"):
        return body, True
    # Some mean by deflate the bare format (RFC 9110, section 8.4.1.2).
    for wbits in (_GZIP, _RAW) if coding == b"deflate" else (_GZIP,):
        reading = zlib.decompressobj(wbits)
        with contextlib.suppress(zlib.error):
            return reading.decompress(body, LARGEST_BODY), reading.eof
    return body, True
