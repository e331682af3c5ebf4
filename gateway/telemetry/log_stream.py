"""Standard error that never blocks: lines are dropped if the reader does not keep up.

Otherwise a full pipe would stop the event loop, and with it probes, requests and the shutdown.
"""

from __future__ import annotations

import io
import os
import select
import socket
import stat
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Final

_ATOMIC_BYTES: Final = select.PIPE_BUF


class LogStream(io.RawIOBase):
    """Writes whole lines to a file descriptor; `dropped` counts the lines dropped."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self.dropped = 0
        self._own = ExitStack()
        self._send = _sender(descriptor, self._own)
        self._rest = b""
        """What is left of a line whose beginning was taken."""
        self._lock = threading.Lock()

    def writable(self) -> bool:
        return True

    def close(self) -> None:
        self._own.close()
        super().close()

    def write(self, line: bytes, /) -> int:  # type: ignore[override]
        with self._lock:
            try:
                while self._rest:
                    self._rest = self._rest[self._send(self._rest) :]
                self._rest = bytes(line[self._send(line) :])
            except OSError:
                # The reader is too slow, or gone.
                self.dropped += 1
        return len(line)


def _sender(descriptor: int, own: ExitStack) -> Callable[[bytes], int]:
    """Writes as much as possible without blocking; raises OSError if nothing."""
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISSOCK(mode):
        return partial(_send, own.enter_context(socket.socket(fileno=os.dup(descriptor))))
    if not stat.S_ISFIFO(mode) and not stat.S_ISCHR(mode):
        return partial(os.write, descriptor)
    try:
        # Opened again: other writers to the same pipe or terminal may need blocking writes.
        again = os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return partial(_write_if_ready, descriptor)
    own.callback(os.close, again)
    return partial(os.write, again)


def _send(connection: socket.socket, data: bytes) -> int:
    return connection.send(data, socket.MSG_DONTWAIT)


def _write_if_ready(descriptor: int, data: bytes) -> int:
    if not select.select([], [descriptor], [], 0)[1]:
        raise BlockingIOError
    return os.write(descriptor, data[:_ATOMIC_BYTES])


def never_wait_for_log() -> None:
    """Replace this process's standard error with such a stream."""
    if not isinstance(getattr(sys.stderr, "buffer", None), LogStream):
        stream = LogStream(sys.stderr.fileno())
        sys.stderr = io.TextIOWrapper(
            stream,
            encoding="utf-8",
            errors="backslashreplace",
            write_through=True,
        )


def dropped_lines() -> int:
    """How many lines this process has dropped."""
    stream = getattr(sys.stderr, "buffer", None)
    return stream.dropped if isinstance(stream, LogStream) else 0
