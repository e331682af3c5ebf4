"""Where the upstream's API key comes from."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from gateway.settings.api_key import check_key
from gateway.watched_file import WatchedFile

LATELY_SECONDS: Final = 30.0
"""Longer than any call that began with the former key can last."""


class FixedApiKey:
    """A key that never changes."""

    def __init__(self, key: str) -> None:
        self._key = key

    def current(self) -> str:
        return self._key

    def reread(self) -> bool:
        return False


class ApiKeyFile(WatchedFile[str]):
    """A key in a file, which may be replaced at any time.

    Raises OSError or ValueError if the first reading fails.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(path, read_key_file, clock=clock)

    def reread(self) -> bool:
        """Read the file at once; True if the key is new, or changed recently.

        Several calls may have been refused with the old key: the first refusal finds the new one,
        and the later ones must be tried again too.
        """
        return super().reread() or self.changed_within(LATELY_SECONDS)


def read_key_file(path: Path) -> str:
    """The key in the file; OSError or ValueError, without the key, if there is none."""
    try:
        return check_key(path.read_text("utf-8"))
    except UnicodeDecodeError:
        raise ValueError("the API key may hold printable ASCII characters only") from None
