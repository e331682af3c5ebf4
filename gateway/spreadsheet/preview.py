"""Describes what a run would do, for the person who is about to start it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gateway.spreadsheet.candidates import Candidate, CandidatesFile
from gateway.spreadsheet.encoding import UTF_8
from gateway.spreadsheet.invite_list import Entry
from gateway.spreadsheet.plan import Plan

_FIRST = 5
_MOST_FOREIGN = 20
_MOST_WRONG = 50


def description(file: CandidatesFile) -> Iterator[str]:
    """How the file was read."""
    rows = len(file.candidates)
    yield f"{file.path}: {counted(rows, 'row')} below the heading in row {file.heading_row}"
    if file.sheet is not None:
        yield f'  sheet   "{file.sheet}"'
    else:
        guess = ", guessed: look at the names" if file.is_guessed else ""
        yield f"  read as {'UTF-8' if file.form.encoding == UTF_8 else file.form.encoding}{guess}"
    yield f"  name    {' + '.join(map(_quoted, file.names))}"
    yield f"  e-mail  {_quoted(file.email)}"


def people(file: CandidatesFile) -> Iterator[str]:
    """The first people, and others whose names would show a wrong encoding."""
    first, rest = file.candidates[:_FIRST], file.candidates[_FIRST:]
    yield from map(_person, first)
    if rest:
        yield f"  … and {counted(len(rest), 'row')} more"
    foreign = [one for one in rest if not one.name.isascii()]
    if foreign:
        yield "Further names with other letters than A to Z:"
        yield from map(_person, foreign[:_MOST_FOREIGN])
        if len(foreign) > _MOST_FOREIGN:
            yield f"  … and {len(foreign) - _MOST_FOREIGN} more"


def wrong(entries: Sequence[Entry]) -> Iterator[str]:
    """The rows that cannot be sent, and why."""
    if entries:
        yield "Cannot be sent:"
        yield from (f"  row {one.candidate.line}: {one.wrong}" for one in entries[:_MOST_WRONG])
        if len(entries) > _MOST_WRONG:
            yield f"  … and {len(entries) - _MOST_WRONG} more"


def totals(plan: Plan, *, format_: str) -> str:
    """The number of people of each kind, except zeros."""
    would = "would be e-mailed" if format_ == "send-link" else "would get a link"
    counts = [f"{counted(len(plan.to_send), 'person', 'people')} {would}", *others(plan)]
    return ", ".join(counts) + "."


def others(plan: Plan) -> Iterator[str]:
    """The number of people of each kind that is not sent now."""
    repeated = sum(len(entry.same) for entry in plan.to_send)
    kinds = (
        (len(plan.invited), "invited already"),
        (len(plan.open), "being sent by another run"),
        (len(plan.doubtful), "in doubt: nothing is sent to them"),
        (len(plan.held), "held back by the results of an earlier run"),
        (len(plan.later), "left for later by --limit"),
        (len(plan.wrong), "cannot be sent"),
        (repeated, "the same row again"),
    )
    return (f"{count} {kind}" for count, kind in kinds if count)


def counted(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


def _person(candidate: Candidate) -> str:
    name = candidate.name or "(no name)"
    return f"  row {candidate.line}  {name} <{candidate.email}>"


def _quoted(heading: str) -> str:
    return f'"{heading}"'
