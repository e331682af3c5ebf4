"""The status of each row of a list, in memory and in its results file."""

from __future__ import annotations

from gateway.invites.models import InviteResult
from gateway.spreadsheet.invite_list import Entry, Sheet
from gateway.spreadsheet.results import ResultsFile
from gateway.spreadsheet.standing import NOT_YET, ON_ITS_WAY, Standing, standing_of


class Rows:
    """The rows of `sheet`; from `begin` on, the results file has what is put at its next write.

    `standings` are by an entry's place. A row that repeats another has its standing.
    """

    def __init__(self, sheet: Sheet, results: ResultsFile) -> None:
        self.entries = sheet.entries()
        self.of_address = {entry.address: entry for entry in self.entries if entry.address}
        self.standings: dict[int, Standing] = {}
        self.wants_links = sheet.format == "get-link"
        self._file = sheet.file
        self._results = results

    def begin(self) -> None:
        """Write all rows, each of which has a standing by now. Raises ResultsFileError."""
        rows = [(one.candidate.cells, self.standings[one.place]) for one in self.entries]
        self._results.begin(self._file.form, self._file.heading, rows)

    def put(self, entry: Entry, standing: Standing) -> None:
        for one in (entry, *entry.same):
            self.standings[one.place] = standing
            if self._results.has_begun:
                self._results.put(one.place, standing)

    def put_result(self, entry: Entry, result: InviteResult) -> None:
        self.put(entry, self.standing_of(result))

    def standing_of(self, result: InviteResult) -> Standing:
        return standing_of(result, wants_link=self.wants_links)

    @property
    def done(self) -> int:
        """The number of rows that are finished."""
        unfinished = (NOT_YET, ON_ITS_WAY)
        return sum(one.reason not in unfinished for one in self.standings.values())

    def by_line(self) -> list[tuple[int, Standing]]:
        """The standings so far, each with its row's number in the list."""
        return [
            (entry.candidate.line, self.standings[entry.place])
            for entry in self.entries
            if entry.place in self.standings
        ]
