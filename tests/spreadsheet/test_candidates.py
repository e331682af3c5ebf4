"""Lists as people have them."""

from __future__ import annotations

import pytest

from gateway.spreadsheet.candidates import CandidatesFile, CandidatesFileError, read_candidates
from gateway.spreadsheet.headings import Wanted


@pytest.fixture
def reading(tmp_path):
    def read(text: str, **options) -> CandidatesFile:
        path = tmp_path / "list.csv"
        path.write_bytes(text.encode())
        return read_candidates(path, **options)

    return read


def people(file: CandidatesFile) -> list[tuple[int, str, str]]:
    return [(one.line, one.name, one.email) for one in file.candidates]


def test_people_with_their_rows(reading):
    """Titles, empty rows and further columns are no matter."""
    text = "Campus drive 2026,,\n\nPhone,Name,Email\n1,Ada,ada@example.com\n,,\n2,Bob,\n"

    file = reading(text)

    assert people(file) == [(4, "Ada", "ada@example.com"), (6, "Bob", "")]
    assert (file.heading_row, file.heading) == (3, ("Phone", "Name", "Email"))
    assert (file.names, file.email) == (("Name",), "Email")
    assert file.candidates[0].cells == ("1", "Ada", "ada@example.com")


def test_halves_of_names_are_joined(reading):
    """A half that is missing leaves no blank."""
    text = "First Name,Last Name,Email\nAda, Lovelace ,a@example.com\nCher,,c@example.com\n"

    assert [name for _, name, _ in people(reading(text))] == ["Ada Lovelace", "Cher"]


def test_columns_that_the_person_names(reading):
    """They are taken, whatever else there is."""
    wanted = Wanted(("Vorname", "Name"))

    file = reading("Name;Vorname;E-Mail\nLovelace;Ada;a@example.com\n", wanted=wanted)

    assert people(file) == [(2, "Ada Lovelace", "a@example.com")]


def test_a_failed_formula_is_no_name(reading):
    """Nor is it half of one."""
    file = reading("First Name,Last Name,Email\nAda,#N/A,a@example.com\nBob,B,b@example.com\n")

    assert [one.problem for one in file.candidates] == [
        'name "#N/A": a formula of the spreadsheet has failed there',
        None,
    ]


def test_more_cells_than_headings_are_a_problem(reading):
    """The name may be cut; the row stays whole in the results."""
    file = reading("email,name,phone\njane@example.com,Doe, Jane,555\n")

    [jane] = file.candidates
    assert jane.problem is not None
    assert "4 cells and the heading 3" in jane.problem
    assert jane.cells == ("jane@example.com", "Doe", " Jane,555")


def test_excels_sign_for_text(reading):
    """It is no part of a cell; before a name alone it may be."""
    text = "name,email\n'Ada,'ada@example.com\n'Aisha,aisha@example.com\n't Hooft,'+t@example.com\n"

    assert people(reading(text)) == [
        (2, "Ada", "ada@example.com"),
        (3, "'Aisha", "aisha@example.com"),
        (4, "'t Hooft", "+t@example.com"),
    ]


def test_a_report_is_read_as_one(reading):
    """Its own columns are no part of the list, wherever they stand."""
    text = (
        "status,name,email,track,format,link,code,reason,note\n"
        "invited,Ada,ada@example.com,1,get-link,x,,,n\n"
        "unknown,,,1,get-link,,,,\n"
    )

    file = reading(text)

    assert file.heading == ("name", "email", "note")
    assert people(file) == [(2, "Ada", "ada@example.com")]
    assert [result.status for result in file.results] == ["invited", "unknown"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty: its first row must name the columns"),
        ("\n \n", "the file is empty"),
        ("who,where\nA,b\n", "list.csv: no column is known to hold names"),
        ('name,email\nA,"b\n', "list.csv: row 2 is no CSV"),
    ],
)
def test_what_is_no_list_is_told(reading, text, message):
    """One line says what to change."""
    with pytest.raises(CandidatesFileError, match=message):
        reading(text)


def test_people_are_in_no_repr(reading):
    """An error that shows a candidate shows nobody."""
    file = reading("name,email\nAda,ada@example.com\n")

    assert "ada" not in repr(file).lower()
