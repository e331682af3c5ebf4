"""Reads the rows of a spreadsheet file: any kind of CSV, or a workbook."""

from __future__ import annotations

import csv
import io
import locale
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gateway.spreadsheet.encoding import UTF_8, EncodingError, decoded

SEPARATORS: Final = (",", ";", "\t", "|")
# Excel's `sep=` line: it is not shown, and not counted as a row.
_SEPARATOR_LINE: Final = re.compile(r'\A"?sep=(.)"?\r?\n?\Z', re.IGNORECASE)
# .xlsx, .xlsb and .ods files are zip archives; an .xls file is an OLE container.
_WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
# The number of first rows in which the heading is looked for.
TOP: Final = 20


class TableError(Exception):
    """The file cannot be read as rows; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row with the spreadsheet's number, from 1; empty cells at its end are left out."""

    number: int
    cells: tuple[str, ...]

    def cell(self, column: int) -> str:
        return self.cells[column] if column < len(self.cells) else ""


@dataclass(frozen=True, slots=True)
class Form:
    """The format of a CSV file."""

    encoding: str = UTF_8
    separator: str = ","


@dataclass(frozen=True, slots=True)
class Table:
    """The rows that are not empty. A workbook has a `sheet`, and this machine's CSV `form`."""

    rows: tuple[Row, ...]
    form: Form
    is_guessed: bool = False
    sheet: str | None = None


Known = Callable[[Sequence[str]], int]
"""How many of the wanted columns the cells of a heading name."""


def read_table(
    path: Path, *, known: Known, encoding: str | None = None, unless_unicode: str | None = None
) -> Table:
    """The rows of the file; `known` helps to find the separator and the sheet.

    For the encodings see `decoded`. Raises TableError.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TableError(f"{path} cannot be read: {error.strerror}") from None
    if data.startswith(_WORKBOOKS):
        return _workbook(path, data, known)
    try:
        text = decoded(data, encoding=encoding, unless_unicode=unless_unicode)
    except EncodingError as error:
        raise TableError(f"{path} {error}") from None
    lines = list(io.StringIO(text.text, newline=""))
    separator, lines = _separator_line(lines)
    separator = separator or max(SEPARATORS, key=lambda sign: _fits(lines, sign, known))
    try:
        rows = list(_rows(lines, separator))
    except csv.Error as error:
        raise TableError(f"{path}: {error}") from None
    return Table(_filled(rows), Form(text.encoding, separator), text.is_guessed)


def _separator_line(lines: list[str]) -> tuple[str | None, list[str]]:
    match = _SEPARATOR_LINE.match(lines[0]) if lines else None
    return (match[1], lines[1:]) if match else (None, lines)


def _fits(lines: Sequence[str], separator: str, known: Known) -> tuple[int, int]:
    """How well the separator fits: the number of known columns, then of all columns."""
    top = csv.reader(iter(lines), delimiter=separator)
    best = (0, 0)
    try:
        for _, cells in zip(range(TOP), top, strict=False):
            best = max(best, (known(cells), len(cells)))
    except csv.Error:
        return best
    return best


def _rows(lines: Sequence[str], separator: str) -> Iterator[list[str]]:
    rows = csv.reader(iter(lines), delimiter=separator, strict=True)
    number = 0
    while True:
        number += 1
        try:
            cells = next(rows, None)
        except csv.Error as error:
            raise csv.Error(
                f"row {number} is no CSV, or a quotation mark in it has no end ({error})"
            ) from None
        if cells is None:
            return
        yield _unpacked(cells, separator)


def _unpacked(cells: list[str], separator: str) -> list[str]:
    """The cells of a row that a program with another separator saved as one cell."""
    if len(cells) == 1 and separator in cells[0]:
        return next(csv.reader([cells[0]], delimiter=separator), [])
    return cells


def _workbook(path: Path, data: bytes, known: Known) -> Table:
    from python_calamine import (  # noqa: PLC0415 - few lists need it
        CalamineError,
        CalamineWorkbook,
        SheetVisibleEnum,
    )

    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        sheets = {
            sheet.name: _filled(_text_rows(book.get_sheet_by_name(sheet.name)))
            for sheet in book.sheets_metadata
            if sheet.visible == SheetVisibleEnum.Visible
        }
    except (CalamineError, OSError, ValueError) as error:
        raise TableError(
            f"{path} cannot be opened as a workbook; is it protected by a password? ({error})"
        ) from None
    name = _sheet_of(path, sheets, known)
    return Table(sheets.get(name, ()), form_here(), sheet=name)


def _text_rows(sheet: Any) -> list[list[str]]:
    return [[_text(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]


def _sheet_of(path: Path, sheets: dict[str, tuple[Row, ...]], known: Known) -> str:
    """The one sheet with known columns; if there is none, the first that is not empty."""
    wanted = max((_best(rows, known) for rows in sheets.values()), default=0)
    found = [name for name, rows in sheets.items() if wanted and _best(rows, known) == wanted]
    if len(found) > 1:
        raise TableError(
            f"{path} has people on several sheets: {', '.join(found)}. Save the one that is meant"
            " as a file of its own"
        )
    filled = [name for name, rows in sheets.items() if rows]
    return next(iter([*found, *filled, *sheets]), "")


def _best(rows: Sequence[Row], known: Known) -> int:
    return max((known(row.cells) for row in rows[:TOP]), default=0)


def _filled(rows: Sequence[Sequence[str]]) -> tuple[Row, ...]:
    numbered = (Row(number, _trimmed(cells)) for number, cells in enumerate(rows, 1))
    return tuple(row for row in numbered if row.cells)


def _trimmed(cells: Sequence[str]) -> tuple[str, ...]:
    last = max((place for place, cell in enumerate(cells, 1) if cell.strip()), default=0)
    return tuple(cells[:last])


def _text(value: object) -> str:
    """A cell's text as the spreadsheet shows it, as far as the file says."""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def form_here() -> Form:
    """The CSV format that this machine's spreadsheet program splits into columns.

    Where the decimal separator is a comma, it expects semicolons between cells.
    """
    try:
        locale.setlocale(locale.LC_NUMERIC, "")
        point = locale.localeconv()["decimal_point"]
    except locale.Error:
        point = "."
    finally:
        locale.setlocale(locale.LC_NUMERIC, "C")
    return Form(separator=";" if point == "," else ",")
