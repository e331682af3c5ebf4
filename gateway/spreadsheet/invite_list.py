"""The input of `gateway invite`: whom to invite to which track, and which rows are invalid."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gateway.invites.inputs import InviteDraft, check, lowercased
from gateway.invites.models import InputIssue, InviteRequest
from gateway.spreadsheet.candidates import Candidate, CandidatesFile
from gateway.spreadsheet.cleaning import shown
from gateway.spreadsheet.report import FORMATS, Result, check_no_other, held, read_report

_COLUMNS: Final = {"candidate_name": "name", "candidate_email": "e-mail"}
# Records are kept by person here, but the core requires a key: any constant will do.
_KEY: Final = "person"


@dataclass(slots=True, eq=False, repr=False)
class Entry:
    """A row of the list. `request` is None if the row cannot be sent; `wrong` says why.

    `same` are rows that repeat this one exactly, and share its result.
    """

    place: int
    candidate: Candidate
    request: InviteRequest | None = None
    wrong: str = ""
    same: list[Entry] = field(default_factory=list)

    @property
    def address(self) -> str:
        """The same for every spelling; empty if the row cannot be sent."""
        return "" if self.request is None else lowercased(self.request.candidate_email)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A list together with the track, the format and the account of its invites."""

    file: CandidatesFile
    track: str
    format: str
    account: str

    def entries(self) -> list[Entry]:
        """All rows; one that repeats an earlier row is also in that row's `same`."""
        first: dict[str, Entry] = {}
        return [self._entry(place, one, first) for place, one in enumerate(self.file.candidates)]

    def reported(self, path: Path) -> dict[str, Result]:
        """The people who may be invited according to earlier results, by address.

        Those results are in the file at `path`, and in the list if it is such a file.
        Raises ReportError.
        """
        file, about = self.file, {"track": self.track, "format_": self.format}
        found: dict[str, Result] = {}
        if path.resolve() != file.path.resolve():
            report = read_report(path, file.wanted, encoding=file.form.encoding)
            check_no_other(report, path=path, **about)
            found = held(report, path=path, **about)
        return found | held(file.results, path=file.path, **about)

    def _entry(self, place: int, candidate: Candidate, first: dict[str, Entry]) -> Entry:
        entry = Entry(place, candidate, wrong=candidate.problem or "")
        checked = check(
            InviteDraft(candidate.name, candidate.email, self.track, FORMATS[self.format], _KEY)
        )
        if not isinstance(checked, InviteRequest):
            issues = "; ".join(_problem(issue, candidate) for issue in checked)
            entry.wrong = entry.wrong or issues
            return entry
        if entry.wrong:
            return entry
        earlier = first.setdefault(lowercased(checked.candidate_email), entry)
        if earlier is entry:
            entry.request = checked
        elif _is_same(earlier, checked):
            earlier.same.append(entry)
        else:
            entry.wrong = (
                f"row {earlier.candidate.line} has the same address with another name; of the two"
                " only that one can be invited"
            )
        return entry


def _is_same(earlier: Entry, request: InviteRequest) -> bool:
    name = "" if earlier.request is None else earlier.request.candidate_name
    return name.casefold().split() == request.candidate_name.casefold().split()


def _problem(issue: InputIssue, candidate: Candidate) -> str:
    """The error, with the column and the cell's text."""
    cells = {"candidate_name": candidate.name, "candidate_email": candidate.email_cell}
    cell = cells.get(issue.field, "")
    column = _COLUMNS.get(issue.field, issue.field)
    there = f" {shown(cell)}" if cell.strip() else ""
    return f"{column}{there}: {issue.message}"
