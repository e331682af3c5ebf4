"""What a person sees before anything is sent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gateway.spreadsheet import preview
from gateway.spreadsheet.candidates import Candidate, CandidatesFile
from gateway.spreadsheet.headings import Wanted
from gateway.spreadsheet.invite_list import Entry
from gateway.spreadsheet.plan import Plan
from gateway.spreadsheet.report import Result
from gateway.spreadsheet.table import Form


def a_file(*names: str, **options) -> CandidatesFile:
    people = tuple(Candidate(n, name, f"{n}@example.com") for n, name in enumerate(names, 2))
    file = CandidatesFile(
        Path("list.csv"),
        people,
        ("First", "Last", "Email"),
        1,
        ("First", "Last"),
        "Email",
        Form(),
        Wanted(),
    )
    return replace(file, **options)


def test_how_the_file_was_read():
    """Columns and encoding, and that it was guessed."""
    guessed = a_file("Ada", form=Form("cp1252"), is_guessed=True)

    assert list(preview.description(a_file("Ada", "Bob"))) == [
        "list.csv: 2 rows below the heading in row 1",
        "  read as UTF-8",
        '  name    "First" + "Last"',
        '  e-mail  "Email"',
    ]
    assert "  read as cp1252, guessed: look at the names" in preview.description(guessed)
    assert '  sheet   "People"' in preview.description(a_file("Ada", sheet="People"))


def test_names_that_an_encoding_would_spoil_are_shown():
    """The first people, and of the others whose names are not plain."""
    shown = list(preview.people(a_file(*["Ada"] * 6, "Zoë", *["Åsa"] * 30)))

    assert shown[0] == "  row 2  Ada <2@example.com>"
    assert shown[5] == "  … and 32 rows more"
    assert shown[7] == "  row 8  Zoë <8@example.com>"
    assert shown[-1] == "  … and 11 more"
    assert len(list(preview.people(a_file("Ada")))) == 1


def test_what_cannot_be_sent_is_listed():
    """Not without end."""
    wrong = [Entry(n, Candidate(n, "", ""), wrong="bad") for n in range(60)]

    assert list(preview.wrong(wrong[:1])) == ["Cannot be sent:", "  row 0: bad"]
    assert list(preview.wrong(wrong))[-1] == "  … and 10 more"
    assert list(preview.wrong([])) == []


def test_totals_count_everybody_once():
    """And mention only what there is."""
    one, two = (Entry(n, Candidate(n, "", "")) for n in range(2))
    one.same.append(two)
    everything = Plan([one], [one], [one], [one], [(one, Result(2, ""))], [one], [one])

    assert preview.totals(Plan([one, two]), format_="get-link") == (
        "2 people would get a link, 1 the same row again."
    )
    assert preview.totals(everything, format_="send-link") == (
        "1 person would be e-mailed, 1 invited already, 1 being sent by another run, 1 in doubt:"
        " nothing is sent to them, 1 held back by the results of an earlier run, 1 left for later"
        " by --limit, 1 cannot be sent, 1 the same row again."
    )
