"""Whether a reply's body reports a failure although its status says success."""

from __future__ import annotations

import re
from typing import Final

from pydantic_core import from_json

_DEEPEST: Final = 4
# Field names that APIs commonly use for it, without `_` and `-`.
_SUCCESSES: Final = frozenset(
    {"success", "ok", "succeeded", "successful", "issuccess", "issuccessful", "isok", "invited"}
)
_STATUSES: Final = frozenset({"status", "statuscode", "code", "result", "type", "invitestatus"})
_ERRORS: Final = ("error", "iserror", "haserror", "exception", "fault", "failed", "failure")
_WORDS_FOR_FALSE: Final = frozenset({"", "false", "f", "no", "n", "0"})
_WORDS_FOR_NOTHING: Final = frozenset({"", "false", "0", "none", "null"})
_FAILED: Final = re.compile(
    r"\s*(err|fail|unsuccess|reject|denied|refused|invalid|exception|fault|false|forbid|unauth"
    r"|not.?found|duplicate|timeout|ko\b|nok\b|[45]\d\d\b)",
    re.IGNORECASE,
)


def denies(value: object, *, depth: int = _DEEPEST) -> bool:
    """Whether the value, or anything nested in it, reports a failure in any of the usual ways."""
    if isinstance(value, list):
        return depth > 0 and any(denies(one, depth=depth - 1) for one in value)
    return isinstance(value, dict) and any(
        _is_denial(name, said, depth) for name, said in value.items()
    )


def _is_denial(name: str, said: object, depth: int) -> bool:
    word = name.lower().replace("_", "").replace("-", "")
    if word.startswith(_ERRORS):
        return not _is_nothing(said)
    if word in _SUCCESSES and _is_false(said):
        return True
    if word in _STATUSES and is_failure(said):
        return True
    return depth > 0 and denies(said, depth=depth - 1)


def _is_false(value: object) -> bool:
    """False, or a number or word that means it."""
    if isinstance(value, str):
        return value.strip().lower() in _WORDS_FOR_FALSE
    return value is not None and not value


def _is_nothing(value: object) -> bool:
    return not value or (isinstance(value, str) and value.strip().lower() in _WORDS_FOR_NOTHING)


def is_failure(status: object) -> bool:
    """A word for failure, an HTTP error status, or False."""
    if isinstance(status, int | str):
        return _FAILED.match(str(status)) is not None
    return False


def beginning_of_json(body: bytes) -> object:
    """The JSON of a truncated body, as far as it goes; None if it is not JSON."""
    try:
        return from_json(body, allow_partial="trailing-strings")
    except ValueError:
        return None
