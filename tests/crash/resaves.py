"""What people and spreadsheet programs do to lists and results between two runs."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable, Mapping
from pathlib import Path

Rows = list[list[str]]


def read(path: Path) -> Rows:
    """The rows as the command wrote them."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def text_of(rows: Rows, separator: str = ",") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows(rows)
    return text.getvalue()


def excel_drops_cells(rows: Rows, _: random.Random) -> bytes:
    """From the 17th row on, empty cells at the end are gone."""
    lines = text_of(rows).splitlines()
    return "\r\n".join([*lines[:16], *(line.rstrip(",") for line in lines[16:])]).encode()


def excel_in_one_column(rows: Rows, _: random.Random) -> bytes:
    """Opened where the separator is a semicolon, each row is one cell."""
    lines = ([line] for line in text_of(rows).splitlines())
    return text_of(list(lines), ";").encode("utf-8-sig")


def excel_with_semicolons(rows: Rows, _: random.Random) -> bytes:
    return ("sep=;\r\n" + text_of(rows, ";")).encode("utf-8-sig")


def excel_as_unicode_text(rows: Rows, _: random.Random) -> bytes:
    return text_of(rows, "\t").encode("utf-16")


def numbers_spoilt(rows: Rows, _: random.Random) -> bytes:
    """Grouped digits, or powers of ten."""
    track = rows[0].index("track")
    shown = ("6,578", "6.58E+03", "6578.0")
    for number, row in enumerate(rows[1:]):
        row[track] = shown[number % len(shown)]
    return text_of(rows).encode()


def words_capitalised(rows: Rows, _: random.Random) -> bytes:
    status = rows[0].index("status")
    for row in rows[1:]:
        row[status] = row[status].capitalize()
    return text_of(rows).encode()


def notes_added(rows: Rows, chance: random.Random) -> bytes:
    """A column before, one behind, and a title."""
    noted = [[chance.choice(["", "called"]), *row, "x"] for row in rows]
    noted[0][0], noted[0][-1] = "Notes", "done"
    return text_of([["Sent by Eve"], [], *noted]).encode()


def columns_moved(rows: Rows, chance: random.Random) -> bytes:
    places = [*range(len(rows[0]))]
    chance.shuffle(places)
    return text_of([[row[place] for place in places] for row in rows]).encode()


def rows_sorted(rows: Rows, _: random.Random) -> bytes:
    return text_of([rows[0], *sorted(rows[1:], key=lambda row: row[1])]).encode()


RESAVES: Mapping[str, Callable[[Rows, random.Random], bytes]] = {
    one.__name__: one
    for one in (
        excel_drops_cells,
        excel_in_one_column,
        excel_with_semicolons,
        excel_as_unicode_text,
        numbers_spoilt,
        words_capitalised,
        notes_added,
        columns_moved,
        rows_sorted,
    )
}


class People:
    """The list, as somebody goes on editing it."""

    def __init__(self, kinds: list[str], *, number: int, chance: random.Random) -> None:
        self._chance = chance
        self._rows = [
            [f"Person {place}", f"{kind}+{number}-{place}@example.com"]
            for place, kind in enumerate(kinds)
        ]
        self._typos = set(chance.sample(range(len(kinds)), len(kinds) // 50))

    @property
    def addresses(self) -> list[str]:
        """Everybody's, in the order of the list, however they are spelt there."""
        return [row[1].lower() for row in self._rows]

    @property
    def unsendable(self) -> set[str]:
        return {self._rows[place][1].lower() for place in self._typos}

    def edit(self) -> str:
        """Change something, and say what."""
        what = self._chance.choice(["names", "case", "order", "typos", "nothing"])
        if what == "names":
            for row in self._rows:
                row[0] = row[0].swapcase()
        elif what == "case":
            for row in self._rows:
                row[1] = row[1].upper() if self._chance.random() < 0.5 else row[1].lower()
        elif what == "typos":
            self._typos.clear()
        elif what == "order":
            self._shuffle()
        return what

    def _shuffle(self) -> None:
        wrong = {self._rows[place][1] for place in self._typos}
        self._chance.shuffle(self._rows)
        self._typos = {place for place, row in enumerate(self._rows) if row[1] in wrong}

    def write(self, path: Path) -> None:
        rows = [
            [name, email.replace(".", ",") if place in self._typos else email]
            for place, (name, email) in enumerate(self._rows)
        ]
        path.write_text(text_of([["name", "email"], *rows]), "utf-8")
