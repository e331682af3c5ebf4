"""Tokens issued by the gateway: a file maps their hashes to callers.

One token a line: the caller's name and the token's SHA-256 in hexadecimal; `#` begins a comment.
A caller may have several, so that a new one can be used before the old one is removed.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from gateway.access.bearer import Caller, Rejection
from gateway.watched_file import WatchedFile

LOGGER = logging.getLogger("gateway.auth")
# The prefix lets secret scanners find a leaked token.
_PREFIX = "tig_"
_RANDOM_BYTES = 32
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)


class TokenHash(NamedTuple):
    """One line of the file."""

    digest: bytes
    caller: Caller


class TokenVerifier:
    """The callers in a token file, which may be replaced at any time.

    Raises OSError or ValueError if the first reading fails.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._hashes = WatchedFile(path, read_token_file, clock=clock)

    async def verify(self, token: str) -> Caller | Rejection:
        digest = _digest(token)
        found: Caller | Rejection = Rejection.INVALID
        # All are compared, so that timing reveals nothing.
        for known, caller in self._hashes.current():
            if hmac.compare_digest(known, digest):
                found = caller
        if found is Rejection.INVALID:
            LOGGER.info("an access token was refused: it is not in GATEWAY_AUTH_TOKENS_FILE")
        return found

    def reread(self) -> None:
        self._hashes.reread()

    async def aclose(self) -> None:
        pass


def new_token() -> str:
    """A new random token."""
    return _PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)


def token_line(name: str, token: str) -> str:
    """The line for the file; raises ValueError if the name is invalid."""
    if not _NAME.fullmatch(name):
        raise ValueError("a name has up to 64 letters, digits and . _ @ -, a letter or digit first")
    return f"{name} {_digest(token).hex()}"


def read_token_file(path: Path) -> tuple[TokenHash, ...]:
    """The hashes in the file; raises OSError, or ValueError with the bad line's number."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except UnicodeDecodeError:
        raise ValueError("is not text in UTF-8") from None
    hashes = tuple(_read(number, line) for number, line in enumerate(lines, 1) if _is_entry(line))
    if not hashes:
        raise ValueError("has no token; `gateway token NAME` makes one")
    if len({known.digest for known in hashes}) < len(hashes):
        raise ValueError("has one token twice")
    return hashes


def _is_entry(line: str) -> bool:
    return bool(line.partition("#")[0].strip())


def _read(number: int, line: str) -> TokenHash:
    match line.partition("#")[0].split():
        case [name, digest] if _NAME.fullmatch(name) and _HASH.fullmatch(digest.lower()):
            return TokenHash(bytes.fromhex(digest), Caller(name))
    raise ValueError(f"line {number} is not a name and a SHA-256 in hexadecimal")


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
