"""`GET /tracks/<id>/applicants`: the stand-in's list of invited people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from starlette.exceptions import HTTPException

from gateway.sandbox.ledger import Accepted
from gateway.sandbox.platform import Platform

INACTIVE_TRACK = 404405
"""This track's statistics say that it is not active; inviting to it works as usual."""
PER_PAGE = 25
MOST_PER_PAGE = 200
LONGEST_NUMBER = 19
# Their values are not documented, so a request must not use them.
UNDOCUMENTED = ("stage_status", "sort_by", "sort_order", "timeframe_field")
STAGE = {"id": 1, "name": "Invited", "type": "invite", "status": "pending", "color": "#888888"}


@dataclass(frozen=True, slots=True)
class ApplicantQuery:
    """The requested applicants; `name` and `email` match any part, whatever the case."""

    page: int = 1
    per_page: int = PER_PAGE
    name: str = ""
    email: str = ""
    application_id: int | None = None
    candidate_id: int | None = None
    stage_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None

    def wants(self, accepted: Accepted, platform: Platform) -> bool:
        return (
            self.name in accepted.body.candidate_name.lower()
            and platform.finds(self.email, accepted.body.candidate_email)
            and self.application_id in (None, accepted.application_id)
            and self.candidate_id in (None, accepted.candidate_id)
            and self.stage_id in (None, STAGE["id"])
            and (self.since is None or self.since <= accepted.accepted_at)
            and (self.until is None or accepted.accepted_at <= self.until)
        )


def read_query(params: Mapping[str, str]) -> ApplicantQuery:
    """The query of a request; HTTPException 400 for a value that the upstream does not know."""
    for name in UNDOCUMENTED:
        if name in params:
            raise HTTPException(400, f"Invalid value for {name}")
    page, per_page = _number(params, "page"), _number(params, "per_page")
    if per_page is not None and per_page > MOST_PER_PAGE:
        raise HTTPException(400, "Invalid value for per_page")
    return ApplicantQuery(
        page=page or 1,
        per_page=per_page or PER_PAGE,
        name=params.get("name", "").lower(),
        email=params.get("email", ""),
        application_id=_number(params, "application_id"),
        candidate_id=_number(params, "candidate_id"),
        stage_id=_number(params, "stage_id"),
        since=_moment(params, "from_date", end_of_day=False),
        until=_moment(params, "to_date", end_of_day=True),
    )


def page_of(
    listed: Iterable[Accepted], query: ApplicantQuery, platform: Platform
) -> dict[str, object]:
    """One page of the applicants that match the query, as the reply's JSON."""
    wanted = [accepted for accepted in listed if query.wants(accepted, platform)]
    start = (query.page - 1) * query.per_page
    pages = -(-len(wanted) // query.per_page)
    shown = wanted[start : start + query.per_page]
    return {
        "data": [_applicant(accepted, platform) for accepted in shown],
        "pagination": {
            "page": query.page,
            "per_page": query.per_page,
            "total": len(wanted),
            "total_pages": pages,
            "has_next": query.page < pages,
            "has_prev": query.page > 1,
        },
    }


def details_of(accepted: Accepted, platform: Platform) -> dict[str, object]:
    """One applicant, as the reply's JSON."""
    stage = {"stage_id": STAGE["id"], "name": STAGE["name"], "type": STAGE["type"]}
    return {
        "track_id": accepted.body.track_id,
        "track_title": _title(accepted.body.track_id),
        "applicant": {**_person(accepted), **_progress(accepted, platform)},
        "current_stage": {**stage, "color": STAGE["color"]},
        "stages": [stage],
        "submitted_response": [],
        "stage_wise_report": {},
        "parsed_resume": {},
    }


def stats_of(track_id: int, listed: Iterable[Accepted]) -> dict[str, object]:
    """A track's statistics, as the reply's JSON."""
    count = sum(1 for _ in listed)
    return {
        "track_id": track_id,
        "title": _title(track_id),
        "active": track_id != INACTIVE_TRACK,
        "totals": {"by_status": {STAGE["status"]: count}},
        "stages": [{"stage_id": STAGE["id"], "name": STAGE["name"], "count": count}],
    }


def _title(track_id: int) -> str:
    return f"Track {track_id}"


def _applicant(accepted: Accepted, platform: Platform) -> dict[str, object]:
    return {
        **_person(accepted),
        "stage_id": STAGE["id"],
        "stage_name": STAGE["name"],
        "stage_type": STAGE["type"],
        **_progress(accepted, platform),
    }


def _person(accepted: Accepted) -> dict[str, object]:
    return {
        "application_id": accepted.application_id,
        "candidate_id": accepted.candidate_id,
        "name": accepted.body.candidate_name,
        "email": accepted.body.candidate_email,
    }


def _progress(accepted: Accepted, platform: Platform) -> dict[str, object]:
    added = platform.written(accepted.accepted_at)
    return {
        "stage_status": STAGE["status"],
        "score": 0,
        "date_added": added,
        "last_updated_at": added,
    }


def _number(params: Mapping[str, str], name: str) -> int | None:
    text = params.get(name)
    if text is None:
        return None
    if text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER and int(text) > 0:
        return int(text)
    raise HTTPException(400, f"Invalid value for {name}")


def _moment(params: Mapping[str, str], name: str, *, end_of_day: bool) -> datetime | None:
    """A day or a moment; a day means its first or its last instant, in UTC."""
    text = params.get(name)
    if text is None:
        return None
    try:
        moment = _day(text, end_of_day=end_of_day) or datetime.fromisoformat(text)
    except ValueError:
        raise HTTPException(400, f"Invalid value for {name}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _day(text: str, *, end_of_day: bool) -> datetime | None:
    try:
        day = datetime.combine(date.fromisoformat(text), time(tzinfo=UTC))
    except ValueError:
        return None
    # Not the next midnight, which would overflow for the last possible date.
    return day + timedelta(days=1, microseconds=-1) if end_of_day else day
