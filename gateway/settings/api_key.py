"""Which API keys of the platform are valid."""

from __future__ import annotations


def check_key(key: str) -> str:
    """The key without surrounding white space; raises ValueError if it cannot be an HTTP header."""
    key = key.strip()
    if not key:
        raise ValueError("the API key is empty")
    if not (key.isascii() and key.isprintable()):
        raise ValueError("the API key may hold printable ASCII characters only")
    return key
