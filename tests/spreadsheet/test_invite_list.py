"""Which rows can be sent, and what the person reads about the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.spreadsheet.candidates import Candidate, CandidatesFile
from gateway.spreadsheet.headings import Wanted
from gateway.spreadsheet.invite_list import Entry, Sheet
from gateway.spreadsheet.table import Form


def entries(*people: tuple[str, str], problem: str | None = None) -> list[Entry]:
    candidates = tuple(
        Candidate(row, name, email, (name, email), email, problem)
        for row, (name, email) in enumerate(people, 2)
    )
    file = CandidatesFile(
        Path("list.csv"), candidates, ("name", "email"), 1, ("name",), "email", Form(), Wanted()
    )
    return Sheet(file, "6578", "send-link", "platform").entries()


def test_a_good_row_is_ready():
    """With its address as it is sent."""
    [entry] = entries(("Ada", "Ada@EXAMPLE.com"))

    assert entry.request is not None
    assert entry.request.candidate_email == "Ada@example.com"
    assert (entry.address, entry.wrong) == ("ada@example.com", "")


@pytest.mark.parametrize(
    ("name", "email", "wrong"),
    [
        ("", "a@example.com", "name: Must not be blank."),
        ("Ada", "", "e-mail: Must not be blank."),
        ("Ada", "ada@\u200bexample,com", 'e-mail "ada@[U+200B]example,com": Must be one e-mail'),
        ("Trunc\ufffd", "a@example.com", 'name "Trunc\ufffd": Must not contain'),
    ],
    ids=ascii,
)
def test_what_is_wrong_is_shown(name, email, wrong):
    """With the cell as it stands there."""
    [entry] = entries((name, email))

    assert entry.wrong.startswith(wrong)
    assert (entry.request, entry.address) == (None, "")


def test_a_row_with_a_problem_of_its_own():
    """However good its cells are; the problem comes first."""
    assert [one.wrong for one in entries(("A", "a@example.com"), problem="cut")] == ["cut"]
    assert [one.wrong for one in entries(("A", "?"), problem="cut")] == ["cut"]


def test_repetitions():
    """The same person again shares the first one's result; another name is a mistake."""
    first, again, other = entries(
        ("Ada King", "a@example.com"), ("ada  king", "A@example.com"), ("Bob", "a@example.com")
    )

    assert first.same == [again]
    assert (again.request, again.wrong) == (None, "")
    assert other.wrong.startswith("row 2 has the same address with another name")


def test_a_row_that_cannot_be_sent_takes_no_address():
    """The next one with the address is sent."""
    wrong, right = entries((" ", "a@example.com"), ("Ada", "a@example.com"))

    assert wrong.wrong
    assert right.request is not None


def test_people_are_in_no_repr():
    """An error that shows an entry shows nobody."""
    assert "ada" not in repr(entries(("Ada", "ada@example.com"))).lower()
