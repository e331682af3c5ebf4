"""Cleans cells when reading them, and makes them safe for a spreadsheet to open."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_BRACKETED: Final = re.compile(r"[^<>]*<\s*([^<>]+?)\s*>")
_MAILTO: Final = re.compile(r"mailto:\s*([^?]+)(?:\?.*)?", re.IGNORECASE)
# https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r\n]")

# The value of a failed formula in any language, such as #N/A, #REF!, #BEZUG! or Err:502.
_FORMULA_ERROR: Final = re.compile(r"#(?:¿?[^\W_]+(?:[/_ ][^\W_]+)*[!?]|N/?[AVDT])|Err:\d+")
_LONGEST_SHOWN: Final = 60


def escaped(cell: str) -> str:
    """The cell, with an apostrophe before it if a spreadsheet would take it for a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unescaped(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and _FORMULA.match(cell, 1) else cell


def cleaned_name(cell: str, *, is_marked: bool = False) -> str:
    """The name without invisible characters at its ends, and with plain spaces.

    `is_marked`: the row's cells begin with an apostrophe, a spreadsheet's mark for text. Otherwise
    an apostrophe may belong to the name, as in 't Hooft.
    """
    name = _without_unseen(cell.replace("\u00a0", " "))
    return _without_unseen(name[1:]) if is_marked and name.startswith("'") else name


def is_formula_error(cell: str) -> bool:
    return _FORMULA_ERROR.fullmatch(cell.strip()) is not None


def cleaned_email(cell: str) -> str:
    """The address of a cell such as `Ada <ada@example.com>` or `mailto:ada@example.com`."""
    email = _without_unseen(cell).removeprefix("'")
    if match := _BRACKETED.fullmatch(email.rstrip(";, ")):
        email = match[1]
    if match := _MAILTO.fullmatch(email):
        email = match[1]
    return _without_unseen(email.rstrip(";, "))


def shown(cell: str) -> str:
    """The cell in quotation marks, with invisible characters escaped."""
    signs = (sign if _is_seen(sign) else f"[U+{ord(sign):04X}]" for sign in cell)
    return f'"{"".join(signs)}"'


def shortened(cell: str) -> str:
    """The cell, shortened: a file that is not a list may have very long ones."""
    return cell if len(cell) <= _LONGEST_SHOWN else f"{cell[:_LONGEST_SHOWN]}…"


def _is_seen(sign: str) -> bool:
    return sign == " " or sign.isprintable()


def _without_unseen(text: str) -> str:
    start, end = 0, len(text)
    while start < end and _is_unseen(text[start]):
        start += 1
    while start < end and _is_unseen(text[end - 1]):
        end -= 1
    return text[start:end]


def _is_unseen(sign: str) -> bool:
    """Blanks, and marks of direction, width or encoding."""
    return sign.isspace() or unicodedata.category(sign) in ("Cf", "Cc")
