"""A file that an operator may replace while the gateway runs."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

LOGGER = logging.getLogger("gateway.files")
LOOK_AGAIN_SECONDS = 1.0

T = TypeVar("T")


class WatchedFile(Generic[T]):
    """A file's content as parsed by `read`, checked for changes regularly and by `reread`.

    If the file is gone or `read` refuses it, the last good content stays in use, with one warning
    in the log. Raises OSError or ValueError if the first read fails.
    """

    def __init__(
        self,
        path: Path,
        read: Callable[[Path], T],
        *,
        clock: Callable[[], float] = time.monotonic,
        look_again_seconds: float = LOOK_AGAIN_SECONDS,
    ) -> None:
        self._path = path
        self._read = read
        self._clock = clock
        self._look_again_seconds = look_again_seconds
        self._stamp = self._refused = self._stamp_now()
        self._content = read(path)
        self._look_at = clock() + look_again_seconds
        self._changed_at = -math.inf

    def current(self) -> T:
        if self._clock() >= self._look_at:
            self._look_at = self._clock() + self._look_again_seconds
            if self._stamp_now() != self._stamp:
                self.reread()
        return self._content

    def reread(self) -> bool:
        """Check the file now; True if the content has changed."""
        stamp = self._stamp_now()
        try:
            content = self._read(self._path)
        except (OSError, ValueError):
            if stamp != self._refused:
                self._refused = stamp
                # Without the reason, which might quote the file's secrets.
                LOGGER.warning("%s cannot be used; its former content is still used", self._path)
            return False
        changed = content != self._content
        if changed:
            self._changed_at = self._clock()
        self._content, self._stamp, self._refused = content, stamp, stamp
        return changed

    def changed_within(self, seconds: float) -> bool:
        """Whether new content was read in the last `seconds`, by any caller."""
        return self._clock() - self._changed_at <= seconds

    def _stamp_now(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino, status.st_size
