"""Validation of what a caller asks to read, complete before any call to the upstream."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from gateway.applications.models import ApplicationKey
from gateway.invites.inputs import LONGEST_EMAIL, LONGEST_NAME, id_problem, name_problem, trimmed
from gateway.invites.models import InputIssue
from gateway.upstream.columns import LONGEST_REFERENCE, is_reference

LARGEST_FIRST = 200
"""The largest page of the upstream."""
FIRST = 25
# Far beyond the end of any list.
_LAST_POSITION = 10**9


@dataclass(frozen=True, slots=True)
class ListDraft:
    """A request for part of a track's list as the caller wrote it, unchecked.

    `narrowed` holds the filters that were given, under the upstream's names: `name`, `email`,
    `candidate_id`, `application_id`, `stage_id`, `from_date` and `to_date`.
    """

    track_id: str
    first: int = FIRST
    after: str | None = None
    narrowed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ListRequest:
    """A checked request for `first` applications from position `start` on, counted from 0.

    With a `first` of 0 only facts about the whole list are wanted.
    """

    track_id: int
    start: int
    first: int
    narrowed: dict[str, str]


def check_list(draft: ListDraft) -> ListRequest | tuple[InputIssue, ...]:
    """The checked request, or all of its issues; no issue quotes the input."""
    # An empty search box is no filter.
    narrowed = {name: kept for name, text in draft.narrowed.items() if (kept := trimmed(text))}
    start = 0 if draft.after is None else start_after(draft.after)
    issues = tuple(_issues(draft, start, narrowed))
    if issues or start is None:
        return issues
    return ListRequest(int(draft.track_id), start, draft.first, narrowed)


def check_key(track_id: str, application_id: str) -> ApplicationKey | tuple[InputIssue, ...]:
    """Both ids as numbers, or their issues."""
    given = {"track_id": track_id, "application_id": application_id}
    problems = {name: id_problem(text) for name, text in given.items()}
    issues = tuple(InputIssue(name, problem) for name, problem in problems.items() if problem)
    return issues or ApplicationKey(int(track_id), int(application_id))


def cursor_at(position: int) -> str:
    """The cursor of the application at this position of a list."""
    return base64.urlsafe_b64encode(b"at:%d" % position).decode().rstrip("=")


def start_after(cursor: str) -> int | None:
    """The position after the cursor's, or None if `cursor_at` did not make it."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (ValueError, binascii.Error):
        return None
    position = text.removeprefix(b"at:")
    if not position.isdigit() or len(position) > len(str(_LAST_POSITION)):
        return None
    # Only the exact spelling of `cursor_at` is valid.
    return int(position) + 1 if cursor_at(int(position)) == cursor else None


def _issues(draft: ListDraft, start: int | None, narrowed: dict[str, str]) -> Iterator[InputIssue]:
    if problem := id_problem(draft.track_id):
        yield InputIssue("track_id", problem)
    if not 0 <= draft.first <= LARGEST_FIRST:
        yield InputIssue("first", f"Must be 0 to {LARGEST_FIRST}.")
    if start is None:
        yield InputIssue("after", "Must be a cursor that this gateway has given.")
    for name, text in narrowed.items():
        if problem := _filter_problem(name, text):
            yield InputIssue(f"filter.{name}", problem)


def _filter_problem(name: str, text: str) -> str | None:
    match name:
        case "name":
            return name_problem(text, longest=LONGEST_NAME)
        case "email":
            return name_problem(text, longest=LONGEST_EMAIL)
        case "application_id":
            return id_problem(text)
        case "from_date" | "to_date":
            return None if _is_day(text) else "Must be a day, such as 2026-11-23."
    if is_reference(text):
        return None
    return f"Must be 1 to {LONGEST_REFERENCE} printable ASCII characters."


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
