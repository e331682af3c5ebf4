"""A spreadsheet of candidates, as programs for spreadsheets write it: CSV of some kind."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.operator_error import OperatorError
from gateway.spreadsheet.csv_text import SEPARATORS, CSVTextError, cells_of, decoded, lines_of

_NAMES: Final[Mapping[str, frozenset[str]]] = {
    "name": frozenset({"name", "candidate name", "full name", "candidate"}),
    "e-mail": frozenset(
        {"email", "e mail", "mail", "candidate email", "email address", "e mail address"}
    ),
}


class CandidatesFileError(OperatorError):
    """The file cannot be read as a list of candidates; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A line of the file as it was written; `line` counts from 1, the heading included."""

    line: int
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class CandidatesFile:
    """`is_guessed` is true where the file does not say how its letters are encoded."""

    candidates: tuple[Candidate, ...]
    is_guessed: bool = False


def read_candidates(path: Path) -> CandidatesFile:
    """The candidates of the file, in their order. Raises CandidatesFileError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CandidatesFileError(f"{path} cannot be read: {error.strerror}") from None
    try:
        text, is_guessed = decoded(data)
    except CSVTextError as error:
        raise CandidatesFileError(f"{path} {error}") from None
    return CandidatesFile(tuple(_candidates(text)), is_guessed)


def _candidates(text: str) -> Iterator[Candidate]:
    lines = list(lines_of(text))
    start, heading = _heading(lines)
    separator = max(SEPARATORS, key=lambda sign: _known_columns(heading, sign))
    rows = _numbered(lines[start:], separator, line=start + 1)
    _, headings = next(rows)
    columns = _columns(headings)
    for line, row in rows:
        if any(cell.strip() for cell in row):
            yield Candidate(line, _cell(row, columns["name"]), _cell(row, columns["e-mail"]))


def _numbered(lines: list[str], separator: str, *, line: int) -> Iterator[tuple[int, list[str]]]:
    """Each row with the number of its first line, where the first one's is `line`."""
    rows = csv.reader(lines, delimiter=separator, strict=True)
    before = line - 1
    try:
        for row in rows:
            yield line, row
            line = before + rows.line_num + 1
    except csv.Error as error:
        raise CandidatesFileError(
            f"line {line} is no CSV, or a quotation mark in it has no end: {error}"
        ) from None


def _heading(lines: list[str]) -> tuple[int, str]:
    for index, line in enumerate(lines):
        if line.strip():
            return index, line
    raise CandidatesFileError("the file is empty: its first line must name the columns")


def _known_columns(heading: str, separator: str) -> tuple[int, int]:
    cells = cells_of(heading, separator)
    known = [kind for kind, names in _NAMES.items() if names & {_plain(cell) for cell in cells}]
    return len(known), len(cells)


def _columns(heading: list[str]) -> dict[str, int]:
    found = {
        kind: [index for index, cell in enumerate(heading) if _plain(cell) in names]
        for kind, names in _NAMES.items()
    }
    for kind, places in found.items():
        if not places:
            there = ", ".join(cell.strip() for cell in heading) or "none"
            wanted = ", ".join(sorted(_NAMES[kind]))
            raise CandidatesFileError(
                f"no column for the {kind}: its heading must be one of {wanted}."
                f" The columns there are: {there}"
            )
        if len(places) > 1:
            raise CandidatesFileError(f"more than one column for the {kind}: leave one of them")
    return {kind: places[0] for kind, places in found.items()}


def _plain(cell: str) -> str:
    return " ".join(cell.casefold().replace("-", " ").replace("_", " ").split())


def _cell(row: list[str], column: int) -> str:
    return row[column].strip() if column < len(row) else ""
