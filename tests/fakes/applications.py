"""A track's applications as the upstream tells of them, and what else it may answer."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.applications.inputs import ListRequest
from gateway.applications.reader import Reader
from gateway.applications.reads import Reads
from gateway.invites.admission import Admission
from gateway.invites.deadline import within
from gateway.invites.outcomes import Verdict
from gateway.invites.retries import RetryPolicy
from gateway.upstream.call import Call, Route
from gateway.upstream.wire import Exchange, Fault, NoReply, Reply
from tests.fakes.calls import asked

TRACK = 6578
AT_ONCE = RetryPolicy(chance=lambda: 0.0, after=frozenset(Verdict))


def entry(number: int, /, **changed: object) -> dict[str, object]:
    """One entry of the list, with all that is documented of it."""
    given: dict[str, object] = {
        "application_id": number,
        "candidate_id": 70_000 + number,
        "name": f"Candidate {number}",
        "email": f"c{number}@example.com",
        "stage_id": 3,
        "stage_name": "Interview",
        "stage_type": "interview",
        "stage_status": "pending",
        "score": 71.5,
        "date_added": "2026-11-20",
        "last_updated_at": "2026-11-23",
    }
    return given | changed


def listed(*entries: object, **pagination: object) -> dict[str, object]:
    """One page of the list."""
    return {"data": list(entries), "pagination": {"has_next": False} | pagination}


def details(number: int = 7, /, **changed: object) -> dict[str, object]:
    """What the read of one application answers."""
    given: dict[str, object] = {
        "track_id": TRACK,
        "track_title": "Backend",
        "applicant": {k: v for k, v in entry(number).items() if "stage_" not in k},
        "current_stage": {"stage_id": 3, "name": "Interview", "type": "t", "color": "#123456"},
        "stages": [{"stage_id": 3, "name": "Interview", "type": "t"}],
        "submitted_response": [{"label": "Why?", "value": "Because."}],
        "stage_wise_report": {"3": {"passed": True}},
        "parsed_resume": {"skills": ["COBOL"]},
    }
    return given | changed


def stats(count: int = 9, /, **changed: object) -> dict[str, object]:
    """What the read of a track answers."""
    given: dict[str, object] = {
        "title": "Backend",
        "active": True,
        "totals": {"by_status": {"pending": count}},
    }
    return given | changed


def answered(body: object, status: int = 200, **facts: Any) -> Reply:
    return Reply(status, json.dumps(body).encode(), **facts)


@dataclass
class FakeTrack:
    """Lists `size` applications and knows each; `answers` come first, one for each call."""

    size: int = 0
    answers: deque[Exchange] = field(default_factory=deque)
    queries: list[dict[str, str]] = field(default_factory=list)
    asked_for: list[int] = field(default_factory=list)
    api_keys: list[str | None] = field(default_factory=list)
    timeouts: list[float] = field(default_factory=list)
    new_keys: int = 0
    free: asyncio.Event = field(default_factory=asyncio.Event)
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    under_way: int = 0
    most_under_way: int = 0

    def __post_init__(self) -> None:
        self.free.set()

    @property
    def calls(self) -> int:
        return len(self.timeouts)

    async def send(self, call: Call) -> Exchange:
        if call.body is not None:
            return NoReply(Fault.OTHER, possibly_sent=False)
        if call.route is Route.STATS:
            return await self._answer(answered(stats(self.size)), call)
        _, application_id, query = asked(call)
        if application_id is None:
            self.queries.append(query)
            return await self._answer(self._page(query), call)
        self.asked_for.append(application_id)
        known = 0 < application_id <= self.size
        missing = Reply(404, b'{"error": "Applicant not found"}')
        return await self._answer(answered(details(application_id)) if known else missing, call)

    def reread_api_key(self) -> bool:
        self.new_keys -= 1
        return self.new_keys >= 0

    async def aclose(self) -> None: ...

    def _page(self, query: Mapping[str, str]) -> Reply:
        page, size = int(query["page"]), int(query["per_page"])
        found = range(1, self.size + 1)[(page - 1) * size : page * size]
        facts = {"page": page, "per_page": size, "total": self.size}
        return answered(listed(*map(entry, found), has_next=page * size < self.size, **facts))

    async def _answer(self, usual: Reply, call: Call) -> Exchange:
        self.timeouts.append(call.timeout_seconds)
        self.api_keys.append(call.api_key)
        self.under_way += 1
        self.reached.set()
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await self.free.wait()
            await asyncio.sleep(0)
        finally:
            self.under_way -= 1
        return self.answers.popleft() if self.answers else usual


def a_reader(upstream: Any, **options: Any) -> Reader:
    options.setdefault("admission", Admission(16, queue=64, max_wait_seconds=30))
    options.setdefault("policy", AT_ONCE)
    options.setdefault("timeout_seconds", 10)
    return Reader(upstream, **options)


def some_reads(upstream: Any, *, most: int = 30, seconds: float = 20, **options: Any) -> Reads:
    return Reads(a_reader(upstream), most=most, deadline=within(seconds), **options)


def a_request(start: int = 0, first: int = 10) -> ListRequest:
    return ListRequest(TRACK, start, first, {})
