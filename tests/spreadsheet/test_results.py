"""Results are on disk as soon as they are known, and no run takes away another's."""

from __future__ import annotations

import errno
import io
import os
from dataclasses import replace

import pytest

from gateway.spreadsheet.results import COLUMNS, ResultsFile, ResultsFileError, Row, read_rows

ADA = Row("2", "Ada", "ada@example.com", "1", "get-link", "invited", "https://t.example/1")
BOB = Row("3", "Bob", "bob@example.com", "1", "get-link", "unknown", "", "UPSTREAM_FAULT", "a, b")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "results.csv"


def written(path, *rows: Row) -> ResultsFile:
    results = ResultsFile(path)
    results.open()
    for row in rows:
        results.add(row)
    results.close()
    return ResultsFile(path)


def test_a_row_is_on_disk_at_once(path):
    """What was added can be read before the file is closed."""
    results = ResultsFile(path)
    results.open()

    results.add(BOB)

    assert read_rows(path) == [BOB]
    results.close()


def test_rows_end_in_the_order_of_the_lines(path):
    """The last word on each line stays, whenever it came."""
    later = replace(BOB, status="invited", code="", reason="")

    written(path, BOB, ADA, later)

    assert read_rows(path) == [ADA, later]


def test_wrong_lines_are_kept_apart(path):
    """Two lines without an address, or with one address, each keep their row."""
    empty = [Row(n, "", "", "1", "get-link", "not invited", "", "INVALID_INPUT") for n in "45"]
    again = replace(ADA, line="6", status="not invited", link="", code="INVALID_INPUT")

    written(path, ADA, *empty, again)

    assert read_rows(path) == [ADA, *empty, again]


def test_an_earlier_runs_rows_stay(path):
    """A run of other lines, or of another track, takes nothing away."""
    written(path, ADA)

    written(path, BOB, replace(ADA, track="2"))

    assert read_rows(path) == [ADA, replace(ADA, track="2"), BOB]


def latest(results: ResultsFile, *, track: str = "1", format_: str = "get-link") -> dict[str, str]:
    rows = results.latest(track=track, format_=format_)
    return {address: row.status for address, row in rows.items()}


def test_what_became_of_whom_is_known_to_the_next_run(path):
    """By address in small, for one track and format."""
    results = written(path, replace(ADA, email="Ada@Example.com"), BOB)

    assert latest(results) == {"ada@example.com": "invited", "bob@example.com": "unknown"}
    assert latest(results, track="2") == {}
    assert latest(results, format_="send-link") == {}


def test_an_invite_is_not_forgotten(path):
    """Neither a later row nor another line with the same address hides it, or a doubt."""
    results = ResultsFile(path)
    results.open()
    for row in (ADA, replace(ADA, status="unknown"), BOB):
        results.add(row)
    results.add(replace(BOB, line="9", status="not invited", code="INVALID_INPUT"))
    results.close()

    assert latest(results) == {"ada@example.com": "invited", "bob@example.com": "unknown"}


@pytest.mark.parametrize(
    ("one", "other"),
    [("ada@straße.de", "ada@xn--strae-oqa.de"), ("ada@bücher.de", "Ada@bu\u0308cher.DE")],
    ids=["punycode", "another normal form"],
)
def test_an_address_is_known_in_every_spelling(path, one, other):
    """However the spreadsheet spells a domain, it is the same candidate."""
    assert list(latest(written(path, replace(ADA, email=other)))) == [one]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "'=1", "''+1"])
def test_no_cell_is_a_formula(path, cell):
    """What a spreadsheet would compute is text there, and the same cell when it is read again."""
    row = replace(ADA, name=cell, reason=cell)

    written(path, row)

    assert f",'{cell},".encode() in path.read_bytes()
    assert read_rows(path) == [row]


@pytest.mark.parametrize("name", ["'t Hooft", "a=b", "'", ""])
def test_other_cells_are_as_they_are(path, name):
    """A sign is put before a formula alone."""
    written(path, replace(ADA, name=name))

    assert f"2,{name},ada".encode() in path.read_bytes()
    assert read_rows(path)[0].name == name


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
def test_a_spreadsheet_may_have_saved_it(path, encoding, separator):
    """Who opened the results and saved them has not lost what the next run must know."""
    row = replace(ADA, name="Müller")
    written(path, row)
    text = path.read_text("utf-8-sig").replace(",", separator)
    path.write_bytes(text.encode(encoding))

    assert read_rows(path) == [row]


def test_two_runs_at_once_are_kept_apart(path):
    """The second would write over the first one's rows."""
    first, second = ResultsFile(path), ResultsFile(path)
    first.open()

    with pytest.raises(ResultsFileError, match="in use by another run"):
        second.open()

    first.add(ADA)
    first.close()
    second.open()
    second.close()


class FullDisk(io.StringIO):
    def flush(self) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def close(self) -> None:
        # Called once more when it is thrown away, where an error is a warning.
        if not self.closed:
            super().close()
            self.flush()


def test_a_full_disk_is_told(path, monkeypatch):
    """The row that could not be written ends the run with a message, and stays if it can."""
    results = written(path)
    monkeypatch.setattr(results, "_file", FullDisk())

    with pytest.raises(ResultsFileError, match="cannot be written: No space left"):
        results.add(ADA)

    results.close()
    assert read_rows(path) == [ADA]


@pytest.mark.parametrize("left", [1, 5, 30])
def test_a_row_cut_short_is_none(path, left):
    """What a kill left half-written is asked for again, and does not swallow the next row."""
    written(path, ADA, BOB)
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b"3,Bob") + left])

    written(path, BOB)
    assert read_rows(path) == [ADA, BOB]


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"name,email\nA,b\n", "holds no results"), (b"PK\x03\x04", "cannot be read as results")],
    ids=["other columns", "a workbook"],
)
def test_another_file_is_not_overwritten(path, content, told):
    """A file that is something else is left as it is."""
    path.write_bytes(content)

    with pytest.raises(ResultsFileError, match=told):
        ResultsFile(path)

    assert path.read_bytes() == content


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    """Before anything is sent."""
    results = ResultsFile(tmp_path / "none" / "results.csv")

    with pytest.raises(ResultsFileError, match="cannot be written: No such file"):
        results.open()


def test_nothing_is_added_before_it_is_open(path):
    """A row would be lost."""
    results = ResultsFile(path)
    results.close()

    with pytest.raises(ValueError, match="not open"):
        results.add(ADA)

    assert not path.exists()


def test_columns_are_told_in_the_heading(path):
    """Spreadsheets open the file as it is: with a mark of its encoding and a heading."""
    written(path, ADA)

    assert path.read_bytes().startswith(b"\xef\xbb\xbf" + ",".join(COLUMNS).encode() + b"\r\n")
