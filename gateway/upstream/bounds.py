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
# A connection older than this is not used again, so that calls follow a change of the server's
# address in DNS.
LONGEST_LIFE_SECONDS = 60.0
# The longest wait for a free connection, and for a new one, as shares of the call's time.
POOL_SHARE = 0.2
CONNECT_SHARE = 0.3


_GZIP: Final = 47
"""zlib's number for detecting gzip or zlib."""
_RAW: Final = -15


def decoded(body: bytes, coding: bytes) -> tuple[bytes, bool]:
    """The decoded body, and whether it is complete: some servers compress without being asked to.

    At most 1 MiB; a body that is not encoded as its header says is left as it is.
    """
    coding = coding.strip().lower()
    if coding not in (b"gzip", b"x-gzip", b"deflate"):
        return body, True
    # Some servers send deflate without the zlib wrapper (RFC 9110, section 8.4.1.2).
    for wbits in (_GZIP, _RAW) if coding == b"deflate" else (_GZIP,):
        reading = zlib.decompressobj(wbits)
        with contextlib.suppress(zlib.error):
            return reading.decompress(body, LARGEST_BODY), reading.eof
    return body, True
