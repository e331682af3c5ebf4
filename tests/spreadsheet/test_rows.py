"""Each row has one status, in memory and in the results file."""

from __future__ import annotations

import csv

from gateway.invites.models import InviteOutcome
from gateway.spreadsheet.candidates import read_candidates
from gateway.spreadsheet.invite_list import Sheet
from gateway.spreadsheet.results import ResultsFile
from gateway.spreadsheet.rows import Rows
from gateway.spreadsheet.standing import NOT_YET, Standing, not_invited


def test_a_repeated_row_shares_the_status(tmp_path):
    """A row is done once its status is final, and the file has it after the next write."""
    people, path = tmp_path / "people.csv", tmp_path / "results.csv"
    people.write_text("name,email\nAda,ada@example.com\nBob,bob@example.com\nada,ADA@example.com\n")
    results = ResultsFile(path, track="6578", format_="get-link", locks=tmp_path)
    rows = Rows(Sheet(read_candidates(people), "6578", "get-link", "platform"), results)
    ada, bob, _ = rows.entries
    for entry in (ada, bob):
        rows.put(entry, not_invited(NOT_YET))
    rows.begin()

    rows.put(ada, Standing(InviteOutcome.INVITED, link="https://x.example/1"))
    results.write()

    assert rows.done == 2
    assert [line for line, _ in rows.by_line()] == [2, 3, 4]
    with path.open(encoding="utf-8-sig", newline="") as file:
        statuses = [(row["status"], row["link"]) for row in csv.DictReader(file)]
    invited = ("invited", "https://x.example/1")
    assert statuses == [invited, ("not invited", ""), invited]
