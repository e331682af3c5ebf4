"""What the platform's list of applicants proves about an invite whose outcome is unknown.

A pure function of the record, the list, the other records and the clocks. It settles only what
has no other explanation; else it gives the doubt that is left.

    the candidate, in the list                        | finding
    --------------------------------------------------|----------------------------------------
    listed, as the application of another record      | OTHER_RECORD
    listed, without a readable date                   | UNDATED
    listed, the latest possible moment of its date    | EARLIER
      before the first attempt                        |
    listed, its date may be before the first attempt  | UNCLEAR_DATE
      or after it, or is yet to come                  |
    listed, the earliest possible moment of its date  | RIVALS if another record in doubt may have
      not before the first attempt                    |   caused the entry, else INVITED, with it
    not listed, but the list was not read as a whole  | UNREADABLE
    not listed, for the first time                    | NOT_LISTED: noted with both clocks
    not listed, and the quiet period since then has   | NOT_LISTED
      not passed on both clocks                       |
    not listed at a later look, and neither the       | NO_WITNESS
      operator nor a witness vouches for the list     |
    not listed at a later look of a list that is      | NOT INVITED
      vouched for                                     |

A witness is an invite of ours on the same track that was listed as soon as it was made, before its
response was sent, so that the candidate could not have acted on it; and it is in the same list from
which this candidate is missing. There is none if a later invite on the track was looked up in the
same way and was not listed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeAlias

from gateway.invites.dates import span_of
from gateway.invites.doubt import Doubt
from gateway.invites.record import State
from gateway.invites.stored_result import application_id_in
from gateway.upstream.wire import Applicant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from gateway.invites.clocks import Moment
    from gateway.invites.record import Record


# Where entries leave several doubts, the first of these is kept, for a person to look into.
_WORST_FIRST: Final = (Doubt.UNDATED, Doubt.UNCLEAR_DATE, Doubt.EARLIER, Doubt.OTHER_RECORD)

# Less than any difference between two time zones.
_UNEVEN_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Rules:
    """The operator's settings for evidence."""

    quiet_seconds: float
    list_shows_invited: bool = False
    time_zone: tzinfo | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that one look-up has to weigh about one invite in doubt.

    `entries` are the entries with the candidate's address, `listed` the ids of all applications
    in the list; `whole` says that the list was read completely. `offsets` are the least and the
    most seconds by which the platform's clock was ahead of ours at the first attempt. `others`
    are the other records of the same person and track; `witnesses` are invites on the track that
    were looked up just after they were made, the latest first.
    """

    record: Record
    now: Moment
    entries: Sequence[Applicant] = ()
    listed: frozenset[str] = field(default_factory=frozenset)
    whole: bool = False
    offsets: tuple[float, float] = (0.0, 0.0)
    others: Sequence[Record] = ()
    witnesses: Sequence[Record] = ()


class NotInvited(Enum):
    """Proof that the candidate was not invited."""

    PROVED = "proved"


Finding: TypeAlias = Applicant | NotInvited | Doubt
"""Invited, with the application; not invited; or why neither is proved."""


def weigh(case: Case, rules: Rules) -> Finding:
    """What the case proves."""
    return _weigh_presence(case, rules) if case.entries else _weigh_absence(case, rules)


def _weigh_presence(case: Case, rules: Rules) -> Finding:
    taken = {application_id_in(other.answer) for other in case.others}
    doubts: set[Doubt] = set()
    ours: list[tuple[float, Applicant]] = []
    for entry in case.entries:
        finding = _weigh_entry(entry, case, rules, taken)
        if isinstance(finding, Doubt):
            doubts.add(finding)
        else:
            ours.append((finding, entry))
    if not ours:
        return next(doubt for doubt in _WORST_FIRST if doubt in doubts)
    latest, entry = min(ours, key=lambda one: one[0])
    if any(_may_have_caused(other, latest - case.offsets[0]) for other in case.others):
        return Doubt.RIVALS
    return entry


def _weigh_entry(
    entry: Applicant, case: Case, rules: Rules, taken: set[str | None]
) -> float | Doubt:
    """The latest moment at which the entry may have been made, or why it may not be ours."""
    if entry.application_id in taken:
        return Doubt.OTHER_RECORD
    span = span_of(entry.date_added, zone=rules.time_zone)
    if span is None:
        return Doubt.UNDATED
    # On the platform's clock.
    at_least, at_most = (case.record.first_sent_at + offset for offset in case.offsets)
    if span.latest <= at_least:
        return Doubt.EARLIER
    # A date yet to come means that its zone is wrong: it may be hours older.
    is_past = span.earliest <= case.now.wall + case.offsets[1] + _UNEVEN_SECONDS
    return span.latest if is_past and span.is_after(at_most) else Doubt.UNCLEAR_DATE


def _may_have_caused(other: Record, latest: float) -> bool:
    """Whether an entry that was made by `latest` may be that record's invite."""
    is_open = other.state in (State.SENDING, State.UNKNOWN)
    invited_without_id = other.state is State.INVITED and application_id_in(other.answer) is None
    return (is_open or invited_without_id) and other.first_sent_at <= latest


def _weigh_absence(case: Case, rules: Rules) -> Finding:
    if not case.whole:
        return Doubt.UNREADABLE
    if not _is_quiet(case, rules.quiet_seconds):
        return Doubt.NOT_LISTED
    if rules.list_shows_invited or _has_witness(case):
        return NotInvited.PROVED
    return Doubt.NO_WITNESS


def _is_quiet(case: Case, seconds: float) -> bool:
    """The quiet period since the first look has passed, on both clocks."""
    absent = case.record.absent
    return absent is not None and case.now.has_passed(seconds, since=absent)


def _has_witness(case: Case) -> bool:
    for witness in case.witnesses:
        if not witness.witness:
            return False
        if application_id_in(witness.answer) in case.listed:
            return True
    return False
