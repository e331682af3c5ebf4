"""Reads a results file: it can hold an invite back, but never cause one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from gateway.invites.inputs import lowercased, normalised_email
from gateway.invites.models import InviteFormat
from gateway.operator_error import OperatorError
from gateway.spreadsheet import cleaning
from gateway.spreadsheet.encoding import UTF_8
from gateway.spreadsheet.headings import HeadingError, Wanted, plain
from gateway.spreadsheet.table import TOP, Row, TableError, read_table

COLUMNS: Final = ("track", "format", "status", "link", "code", "reason")
"""They follow the list's own columns."""
INVITED, NOT_INVITED = "invited", "not invited"
FORMATS: Final = {"get-link": InviteFormat.GET_LINK, "send-link": InviteFormat.SEND_LINK}
_ANY: Final = "cp1252"
# A number as a spreadsheet may show it.
_GROUPED: Final = re.compile(r"\d{1,3}(?:[.,'’\s]\d{3})+")


class ReportError(OperatorError):
    """The results file cannot be read, so nobody is invited; the message says what to do."""


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """One row of a report, unchanged."""

    row: int
    email: str
    track: str = ""
    format: str = ""
    status: str = ""
    link: str = ""

    @property
    def address(self) -> str | None:
        """The same for every spelling; None if it is not an address."""
        email = normalised_email(cleaning.cleaned_email(self.email))
        return None if email is None else lowercased(email)

    @property
    def says_invited(self) -> bool:
        return plain(self.status) == INVITED

    @property
    def says_not_invited(self) -> bool:
        return plain(self.status) == NOT_INVITED

    def is_elsewhere(self, *, track: str, format_: str) -> bool:
        """Whether it is clearly about another track or format."""
        number = _number(self.track)
        format_there = self.format.strip().lower()
        return (number is not None and number != int(track)) or (
            format_there in FORMATS and format_there != format_
        )


def columns_of_report(heading: Sequence[str]) -> dict[str, int]:
    """The indexes of the report's columns; empty unless all of them are present."""
    words = [plain(cell) for cell in heading]
    if not set(COLUMNS) <= set(words):
        return {}
    return {name: _last(words, name) for name in COLUMNS}


def own_columns(heading: Sequence[str]) -> tuple[int, ...]:
    """The indexes of the list's own columns."""
    places = set(columns_of_report(heading).values())
    return tuple(place for place in range(len(heading)) if place not in places)


def results_in(heading: Sequence[str], rows: Sequence[Row], email: int) -> Iterator[Result]:
    """The results in the rows of a list, if it is a results file."""
    columns = columns_of_report(heading)
    return _results(rows, columns, email) if columns else iter(())


def read_report(path: Path, wanted: Wanted, *, encoding: str = UTF_8) -> tuple[Result, ...]:
    """The rows of a results file in any format; none if the file does not exist.

    `encoding` is the list's. Raises ReportError.
    """
    if not path.exists():
        return ()
    try:
        # If a program has saved the report in a code page, only its ASCII text matters.
        table = read_table(
            path,
            known=lambda cells: _known(cells, wanted),
            unless_unicode=_ANY if encoding.startswith("utf") else encoding,
        )
    except TableError as error:
        raise ReportError(f"{error}. {_WHAT_IT_IS}") from None
    if not table.rows:
        raise ReportError(
            f"{path} lies where the results belong, and is empty: who may be invited already is"
            " lost with it. Put a copy back if there is one; delete the file only if it never held"
            " results"
        )
    top = table.rows[:TOP]
    heading = max(top, key=lambda row: _known(row.cells, wanted))
    words = [plain(cell) for cell in heading.cells]
    try:
        email = wanted.email_column(heading.cells)
    except HeadingError:
        raise ReportError(_no_report(path)) from None
    if "status" not in words:
        raise ReportError(_no_report(path))
    columns: dict[str, int] = {name: _last(words, name) for name in COLUMNS if name in words}
    below = table.rows[table.rows.index(heading) + 1 :]
    results = tuple(_results(below, columns, email))
    if table.is_guessed and table.form.encoding == _ANY != encoding:
        return tuple(one if one.email.isascii() else replace(one, email="") for one in results)
    return results


def held(results: Sequence[Result], *, path: Path, track: str, format_: str) -> dict[str, Result]:
    """Results of people who may already be invited, by address. Raises ReportError."""
    found: dict[str, Result] = {}
    for result in results:
        if result.says_not_invited or result.is_elsewhere(track=track, format_=format_):
            continue
        address = result.address
        if address is None:
            raise ReportError(
                f"{path}, row {result.row}: there is no e-mail address that can be read, so it"
                " is not known who may be invited already. Put the address in its column; if"
                " the row is about nobody, delete the row"
            )
        if address not in found or result.says_invited:
            found[address] = result
    return found


def check_no_other(results: Sequence[Result], *, path: Path, track: str, format_: str) -> None:
    """Raises ReportError if the file has results of another track or format: they would be lost."""
    elsewhere = [one for one in results if one.is_elsewhere(track=track, format_=format_)]
    if elsewhere and len(elsewhere) == len(results):
        raise ReportError(
            f"{path} holds the results for another track or format: choose another file, --result"
        )
    if elsewhere:
        raise ReportError(
            f"{path} also holds results for another track or format, in row {elsewhere[0].row}:"
            " move those rows to another file"
        )


_WHAT_IT_IS: Final = (
    "It lies where the results belong. If it holds results, save it as CSV; if not, move it away"
)


def _no_report(path: Path) -> str:
    return (
        f"{path} lies where the results belong, and has no heading with an e-mail address and"
        " `status`. If it holds results, put the heading back; if not, move it away"
    )


def _known(cells: Sequence[str], wanted: Wanted) -> int:
    """How many of the report's columns there are."""
    words = {plain(cell) for cell in cells}
    return wanted.known(cells) + len(words.intersection(COLUMNS))


def _results(rows: Sequence[Row], columns: dict[str, int], email: int) -> Iterator[Result]:
    for row in rows:
        cells = {name: cleaning.unescaped(row.cell(place)) for name, place in columns.items()}
        yield Result(
            row.number,
            cleaning.unescaped(row.cell(email)),
            cells.get("track", ""),
            cells.get("format", ""),
            cells.get("status", ""),
            cells.get("link", ""),
        )


def _last(words: Sequence[str], name: str) -> int:
    return max(place for place, word in enumerate(words) if word == name)


def _number(cell: str) -> int | None:
    """The number, if it is unambiguous, such as `6578` or `6,578`, but not `1.2E+11`."""
    text = cell.strip()
    digits = re.sub(r"\D", "", text) if _GROUPED.fullmatch(text) else text
    return int(digits) if digits.isascii() and digits.isdecimal() else None
