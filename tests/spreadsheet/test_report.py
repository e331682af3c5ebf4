"""What a results file can say, however it was saved."""

from __future__ import annotations

import pytest

from gateway.spreadsheet.headings import Wanted
from gateway.spreadsheet.report import (
    ReportError,
    Result,
    columns_of_report,
    own_columns,
    read_report,
)

NEW = ["Name", "Status", "Email", "track", "format", "status", "link", "code", "reason"]


@pytest.mark.parametrize(
    ("result", "is_elsewhere"),
    [
        (Result(2, "a", track="6578"), False),
        (Result(2, "a", track=" 6,578 "), False),
        (Result(2, "a", track="6.578"), False),
        (Result(2, "a", track="6 578"), False),
        (Result(2, "a", track="6578.0"), False),
        (Result(2, "a", track="6.58E+03"), False),
        (Result(2, "a", track="?"), False),
        (Result(2, "a"), False),
        (Result(2, "a", track="6579"), True),
        (Result(2, "a", track="65,780"), True),
        (Result(2, "a", track="6578", format="get-link"), True),
        (Result(2, "a", track="6578", format="Send-Link "), False),
        (Result(2, "a", track="6578", format="link"), False),
    ],
)
def test_only_what_is_plainly_elsewhere_is(result, is_elsewhere):
    """A number that a spreadsheet has spoilt may be this track."""
    assert result.is_elsewhere(track="6578", format_="send-link") is is_elsewhere


@pytest.mark.parametrize(
    ("status", "invited", "not_invited"),
    [
        ("invited", True, False),
        (" Invited", True, False),
        ("not invited", False, True),
        ("NOT_INVITED", False, True),
        ("not", False, False),
        ("invited?no", False, False),
        ("", False, False),
    ],
)
def test_plain_words(status, invited, not_invited):
    """Everything else is a doubt."""
    result = Result(2, "a", status=status)

    assert (result.says_invited, result.says_not_invited) == (invited, not_invited)


@pytest.mark.parametrize(
    ("email", "address"),
    [
        ("ADA@Example.com", "ada@example.com"),
        ("ada@xn--strae-oqa.de", "ada@straße.de"),
        ("mailto:ada@example.com", "ada@example.com"),
        ("ada", None),
    ],
)
def test_addresses(email, address):
    """The same in every spelling."""
    assert Result(2, email).address == address


def test_the_last_columns_of_a_name_are_the_reports():
    """A list may have a column `Status` of its own."""
    assert columns_of_report(NEW)["status"] == 5
    assert own_columns(NEW) == (0, 1, 2)
    assert own_columns(["Status", "Email"]) == (0, 1)


@pytest.mark.parametrize("encoding", ["cp932", "cp1254", "gb18030"])
def test_a_report_in_the_lists_own_encoding(tmp_path, encoding):
    """No guess is needed for what this command has written."""
    path = tmp_path / "results.csv"
    path.write_bytes("name,email,status\n東京Zoë,a@bücher.de,invited\n".encode(encoding, "replace"))

    [result] = read_report(path, Wanted(), encoding=encoding)

    assert result.says_invited


def test_a_report_that_was_saved_in_a_code_page(tmp_path):
    """Names may be misread; an address that may be is taken for none, and stops the run."""
    path = tmp_path / "results.csv"
    text = "name,email,status\nAyşe,a@example.com,invited\nZoë,z@bücher.de,invited\n"
    path.write_bytes(text.encode("cp1254"))

    plain, misread = read_report(path, Wanted())

    assert plain.address == "a@example.com"
    assert misread.address is None


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\r\n"], ids=["no", "mark", "line"])
def test_an_emptied_report_stops_the_run(tmp_path, content):
    """What it held may be all that is known; no file at all says that there was nothing."""
    path = tmp_path / "results.csv"

    assert read_report(path, Wanted()) == ()

    path.write_bytes(content)
    with pytest.raises(ReportError, match="is empty: who may be invited already is lost"):
        read_report(path, Wanted())
