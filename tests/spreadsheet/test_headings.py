"""Headings that people write, and what is not left to a guess."""

from __future__ import annotations

import pytest

from gateway.spreadsheet.headings import Columns, HeadingError, Wanted, plain


@pytest.mark.parametrize(
    ("heading", "columns"),
    [
        ("name|email", ((0,), 1)),
        ("Email ID|Candidate Name", ((1,), 0)),
        ("candidateName|candidateEmail", ((0,), 1)),
        ("FullName|EMAIL_ADDRESS", ((0,), 1)),
        ("Name|E-Mail-Adresse", ((0,), 1)),
        ("Nom complet|Courriel", ((0,), 1)),
        ("Nombre y apellidos|Correo electrónico", ((0,), 1)),
        ("氏名|メールアドレス", ((0,), 1)),
        ("姓名|邮箱", ((0,), 1)),
        ("Name *|Email * (required)", ((0,), 1)),
        ("First Name|Last Name|Email", ((0, 1), 2)),
        ("Nachname|Vorname|E-Mail", ((1, 0), 2)),
        ("Prénom|Nom de famille|Courriel", ((0, 1), 2)),
        ("姓|名|メール", ((0, 1), 2)),
        ("Name|First Name|Last Name|Mail", ((1, 2), 3)),
        ("Full Name|First Name|Mail", ((0,), 2)),
        ("|Name||Email", ((1,), 3)),
    ],
)
def test_columns_are_found(heading, columns):
    """By words in many languages, however they are spelt."""
    cells = heading.split("|")

    assert Wanted().columns(cells) == Columns(*columns)
    assert Wanted().known(cells) == 2


@pytest.mark.parametrize(
    ("heading", "message"),
    [
        ("Name|Vorname|E-Mail", '--name-column "Vorname" --name-column "Name"'),
        ("First Name|Name|Email", '--name-column "First Name" --name-column "Name"'),
        ("name|surname|email", '--name-column "name" --name-column "surname"'),
        ("First Name|Email", 'one half of a name, and no column the other.*"First Name"'),
        ("Full Name|Candidate Name|Email", "several columns may hold names"),
        ("Given name|First name|Surname|Email", "not certain which columns"),
        ("Who|Email", 'no column is known to hold names.*The columns: "Who", "Email"'),
        ("Name|Where", "no column is known to hold e-mail addresses: name it, --email-column"),
        ("Name|Email|E-Mail", "several columns may hold e-mail addresses"),
        ("", "The columns: none"),
    ],
)
def test_what_is_not_certain_is_asked(heading, message):
    """The message has the option to paste."""
    with pytest.raises(HeadingError, match=message):
        Wanted().columns(heading.split("|"))


def test_columns_can_be_named():
    """Several of names are joined in the order given."""
    wanted = Wanted(("vorname", "NAME"), "Postfach")

    assert wanted.columns(["Name", "Vorname", "Email", "Postfach"]) == Columns((1, 0), 3)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Wanted(("Who",)), 'no column is called "Who"'),
        (Wanted(("Name",)), 'several columns are called "Name"'),
        (Wanted(("Email",), "Where"), 'no column is called "Where"'),
    ],
)
def test_named_columns_must_be_there_once(wanted, message):
    """A slip in the option is said with the columns there are."""
    with pytest.raises(HeadingError, match=message):
        wanted.columns(["Name", "Name", "Email"])


def test_plain_words():
    """Case, accents, signs and joints do not matter."""
    assert plain(" É-Mail_Adresse* (x) [y]:") == "e mail adresse"


def test_headings_are_shown_within_bounds():
    """A file that is no list may have thousands, of any length."""
    with pytest.raises(HeadingError) as caught:
        Wanted().columns(["x" * 5000, *("y",) * 5000])

    assert len(str(caught.value)) < 500
    assert "and 4971 more" in str(caught.value)
