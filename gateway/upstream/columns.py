"""Validates a whole column of values at once, and one by one only if that fails.

A page of a list has thousands of values. Nearly always all values of a field have the same type
and are valid, and checking that for all at once is far quicker than for each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from gateway.upstream.wire import LARGEST_ID, id_of, text_of

Column: TypeAlias = list[Any]

LONGEST_REFERENCE: Final = 255


def column(entries: Sequence[dict[str, Any]], name: str) -> Column:
    """The values of one field, None where it is absent."""
    return [entry.get(name) for entry in entries]


def ids(values: Column) -> list[str | None]:
    """`id_of` of each value."""
    if _all_are(values, int) and min(values) > 0 and max(values) <= LARGEST_ID:
        return [*map(str, values)]
    return [*map(id_of, values)]


def texts(values: Column) -> list[str | None]:
    """`text_of` of each value."""
    if _all_are(values, str) and all(map(str.strip, values)) and _can_be_encoded(values):
        return values
    return [*map(text_of, values)]


def references(values: Column) -> list[str | None]:
    """`reference_of` of each value."""
    if _all_are(values, int) and max(values) <= LARGEST_ID and min(values) >= -LARGEST_ID:
        return [*map(str, values)]
    return [*map(reference_of, values)]


def numbers(values: Column) -> list[float | None]:
    """`number_of` of each value."""
    if _all_are(values, float) and all(map(math.isfinite, values)):
        return values
    return [*map(number_of, values)]


def reference_of(given: object) -> str | None:
    """A number or short text as text, such as an id whose format is not documented."""
    text = str(given) if isinstance(given, int) and not isinstance(given, bool) else given
    if isinstance(text, str) and is_reference(text):
        return text
    return None


def is_reference(text: str) -> bool:
    return 0 < len(text) <= LONGEST_REFERENCE and text.isascii() and text.isprintable()


def number_of(given: object) -> float | None:
    if not isinstance(given, int | float) or isinstance(given, bool):
        return None
    try:
        number = float(given)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _all_are(values: Column, type_: type) -> bool:
    return {*map(type, values)} == {type_}


def _can_be_encoded(values: list[str]) -> bool:
    try:
        "".join(values).encode()
    except UnicodeEncodeError:
        return False
    return True
