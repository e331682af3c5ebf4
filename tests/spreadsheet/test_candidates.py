"""Spreadsheets are read as programs write them, and what is missing is named."""

from __future__ import annotations

import pytest

from gateway.spreadsheet.candidates import Candidate, CandidatesFileError, read_candidates

ADA = Candidate(2, "Ada Lovelace", "ada@example.com")


@pytest.fixture
def reading(tmp_path):
    """Reads a file with this text, or these bytes."""

    def read(content: str | bytes):
        path = tmp_path / "candidates.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_candidates(path)

    return read


@pytest.mark.parametrize(
    "heading",
    [
        "name,email",
        "Candidate Name,E-Mail",
        "FULL NAME , Mail",
        "full_name,e_mail",
        "candidate-name,candidate email",
        '"Name","Email Address"',
    ],
)
def test_columns_are_found_by_name(reading, heading):
    """Case, spaces and signs between words do not matter."""
    assert reading(f"{heading}\nAda Lovelace,ada@example.com\n").candidates == (ADA,)


@pytest.mark.parametrize("separator", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
def test_separators(reading, separator):
    """Columns may stand in any order beside others, whatever separates them."""
    text = "id#email#name\n7#ada@example.com#Ada Lovelace\n".replace("#", separator)

    assert reading(text).candidates == (ADA,)


def test_a_comma_in_a_heading_is_no_separator(reading):
    """What separates is what makes the columns known."""
    text = "team, office;name;email\nx;Ada Lovelace;ada@example.com\n"

    assert reading(text).candidates == (ADA,)


@pytest.mark.parametrize(
    ("encoding", "guessed"),
    [("utf-8", False), ("utf-8-sig", False), ("utf-16", False), ("cp1252", True)],
)
def test_encodings(reading, encoding, guessed):
    """What is not told by the file itself is guessed, and the guess is told."""
    read = reading("name,email\nÉmilie Müller,e@example.com\n".encode(encoding))

    assert read.candidates == (Candidate(2, "Émilie Müller", "e@example.com"),)
    assert read.is_guessed == guessed


def test_lines_are_the_files_own(reading):
    """Empty lines and cells of several lines count as an editor counts them."""
    text = '\nname,email,note\nA,a@example.com,"one\ntwo"\n\n,,\nB,b@example.com,\nC\n'

    assert reading(text).candidates == (
        Candidate(3, "A", "a@example.com"),
        Candidate(7, "B", "b@example.com"),
        Candidate(8, "C", ""),
    )


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
def test_line_ends(reading, end):
    """Files of every system are read."""
    text = end.join(["name,email", "Ada Lovelace,ada@example.com", ""])

    assert reading(text).candidates == (ADA,)


@pytest.mark.parametrize("sign", ["\v", "\f", "\x1c", "\x85", "\u2028"])
def test_a_sign_in_a_cell_ends_no_line(reading, sign):
    """Nobody is invited under half a name."""
    (candidate,) = reading(f"name,email\nAda{sign}Lovelace,ada@example.com\n").candidates

    assert candidate == Candidate(2, f"Ada{sign}Lovelace", "ada@example.com")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the file is empty"),
        ("\n \n", "the file is empty"),
        ("name,phone\nA,1\n", "no column for the e-mail: .* The columns there are: name, phone"),
        ("email\na@example.com\n", "no column for the name: .* candidate name, full name, name"),
        ("name,email,mail\n", "more than one column for the e-mail"),
        ('name,email\nA,a@example.com\n"B,b@example.com\n', "line 3 is no CSV"),
        ("PK\x03\x04 and so on", "is a workbook, such as Excel's: save it as CSV"),
    ],
    ids=["nothing", "blank", "no e-mail", "no name", "two", "broken quotes", "workbook"],
)
def test_what_is_wrong_is_named(reading, text, told):
    """The message says what to change."""
    with pytest.raises(CandidatesFileError, match=told):
        reading(text)


def test_a_missing_file_is_told(tmp_path):
    """No traceback for a wrong name."""
    with pytest.raises(CandidatesFileError, match="cannot be read: No such file"):
        read_candidates(tmp_path / "none.csv")
