"""What became of each line of a spreadsheet, on disk as soon as it is known."""

from __future__ import annotations

import csv
import fcntl
import os
import re
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from typing import Final, TextIO

from gateway.invites.inputs import lowercased, normalised_email
from gateway.invites.models import InviteErrorCode, InviteOutcome
from gateway.operator_error import OperatorError
from gateway.spreadsheet.csv_text import SEPARATORS, CSVTextError, cells_of, decoded, lines_of

# https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r\n]")
_NEVER_SENT: Final = InviteErrorCode.INVALID_INPUT.value


class ResultsFileError(OperatorError):
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

    @property
    def is_open(self) -> bool:
        """Nobody knows yet whether the candidate is invited."""
        return self.status == status_of(InviteOutcome.UNKNOWN)

    @property
    def address(self) -> str:
        """The same for every spelling of the e-mail address."""
        return lowercased(normalised_email(self.email) or self.email)


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

    def latest(self, *, track: str, format_: str) -> dict[str, Row]:
        """The last row of each address for this track and format, or that of its invite."""
        return {
            row.address: row
            for row in tidied(self._rows)
            # A line that could not be sent says nothing about another with the same address.
            if (row.track, row.format) == (track, format_) and row.code != _NEVER_SENT
        }

    def open(self) -> None:
        """Get ready to add rows; what a kill left half-written or untidy is cleaned away.

        Raises ResultsFileError, also while another run has the file open.
        """
        self._check_unlocked()
        self._write(tidied(self._rows))
        try:
            self._file = self.path.open("a", encoding="utf-8", newline="")
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise self._unusable(error) from None

    def add(self, row: Row) -> None:
        """Write the row; a kill of this process does not lose it any more."""
        if self._file is None:
            raise ValueError("the results file is not open")
        self._rows.append(row)
        try:
            csv.writer(self._file).writerow(_cells(row))
            self._file.flush()
        except OSError as error:
            raise self._unusable(error) from None

    def close(self) -> None:
        """Leave the last row for each line, in the order of the lines."""
        if self._file is None:
            return
        file, self._file = self._file, None
        try:
            self._write(tidied(self._rows))
        finally:
            _close(file)

    def _check_unlocked(self) -> None:
        try:
            with self.path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return
        except BlockingIOError:
            raise ResultsFileError(f"{self.path} is in use by another run of the command") from None
        except OSError as error:
            raise self._unusable(error) from None

    def _write(self, rows: Iterable[Row]) -> None:
        # The whole file in one step: at no moment is there less on disk than before.
        beside = self.path.with_name(self.path.name + ".new")
        try:
            with beside.open("w", encoding="utf-8-sig", newline="") as file:
                csv.writer(file).writerows([COLUMNS, *map(_cells, rows)])
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self.path)
        except OSError as error:
            raise self._unusable(error) from None

    def _unusable(self, error: OSError) -> ResultsFileError:
        return ResultsFileError(f"{self.path} cannot be written: {error.strerror}")


def read_rows(path: Path) -> list[Row]:
    """The rows of a results file, also as a spreadsheet saves it; none if there is no file.

    Raises ResultsFileError.
    """
    try:
        text, _ = decoded(path.read_bytes())
        cells = list(csv.reader(lines_of(text), delimiter=_separator(text)))
    except FileNotFoundError:
        return []
    except (OSError, CSVTextError, csv.Error):
        raise ResultsFileError(f"{path} cannot be read as results; choose another file") from None
    if cells and tuple(cells[0]) != COLUMNS:
        raise ResultsFileError(f"{path} is there and holds no results; choose another file")
    # A row that was cut short by a kill is as good as none: its line is asked for again.
    return [_row(one) for one in cells[1:] if len(one) == len(COLUMNS)]


def tidied(rows: Iterable[Row]) -> list[Row]:
    """The last row for each address, track and format, in the order of the lines.

    No row but that of an invite takes the place of an invite's.
    """
    last: dict[tuple[str, ...], Row] = {}
    for row in rows:
        # A line that cannot be sent, such as one without an address, is known by its number.
        own = row.line if row.code == _NEVER_SENT else ""
        key = (row.address, row.track, row.format, own)
        if key not in last or row.is_invited or not last[key].is_invited:
            last[key] = row
    return sorted(last.values(), key=lambda row: int(row.line) if row.line.isdecimal() else 0)


def carried(row: Row, *, line: int) -> Row:
    """The row of an earlier run, at its line's place of today."""
    return replace(row, line=str(line))


def _separator(text: str) -> str:
    heading = next(lines_of(text), "")
    fits = (sign for sign in SEPARATORS if tuple(cells_of(heading, sign)) == COLUMNS)
    return next(fits, SEPARATORS[0])


def _cells(row: Row) -> list[str]:
    """The row's cells, none of which a spreadsheet takes for a formula and runs."""
    return [f"'{cell}" if _FORMULA.match(cell) else cell for cell in astuple(row)]


def _row(cells: Iterable[str]) -> Row:
    return Row(
        *(cell[1:] if cell[:1] == "'" and _FORMULA.match(cell, 1) else cell for cell in cells)
    )


def _close(file: TextIO) -> None:
    try:
        file.close()
    except OSError:
        # A row that could not be written could not be written now either.
        return
