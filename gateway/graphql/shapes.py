"""Shapes: equal for documents that differ only in values, comments and white space.

Two documents of one shape have the same tokens except for the content of strings and short
integers. So if one is valid, the other is: no rule looks into a string, or at an integer that
certainly fits an Int. Fields are only merged if their arguments are equal, so which values are
equal to each other is part of the shape.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

# What all documents of a shape share, up to a literal or a comment: a string without escapes that
# no quote follows (a block string has three), an integer of up to nine digits. Other numbers, and
# digits in names, are part of the shape. A document with anything else has no shape and is parsed.
_PARTS: Final = re.compile(
    r"([\t\n\r !$-,./:-~]*+)"
    r'(?:("[^"\\\x00-\x1f\ud800-\udfff]*+"(?!")'
    r"|(?<![\w.+-])-?(?:0|[1-9][0-9]{0,8})(?![\w.]))"
    r"|(#[^\n\r\ud800-\udfff]*+)|([\s\S])|)"
)
_OF_NUMBERS: Final = "-0123456789"
# Placeholders for literals: neither can occur in a document.
_STRING, _INTEGER, _EQUAL = "\0", "\1", "\2"


@dataclass(slots=True)
class Shape:
    """A document's shape, and its literals in order, as written."""

    key: str
    literals: tuple[str, ...]
    comments: int


def shape_of(text: str) -> Shape | None:
    """The document's shape, or None if it has none and must be parsed."""
    parts: list[str] = []
    literals: list[str] = []
    comments = 0
    for same, literal, comment, other in _PARTS.findall(text):
        parts.append(same)
        if literal:
            parts.append(_STRING if literal[0] == '"' else _INTEGER)
            literals.append(literal)
        elif comment:
            parts.append(" ")
            comments += 1
        elif other in _OF_NUMBERS:
            parts.append(other)
        else:
            return None
    key = _single_spaced("".join(parts))
    if len(set(literals)) < len(literals):
        first = {literal: place for place, literal in reversed([*enumerate(literals)])}
        key += _EQUAL + ",".join(str(first[literal]) for literal in literals)
    return Shape(key, tuple(literals), comments)


# Most variants of a document have the same white space. Few are kept: a caller may send anything.
@lru_cache(maxsize=32)
def _single_spaced(document: str) -> str:
    """The document without its strings, in which all white space is GraphQL's own."""
    return " ".join(document.split())


def literal_places(text: str) -> dict[int, int]:
    """Where each of the shape's literals begins in the text, with its position among them."""
    if shape_of(text) is None:
        return {}
    starts = (match.start(2) for match in _PARTS.finditer(text) if match[2])
    return {start: position for position, start in enumerate(starts)}
