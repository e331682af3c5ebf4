"""Where the upstream's API key comes from."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

LOOK_AGAIN_SECONDS = 1.0


class FixedApiKey:
    """A key that stays as it was at start."""

    def __init__(self, key: str) -> None:
        self._key = key

    def current(self) -> str:
        return self._key

    def reread(self) -> bool:
        return False


class ApiKeyFile:
    """A key in a file; a change is seen within a second, or at once by `reread`.

    A file that is gone, empty or unreadable for a moment leaves the last good key in force.
    Raises OSError or ValueError if the first reading fails.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._key = read_key_file(path)
        self._stamp = self._stamp_now()
        self._look_at = clock() + LOOK_AGAIN_SECONDS

    def current(self) -> str:
        if self._clock() >= self._look_at:
            self._look_at = self._clock() + LOOK_AGAIN_SECONDS
            if self._stamp_now() != self._stamp:
                self.reread()
        return self._key

    def reread(self) -> bool:
        stamp = self._stamp_now()
        try:
            key = read_key_file(self._path)
        except (OSError, ValueError):
            return False
        changed = key != self._key
        self._key, self._stamp = key, stamp
        return changed

    def _stamp_now(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino, status.st_size


def check_key(key: str) -> str:
    """The key without surrounding white space; ValueError if it cannot be an HTTP header."""
    key = key.strip()
    if not key:
        raise ValueError("the API key is empty")
    if not (key.isascii() and key.isprintable()):
        raise ValueError("the API key may hold printable ASCII characters only")
    return key


def read_key_file(path: Path) -> str:
    """The key in the file; OSError or ValueError, without the key, if there is none."""
    try:
        return check_key(path.read_text("utf-8"))
    except UnicodeDecodeError:
        raise ValueError("the API key may hold printable ASCII characters only") from None
