"""Results are on disk as soon as they are known, and no run takes away another's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.results_file import (
    COLUMNS,
    ResultsFile,
    ResultsFileError,
    Row,
    read_rows,
)

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


def test_who_is_invited_is_known_to_the_next_run(path):
    """By address in small, for one track and format."""
    results = written(path, replace(ADA, email="Ada@Example.com"), BOB)

    assert list(results.invited(track="1", format_="get-link")) == ["ada@example.com"]
    assert results.invited(track="2", format_="get-link") == {}
    assert results.invited(track="1", format_="send-link") == {}


@pytest.mark.parametrize("left", [1, 5, 30])
def test_a_row_cut_short_is_none(path, left):
    """What a kill left half-written is asked for again, and does not swallow the next row."""
    written(path, ADA, BOB)
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b"3,Bob") + left])

    assert written(path, BOB).invited(track="1", format_="get-link").keys() == {"ada@example.com"}
    assert read_rows(path) == [ADA, BOB]


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"name,email\nA,b\n", "holds no results"), (b"\xff\xfe\x00", "cannot be read as results")],
    ids=["other columns", "no text"],
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
