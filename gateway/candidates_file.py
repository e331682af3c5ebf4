"""A spreadsheet of candidates, as programs for spreadsheets write it: CSV of some kind."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_NAMES: Final[Mapping[str, frozenset[str]]] = {
    "name": frozenset({"name", "candidate name", "full name", "candidate"}),
    "e-mail": frozenset(
        {"email", "e mail", "mail", "candidate email", "email address", "e mail address"}
    ),
}
_SEPARATORS: Final = (",", ";", "\t")
_FALLBACK: Final = "cp1252"


class CandidatesFileError(Exception):
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
    text, is_guessed = _decoded(data)
    try:
        candidates = tuple(_candidates(text))
    except csv.Error as error:
        raise CandidatesFileError(f"{path} is no CSV file: {error}") from None
    return CandidatesFile(candidates, is_guessed)


def _decoded(data: bytes) -> tuple[str, bool]:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace"), False
    try:
        return data.decode("utf-8-sig"), False
    except UnicodeDecodeError:
        return data.decode(_FALLBACK, "replace"), True


def _candidates(text: str) -> Iterator[Candidate]:
    lines = text.splitlines(keepends=True)
    start, heading = _heading(lines)
    separator = max(_SEPARATORS, key=lambda sign: _known_columns(heading, sign))
    rows = csv.reader(lines[start:], delimiter=separator, strict=True)
    columns = _columns(next(rows, []))
    line = start + rows.line_num
    for row in rows:
        first, line = line + 1, start + rows.line_num
        if any(cell.strip() for cell in row):
            yield Candidate(first, _cell(row, columns["name"]), _cell(row, columns["e-mail"]))


def _heading(lines: list[str]) -> tuple[int, str]:
    for index, line in enumerate(lines):
        if line.strip():
            return index, line
    raise CandidatesFileError("the file is empty: its first line must name the columns")


def _known_columns(heading: str, separator: str) -> tuple[int, int]:
    cells = next(csv.reader([heading], delimiter=separator))
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
