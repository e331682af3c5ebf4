"""Results are true at any moment, and whole on disk."""

from __future__ import annotations

import asyncio
import csv
import errno
import io
import os
from pathlib import Path

import pytest

from gateway.invites.models import InviteOutcome
from gateway.spreadsheet.results import ResultsFile, ResultsFileError, write_list, write_whole
from gateway.spreadsheet.standing import Standing
from gateway.spreadsheet.table import Form

NOT_YET = Standing(InviteOutcome.NOT_INVITED, reason="Not sent yet.")
INVITED = Standing(InviteOutcome.INVITED, link="https://t.example/1")
HEADING = ("Name", "Email", "Note")
PEOPLE = (("Müller", "m@example.com"), ("Bob", "b@example.com", "=1+1"))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "results.csv"


@pytest.fixture
def results(path, tmp_path):
    return ResultsFile(path, track="6578", format_="send-link", locks=tmp_path / "locks")


def begun(results: ResultsFile, form: Form = Form()) -> ResultsFile:  # noqa: B008 - frozen
    results.begin(form, HEADING, [(cells, NOT_YET) for cells in PEOPLE])
    return results


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_file_is_written_as_the_list_is(results, path, encoding, separator):
    """Its columns, separator and encoding, and what became of each row behind."""
    begun(results, Form(encoding, separator)).put(1, INVITED)
    results.write()

    text = path.read_bytes().decode(encoding)
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    assert rows == [
        [*HEADING, "track", "format", "status", "link", "code", "reason"],
        [
            "Müller",
            "m@example.com",
            "",
            "6578",
            "send-link",
            "not invited",
            "",
            "",
            "Not sent yet.",
        ],
        ["Bob", "b@example.com", "'=1+1", "6578", "send-link", "invited", INVITED.link, "", ""],
    ]


def test_what_an_encoding_lacks_is_replaced(results, path):
    """A reason of the platform's in other letters does not stop the run."""
    begun(results, Form("cp1252")).put(0, Standing(InviteOutcome.NOT_INVITED, reason="拒否"))
    results.write()

    assert "??" in path.read_bytes().decode("cp1252")


async def test_rows_that_change_together_are_written_once(results, path, monkeypatch):
    """Each is on disk once its flush has returned."""
    begun(results)
    writes = []
    write = results.write

    def counted(**options: bool) -> None:
        writes.append(options)
        write(**options)

    monkeypatch.setattr(results, "write", counted)
    results.put(0, INVITED)
    results.put(1, INVITED)

    await asyncio.gather(results.flush(), results.flush())

    assert len(writes) == 1
    assert path.read_text("utf-8-sig").count(",invited,") == 2


def test_the_mode_of_the_file_stays(results, path):
    """Whoever may read the results is for their owner to say."""
    begun(results)
    path.chmod(0o640)

    results.write()

    assert path.stat().st_mode & 0o777 == 0o640


def test_a_link_stays_one(results, path, tmp_path):
    """What it leads to is written."""
    (tmp_path / "there.csv").touch()
    path.symlink_to(tmp_path / "there.csv")

    begun(results)

    assert path.is_symlink()
    assert "Müller" in (tmp_path / "there.csv").read_text("utf-8-sig")


@pytest.mark.parametrize(
    ("number", "hint"), [(errno.ENOSPC, "No space left"), (errno.EACCES, "open in another program")]
)
def test_what_cannot_be_written_leaves_the_old_file(results, path, monkeypatch, number, hint):
    """The message says why, and nothing else is left in the folder."""
    begun(results)
    before = path.read_bytes()
    results.put(0, INVITED)

    def fails(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(ResultsFileError, match=f"cannot be written: .*{hint}"):
        results.write()

    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == ["results.csv"]


def test_a_folder_that_is_not_there(tmp_path):
    """Nothing can be written, nor removed."""
    with pytest.raises(ResultsFileError, match="No such file"):
        write_whole(tmp_path / "none" / "results.csv", [b""])


def test_a_file_in_place_of_the_folder(tmp_path):
    """What cannot be removed either is no further error."""
    (tmp_path / "file").touch()

    with pytest.raises(ResultsFileError, match="Not a directory"):
        write_whole(tmp_path / "file" / "results.csv", [b""])


def test_one_run_at_a_time(results, path, tmp_path):
    """A lock lies in the user's folder, not beside the list."""
    other = ResultsFile(path, track="1", format_="get-link", locks=tmp_path / "locks")
    results.lock()

    with pytest.raises(ResultsFileError, match="another run of the command: wait for its end"):
        other.lock()

    results.release()
    other.lock()
    other.release()
    assert not path.exists()


def test_a_folder_for_locks_that_cannot_be_made(path, tmp_path):
    """The message names it."""
    (tmp_path / "locks").touch()
    results = ResultsFile(path, track="1", format_="get-link", locks=tmp_path / "locks" / "deeper")

    with pytest.raises(ResultsFileError, match="deeper cannot be used"):
        results.lock()
    results.release()


def test_a_list_of_those_who_failed(path):
    """It opens as results do."""
    write_list(path, Form(separator=";"), [("Name", "reason"), ("Zoë", "x")])

    assert path.read_bytes() == b"\xef\xbb\xbfName;reason\r\n" + "Zoë;x\r\n".encode()


def test_unwritable_mode_is_kept_private(path):
    """A new file gets what the user's own umask says."""
    write_whole(Path(path), [b"x"])

    assert path.stat().st_mode & 0o600 == 0o600
