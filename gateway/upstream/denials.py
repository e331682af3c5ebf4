"""Whether a reply's body reports a failure although its status says success."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from typing import Final, Literal

from pydantic_core import from_json

_DEEPEST: Final = 4
# Field names that APIs commonly use for it, without `_` and `-`.
_SUCCESSES: Final = frozenset(
    {"success", "ok", "succeeded", "successful", "issuccess", "issuccessful", "isok", "invited"}
)
_STATUSES: Final = frozenset({"status", "statuscode", "code", "result", "type", "invitestatus"})
_ERRORS: Final = ("error", "iserror", "haserror", "exception", "fault", "failed", "failure")
_MESSAGES: Final = frozenset({"message", "msg", "detail", "reason"})
_WORDS_FOR_FALSE: Final = frozenset({"", "false", "f", "no", "n", "0"})
_WORDS_FOR_NOTHING: Final = frozenset({"", "false", "0", "none", "null"})
# Not `int | str`, of which each check would make a new one.
_WORDS: Final = (int, str)
_FAILED: Final = re.compile(
    r"\s*(err|fail|unsuccess|reject|denied|refused|invalid|exception|fault|false|forbid|unauth"
    r"|not.?(found|sent|invited|delivered|created)|undeliver|duplicate|skipped|bounced|blocked"
    r"|timeout|ko\b|nok\b|[45]\d\d\b)",
    re.IGNORECASE,
)
_NEGATIVE: Final = re.compile(
    r"\b(already|exists?|duplicate|no|not|cannot|unable|fail(ed|ure)?|errors?|denied|refused"
    r"|rejected|invalid|exhausted|limit|exceeded|missing|expired|forbidden|unauthori[sz]ed)\b|n't\b",
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
    if word in _MESSAGES and isinstance(said, str) and _NEGATIVE.search(said):
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
    if isinstance(status, _WORDS):
        return _FAILED.match(str(status)) is not None
    return False


def beginning_of_json(body: bytes) -> object:
    """The JSON of a truncated body, as far as it goes; None if it is not JSON.

    Its last text or number may be incomplete.
    """
    return _beginning(body, partial="trailing-strings")


def complete_values(body: bytes) -> object:
    """The JSON of a truncated body, without a last text or number that may be incomplete."""
    return _beginning(body.rstrip(b"0123456789"), partial=True)


def _beginning(body: bytes, *, partial: bool | Literal["trailing-strings"]) -> object:
    try:
        return from_json(body.removeprefix(BOM_UTF8), allow_partial=partial)
    except ValueError:
        return None
