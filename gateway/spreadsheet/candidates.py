"""Reads the candidates of a list, with cleaned names and addresses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.operator_error import OperatorError
from gateway.spreadsheet.cleaning import cleaned_email, cleaned_name, is_formula_error, unescaped
from gateway.spreadsheet.headings import Columns, HeadingError, Wanted
from gateway.spreadsheet.report import Result, own_columns, results_in
from gateway.spreadsheet.table import TOP, Form, Row, Table, TableError, read_table


class CandidatesFileError(OperatorError):
    """The file cannot be read as a list of candidates; the message says what to change."""


@dataclass(frozen=True, slots=True, repr=False)
class Candidate:
    """A row of the list; `line` is its number, `cells` are unchanged.

    `email` was cleaned from `email_cell`. `problem` is an error of the row as a whole.
    """

    line: int
    name: str
    email: str
    cells: tuple[str, ...] = ()
    email_cell: str = ""
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class CandidatesFile:
    """`heading_row` is the heading's row number; `names` and `email` are the chosen headings.

    They were found by `wanted`. `results` are those of earlier runs, if the file is a report of
    this command.
    """

    path: Path
    candidates: tuple[Candidate, ...]
    heading: tuple[str, ...]
    heading_row: int
    names: tuple[str, ...]
    email: str
    form: Form
    wanted: Wanted
    is_guessed: bool = False
    sheet: str | None = None
    results: tuple[Result, ...] = ()


def read_candidates(
    path: Path, *, wanted: Wanted | None = None, encoding: str | None = None
) -> CandidatesFile:
    """The candidates of the file, in their order. Raises CandidatesFileError."""
    wanted = wanted or Wanted()
    try:
        table = read_table(path, known=wanted.known, encoding=encoding)
        heading, rows = _parted(table, wanted)
        columns = wanted.columns(heading.cells)
    except TableError as error:
        raise CandidatesFileError(str(error)) from None
    except HeadingError as error:
        raise CandidatesFileError(f"{path}: {error}") from None
    own = own_columns(heading.cells)
    return CandidatesFile(
        path=path,
        candidates=tuple(_candidates(rows, columns, heading.cells, table.form.separator)),
        heading=tuple(heading.cells[place] for place in own),
        heading_row=heading.number,
        names=tuple(heading.cells[place].strip() for place in columns.names),
        email=heading.cells[columns.email].strip(),
        form=table.form,
        wanted=wanted,
        is_guessed=table.is_guessed,
        sheet=table.sheet,
        results=tuple(results_in(heading.cells, rows, columns.email)),
    )


def _parted(table: Table, wanted: Wanted) -> tuple[Row, Sequence[Row]]:
    """The heading, which may have titles above it, and the rows below."""
    if not table.rows:
        raise HeadingError("the file is empty: its first row must name the columns")
    scores = [wanted.known(row.cells) for row in table.rows[:TOP]]
    place = scores.index(max(scores))
    return table.rows[place], table.rows[place + 1 :]


def _candidates(
    rows: Sequence[Row], columns: Columns, heading: Sequence[str], separator: str
) -> Iterator[Candidate]:
    width, own = len(heading), own_columns(heading)
    for row in rows:
        if not any(row.cell(place).strip() for place in own):
            # Only columns of a report are filled in.
            continue
        email_cell = row.cell(columns.email).strip()
        is_marked = email_cell.startswith("'") and unescaped(email_cell) == email_cell
        names = [unescaped(row.cell(place)) for place in columns.names]
        cleaned = (cleaned_name(name, is_marked=is_marked) for name in names)
        yield Candidate(
            row.number,
            " ".join(filter(None, cleaned)),
            cleaned_email(email_cell),
            tuple(_own_cells(row, width, own, separator)),
            email_cell,
            _problem(row, width, names),
        )


def _own_cells(row: Row, width: int, own: Sequence[int], separator: str) -> Iterator[str]:
    """The list's own cells; cells beyond the heading are joined to the last one."""
    beyond = row.cells[width:]
    for place in own:
        cell = unescaped(row.cell(place))
        yield separator.join([cell, *beyond]) if place == own[-1] else cell


def _problem(row: Row, width: int, names: Sequence[str]) -> str | None:
    if len(row.cells) <= width:
        wrong = next((name.strip() for name in names if is_formula_error(name)), None)
        return f'name "{wrong}": a formula of the spreadsheet has failed there' if wrong else None
    return (
        f"the row has {len(row.cells)} cells and the heading {width}: a separator in a cell needs"
        " quotation marks around the cell"
    )
