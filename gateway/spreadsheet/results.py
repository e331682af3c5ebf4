"""Writes the result of each row to a file beside the list, which is always up to date."""

from __future__ import annotations

import asyncio
import codecs
import csv
import hashlib
import io
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway.operator_error import OperatorError
from gateway.spreadsheet.cleaning import escaped
from gateway.spreadsheet.report import COLUMNS
from gateway.spreadsheet.standing import Standing, status_of
from gateway.spreadsheet.table import Form

if TYPE_CHECKING:
    from filelock import BaseFileLock

# Encodings that begin with a byte order mark, which may be written only once.
_MARKED: Final[Mapping[str, tuple[bytes, str]]] = {
    "utf-8-sig": (codecs.BOM_UTF8, "utf-8"),
    "utf-16": (codecs.BOM_UTF16_LE, "utf-16-le"),
    "utf-32": (codecs.BOM_UTF32_LE, "utf-32-le"),
}


class ResultsFileError(OperatorError):
    """The file cannot be written; the message says why."""


class ResultsFile:
    """One row for each row of the list, in its order, after the list's own cells.

    The file is replaced as a whole at each step, so that it has each row exactly once with its
    latest state, even after the process was killed.
    """

    def __init__(self, path: Path, *, track: str, format_: str, locks: Path) -> None:
        self.path = path
        self._about = (track, format_)
        self._locks = locks
        self._lock: BaseFileLock | None = None
        self._form = Form()
        self._heading = b""
        self._own: list[tuple[str, ...]] = []
        self._rows: list[bytes] = []
        self._writing: asyncio.Task[None] | None = None

    def lock(self) -> None:
        """Lock the file against other runs. Raises ResultsFileError if one has locked it."""
        from filelock import FileLock, Timeout  # noqa: PLC0415 - one command needs it

        name = hashlib.sha256(os.fsencode(self.path.resolve())).hexdigest()
        try:
            self._locks.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(self._locks / f"{name}.lock", blocking=False)
            self._lock.acquire()
        except Timeout:
            raise ResultsFileError(
                f"{self.path} is being written by another run of the command: wait for its end"
            ) from None
        except OSError as error:
            raise ResultsFileError(f"{self._locks} cannot be used: {error.strerror}") from None

    def release(self) -> None:
        if self._lock is not None:
            self._lock.release()

    def begin(
        self, form: Form, heading: Sequence[str], rows: Sequence[tuple[Sequence[str], Standing]]
    ) -> None:
        """Write all rows of the list in their current state. Raises ResultsFileError."""
        self._form = form
        self._heading = self._encoded([*heading, *COLUMNS])
        self._own = [(*cells, *[""] * (len(heading) - len(cells))) for cells, _ in rows]
        self._rows = [b""] * len(rows)
        for place, (_, standing) in enumerate(rows):
            self.put(place, standing)
        self.write()

    def put(self, place: int, standing: Standing) -> None:
        """Change a row; it is on disk after the next `flush` or `write`."""
        status = status_of(standing.outcome)
        result = (*self._about, status, standing.link, standing.code, standing.reason)
        self._rows[place] = self._encoded([*self._own[place], *result])

    @property
    def has_begun(self) -> bool:
        return bool(self._heading)

    async def flush(self) -> None:
        """Write the changes of `put`; concurrent callers share one write.

        Raises ResultsFileError.
        """
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_soon())
        await asyncio.shield(self._writing)

    async def _write_soon(self) -> None:
        await asyncio.sleep(0)
        self._writing = None
        self.write(sync=False)

    def write(self, *, sync: bool = True) -> None:
        """Raises ResultsFileError; the file is then unchanged."""
        write_whole(self.path, [_mark(self._form), self._heading, *self._rows], sync=sync)

    def _encoded(self, cells: Sequence[str]) -> bytes:
        return encoded(cells, self._form)


def encoded(cells: Sequence[str], form: Form) -> bytes:
    """A line of CSV without cells that a spreadsheet would run as a formula."""
    text = io.StringIO()
    csv.writer(text, delimiter=form.separator).writerow(map(escaped, cells))
    _, encoding = _MARKED.get(form.encoding, (b"", form.encoding))
    return text.getvalue().encode(encoding, "replace")


def _mark(form: Form) -> bytes:
    mark, _ = _MARKED.get(form.encoding, (b"", ""))
    return mark


def write_list(path: Path, form: Form, rows: Sequence[Sequence[str]]) -> None:
    """Write a list that a spreadsheet can open. Raises ResultsFileError."""
    write_whole(path, [_mark(form), *(encoded(cells, form) for cells in rows)])


def write_whole(path: Path, parts: Sequence[bytes], *, sync: bool = True) -> None:
    """Replace the file atomically, with the same mode.

    Raises ResultsFileError, and leaves no temporary file behind.
    """
    path = path.resolve()
    beside = path.with_name(path.name + ".new")
    try:
        with beside.open("wb") as file:
            file.write(b"".join(parts))
            if sync:
                file.flush()
                os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, beside)
        beside.replace(path)
    except OSError as error:
        _remove(beside)
        hint = "; is it open in another program?" if isinstance(error, PermissionError) else ""
        raise ResultsFileError(f"{path} cannot be written: {error.strerror}{hint}") from None


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        # If the folder cannot be written to, removing fails too.
        return
