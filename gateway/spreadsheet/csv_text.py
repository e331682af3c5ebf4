"""CSV as programs for spreadsheets write it: in which letters, with which separators."""

from __future__ import annotations

import codecs
import csv
import io
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

SEPARATORS: Final = (",", ";", "\t")
_FALLBACK: Final = "cp1252"
# An .xlsx or .ods file is a zip archive, an .xls file a container of Microsoft's.
_WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


class CSVTextError(Exception):
    """No CSV; the message goes on where a file's name ends: "is a workbook …"."""


def decoded(data: bytes) -> tuple[str, bool]:
    """The text, and whether its encoding was only guessed. Raises CSVTextError."""
    if data.startswith(_WORKBOOKS):
        raise CSVTextError("is a workbook, such as Excel's: save it as CSV")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace"), False
    try:
        return data.decode("utf-8-sig"), False
    except UnicodeDecodeError:
        return data.decode(_FALLBACK, "replace"), True


def lines_of(text: str) -> Iterator[str]:
    """Lines with their ends, as spreadsheets count them.

    `str.splitlines` would end a line at signs that a cell may hold, such as a vertical tab.
    """
    return io.StringIO(text, newline="")


def cells_of(line: str, separator: str) -> list[str]:
    """The cells of one line."""
    return next(csv.reader([line], delimiter=separator), [])
