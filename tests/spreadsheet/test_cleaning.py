"""Cells as they were meant."""

from __future__ import annotations

import pytest

from gateway.spreadsheet.cleaning import (
    cleaned_email,
    cleaned_name,
    escaped,
    is_formula_error,
    shortened,
    shown,
    unescaped,
)

ADA = "ada@example.com"


@pytest.mark.parametrize(
    "cell",
    [
        ADA,
        f" {ADA} ",
        f"{ADA}\u200b",
        f"\ufeff{ADA}",
        f"\u200e{ADA}",
        f"\u00a0{ADA}\n",
        f"Ada <{ADA}>",
        f'"King, Ada" < {ADA} >;',
        f"<{ADA}>",
        f"mailto:{ADA}",
        f"MAILTO: {ADA}?subject=Hi",
        f"{ADA};",
        f"{ADA},",
        f"'{ADA}",
    ],
    ids=ascii,
)
def test_addresses_as_people_paste_them(cell):
    """What is around an address is no part of it."""
    assert cleaned_email(cell) == ADA


@pytest.mark.parametrize("cell", ["a@x.com; b@x.com", "Ada", "A <a@x.com> <b@x.com>", ""])
def test_what_is_no_single_address_stays(cell):
    """It is refused later, as it stands."""
    assert cleaned_email(cell) == cell


@pytest.mark.parametrize(
    ("cell", "is_marked", "name"),
    [
        (" Ada\u00a0King\u200b", False, "Ada King"),
        ("'t Hooft", False, "'t Hooft"),
        ("'Ada", True, "Ada"),
        ("Ada", True, "Ada"),
        ("مریم\u200cالسادات", False, "مریم\u200cالسادات"),
    ],
    ids=ascii,
)
def test_names(cell, is_marked, name):
    """Only their ends are touched, and an apostrophe only where the whole row has one."""
    assert cleaned_name(cell, is_marked=is_marked) == name


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "'=1", "''+1"])
def test_no_cell_is_a_formula(cell):
    """What a spreadsheet would compute is text there, and the same cell when it is read again."""
    assert escaped(cell) == f"'{cell}"
    assert unescaped(escaped(cell)) == cell


@pytest.mark.parametrize("cell", ["'t Hooft", "a=b", "'", "", "Ada"])
def test_other_cells_are_as_they_are(cell):
    """A sign is put before a formula alone."""
    assert escaped(cell) == unescaped(cell) == cell


def test_what_cannot_be_seen_is_shown():
    """A person finds the sign that is wrong."""
    assert shown("a\u200bé b") == '"a[U+200B]é b"'


@pytest.mark.parametrize(
    ("cell", "is_error"),
    [
        *((cell, True) for cell in ("#N/A", "#NV", " #REF! ", "#NAME?", "#DIV/0!", "#BEZUG!")),
        *((cell, True) for cell in ("#VALUE!", "#¿NOMBRE?", "Err:502")),
        *((cell, False) for cell in ("Ada", "#1 Ada", "# Ada", "Null", "Errol", "#", "")),
    ],
)
def test_what_a_failed_formula_leaves(cell, is_error):
    """Nobody is called that."""
    assert is_formula_error(cell) is is_error


def test_long_cells_are_shortened():
    """Short ones stay whole."""
    assert shortened("x" * 60) == "x" * 60
    assert shortened("x" * 61) == "x" * 60 + "…"
