"""What became of each line of a spreadsheet, on disk as soon as it is known."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from typing import TextIO

from gateway.invites.models import InviteOutcome


class ResultsFileError(Exception):
    """The file cannot be used for results; the message says why."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line's result; the fields are the columns. `status` is an outcome's word, in small."""

    line: str
    name: str
    email: str
    track: str
    format: str
    status: str
    link: str = ""
    code: str = ""
    reason: str = ""

    @property
    def is_invited(self) -> bool:
        return self.status == status_of(InviteOutcome.INVITED)


COLUMNS = tuple(field.name for field in fields(Row))


def status_of(outcome: InviteOutcome) -> str:
    """`invited`, `not invited` or `unknown`."""
    return outcome.value.lower().replace("_", " ")


class ResultsFile:
    """Rows that were there, and those that are added: the next run reads them."""

    def __init__(self, path: Path) -> None:
        """Raises ResultsFileError, also if the file holds something else."""
        self.path = path
        self._rows = read_rows(path)
        self._file: TextIO | None = None

    def invited(self, *, track: str, format_: str) -> dict[str, Row]:
        """The rows of those who are invited to the track in this way, by address in small."""
        return {
            row.email.casefold(): row
            for row in self._rows
            if row.is_invited and (row.track, row.format) == (track, format_)
        }

    def open(self) -> None:
        """Get ready to add rows; what a kill left half-written is cleaned away."""
        self._write(self._rows)
        try:
            self._file = self.path.open("a", encoding="utf-8", newline="")
        except OSError as error:
            raise self._unusable(error) from None

    def add(self, row: Row) -> None:
        """Write the row; a kill of this process does not lose it any more."""
        if self._file is None:
            raise ValueError("the results file is not open")
        csv.writer(self._file).writerow(astuple(row))
        self._file.flush()
        self._rows.append(row)

    def close(self) -> None:
        """Leave the last row for each line, in the order of the lines."""
        if self._file is None:
            return
        self._file.close()
        self._file = None
        self._write(tidied(self._rows))

    def _write(self, rows: Iterable[Row]) -> None:
        # The whole file in one step: at no moment is there less on disk than before.
        beside = self.path.with_name(self.path.name + ".new")
        try:
            with beside.open("w", encoding="utf-8-sig", newline="") as file:
                csv.writer(file).writerows([COLUMNS, *map(astuple, rows)])
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self.path)
        except OSError as error:
            raise self._unusable(error) from None

    def _unusable(self, error: OSError) -> ResultsFileError:
        return ResultsFileError(f"{self.path} cannot be written: {error.strerror}")


def read_rows(path: Path) -> list[Row]:
    """The rows of a results file; none if there is no file. Raises ResultsFileError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            cells = list(csv.reader(file))
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError, csv.Error):
        raise ResultsFileError(f"{path} cannot be read as results; choose another file") from None
    if cells and tuple(cells[0]) != COLUMNS:
        raise ResultsFileError(f"{path} is there and holds no results; choose another file")
    # A row that was cut short by a kill is as good as none: its line is asked for again.
    return [Row(*row) for row in cells[1:] if len(row) == len(COLUMNS)]


def tidied(rows: Iterable[Row]) -> list[Row]:
    """The last row for each address, track and format, in the order of the lines."""
    last: dict[tuple[str, ...], Row] = {}
    for row in rows:
        # A line that cannot be sent, such as one without an address, is known by its number.
        own = row.line if row.code == "INVALID_INPUT" else ""
        last[(row.email.casefold(), row.track, row.format, own)] = row
    return sorted(last.values(), key=lambda row: int(row.line) if row.line.isdecimal() else 0)


def carried(row: Row, *, line: int) -> Row:
    """The row of an earlier run, at its line's place of today."""
    return replace(row, line=str(line))
