"""What became of each row of a list: a file beside it that says at any time what is so."""

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

# Encodings whose text begins with a mark, which may come once only.
_MARKED: Final[Mapping[str, tuple[bytes, str]]] = {
    "utf-8-sig": (codecs.BOM_UTF8, "utf-8"),
    "utf-16": (codecs.BOM_UTF16_LE, "utf-16-le"),
    "utf-32": (codecs.BOM_UTF32_LE, "utf-32-le"),
}


class ResultsFileError(OperatorError):
    """The file cannot be written; the message says why."""


class ResultsFile:
    """One row for each row of the list, in its order, with the list's own cells before it.

    The file is replaced as a whole at each step, so that whoever opens it, and whoever comes after
    a kill, finds each row once, and as it was known last.
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
        """Keep other runs from it. Raises ResultsFileError while one has it."""
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
        """Write all rows of the list as they stand now. Raises ResultsFileError."""
        self._form = form
        self._heading = self._encoded([*heading, *COLUMNS])
        self._own = [(*cells, *[""] * (len(heading) - len(cells))) for cells, _ in rows]
        self._rows = [b""] * len(rows)
        for place, (_, standing) in enumerate(rows):
            self.put(place, standing)
        self.write()

    def put(self, place: int, standing: Standing) -> None:
        """Change a row; it is on disk after the next `flush` or `write`."""
        told = (status_of(standing.outcome), standing.link, standing.code, standing.reason)
        self._rows[place] = self._encoded([*self._own[place], *self._about, *told])

    @property
    def has_begun(self) -> bool:
        return bool(self._heading)

    async def flush(self) -> None:
        """Write what was put; callers at the same time share one write.

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
        """Raises ResultsFileError; what was there before stays then."""
        write_whole(self.path, [self._mark(), self._heading, *self._rows], sync=sync)

    def _mark(self) -> bytes:
        return _MARKED.get(self._form.encoding, (b"", ""))[0]

    def _encoded(self, cells: Sequence[str]) -> bytes:
        return encoded(cells, self._form)


def encoded(cells: Sequence[str], form: Form) -> bytes:
    """A line of CSV, none of whose cells a spreadsheet takes for a formula and runs."""
    text = io.StringIO()
    csv.writer(text, delimiter=form.separator).writerow(map(escaped, cells))
    _, encoding = _MARKED.get(form.encoding, (b"", form.encoding))
    return text.getvalue().encode(encoding, "replace")


def write_list(path: Path, form: Form, rows: Sequence[Sequence[str]]) -> None:
    """Write a list as a spreadsheet opens it. Raises ResultsFileError."""
    mark = _MARKED.get(form.encoding, (b"", ""))[0]
    write_whole(path, [mark, *(encoded(cells, form) for cells in rows)])


def write_whole(path: Path, parts: Sequence[bytes], *, sync: bool = True) -> None:
    """Replace the file in one step: at no moment is there less on disk than before.

    Its mode stays. Raises ResultsFileError, and leaves nothing else behind.
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
        # Where nothing can be written, nothing can be removed either.
        return
