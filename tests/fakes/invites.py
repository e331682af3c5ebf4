"""An upstream, a store and a clock that do what a test says."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, TypeVar

from gateway.invites.admission import Admission
from gateway.invites.clocks import Moment
from gateway.invites.deadline import within
from gateway.invites.evidence import Rules
from gateway.invites.identity import HASH_BYTES
from gateway.invites.keyed import KeyedInviter
from gateway.invites.models import Origin
from gateway.invites.read_back import ReadBack
from gateway.invites.reconciler import Reconciler
from gateway.invites.record import Record, State, in_doubt
from gateway.invites.records import Records
from gateway.invites.retries import RetryPolicy
from gateway.invites.sender import Sender
from gateway.invites.store import StoreUnavailableError
from gateway.invites.stored_result import FINAL_REFUSALS
from gateway.invites.witness import WitnessLooks
from gateway.upstream.wire import Exchange, Fault, NoReply, Reply
from tests.fakes.calls import asked
from tests.fakes.records import LEASE_SECONDS, NOW, SECRET, a_request

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from gateway.invites.models import InviteErrorCode, InviteRequest
    from gateway.upstream.call import Call

QUIET_SECONDS = 30.0
RULES = Rules(QUIET_SECONDS)
AT_ONCE = RetryPolicy(chance=lambda: 0.0)
Answer = TypeVar("Answer")


@dataclass
class Clock:
    """Clocks on which time passes when a test says so.

    `now` is the true time, on which both run; `wall_ahead` is what the wall clock was set forward.
    """

    now: float = NOW
    wall_ahead: float = 0.0
    boot: str = "this machine"

    def __call__(self) -> Moment:
        return Moment(self.now + self.wall_ahead, self.now - NOW + 1000, self.boot)


@dataclass(frozen=True)
class Act:
    """What the upstream does with one POST: `reply` None means its usual answer."""

    reply: Exchange | None = None
    invites: bool = True
    late_seconds: float = 0.0


class CrashError(BaseException):
    """The process is gone: nothing catches this but the test."""


INVITES = Act()
ACTS_LATE = Act(NoReply(Fault.READ_TIMEOUT, possibly_sent=True), late_seconds=QUIET_SECONDS / 3)
LOSES_THE_REPLY = Act(NoReply(Fault.READ_TIMEOUT, possibly_sent=True))
DIES_BEFORE_IT_ACTS = Act(NoReply(Fault.READ, possibly_sent=True), invites=False)
UNREACHABLE = Act(NoReply(Fault.CONNECT, possibly_sent=False), invites=False)
CUTS_THE_BODY = Act(Reply(201, b'{"applic', body_complete=False))


def answers(status: int, body: bytes = b'{"error": "no"}', **facts: Any) -> Act:
    return Act(Reply(status, body, **facts), invites=False)


NO_TRACK = answers(404, b'{"error": "No such track"}')


def crash_at(crashes: set[str], point: str) -> None:
    if point in crashes:
        crashes.clear()
        raise CrashError(point)


class FakeUpstream:
    """Invites whoever it is told to, once for each POST, and lists them."""

    def __init__(self, clock: Clock) -> None:
        self.acts: deque[Act] = deque()
        self.invited: list[dict[str, Any]] = []
        self.posts: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.api_keys: list[str | None] = []
        self.timeouts: list[float] = []
        self.free = asyncio.Event()
        self.free.set()
        self.reached = asyncio.Event()
        self.list_free = asyncio.Event()
        self.list_free.set()
        self.listed_from = 0.0
        self.listed_after_seconds = 0.0
        self.lists_a_person_once = False
        self.clock_ahead = 0.0
        self.filter_misses = False
        self.tells_zones = True
        self.opened: set[int] | None = None
        """The applications whose invite was opened, if only those are listed."""
        self.list_reply: Reply | NoReply | None = None
        self.looks = 0
        self.crashes: set[str] = set()
        self.new_keys = 0
        self._clock = clock

    async def send(self, call: Call) -> Exchange:
        if call.body is not None:
            return await self._invite(call, call.body)
        track_id, application_id, query = asked(call)
        return Reply(404) if application_id else await self._list(track_id, query)

    async def _invite(self, call: Call, body: bytes) -> Exchange:
        crash_at(self.crashes, "send")
        act = self.acts.popleft() if self.acts else INVITES
        sent = json.loads(body)
        self.posts.append(sent)
        self.keys.append(call.idempotency_key)
        self.api_keys.append(call.api_key)
        self.timeouts.append(call.timeout_seconds)
        entry: dict[str, Any] = {}
        if act.invites:
            entry = self._accept(sent, self._clock.now + act.late_seconds)
            entry["key"] = call.idempotency_key
        crash_at(self.crashes, "sent")
        self.reached.set()
        await self.free.wait()
        crash_at(self.crashes, "reply")
        return act.reply or Reply(201, json.dumps(entry).encode())

    async def _list(self, track_id: int, query: Mapping[str, str]) -> Exchange:
        self.looks += 1
        await self.list_free.wait()
        if self.list_reply is not None:
            return self.list_reply
        found = [entry for entry in self.invited if self._lists(entry, track_id, query)]
        size, page = int(query["per_page"]), int(query["page"])
        data = found[(page - 1) * size : page * size]
        more = page * size < len(found)
        pagination = {"has_next": more, "total": len(found)}
        body = json.dumps({"data": data, "pagination": pagination}).encode()
        return Reply(200, body, date=format_datetime(self.date(), usegmt=True))

    def date(self) -> datetime:
        """What the platform's own clock says."""
        return datetime.fromtimestamp(self._clock.now + self.clock_ahead, UTC)

    def reread_api_key(self) -> bool:
        self.new_keys -= 1
        return self.new_keys >= 0

    async def aclose(self) -> None:
        return

    def invites_of(self, email: str) -> int:
        return Counter(entry["email"] for entry in self.invited)[email]

    def add(self, email: str, *, track_id: int = 6578, at: float | None = None) -> dict[str, Any]:
        """Somebody else's applicant."""
        entry: dict[str, Any] = {
            "application_id": 1000 + len(self.invited),
            "email": email,
            "name": "Somebody",
            "track_id": track_id,
            "at": self._clock.now if at is None else at,
        }
        if self.lists_a_person_once:
            entry["application_id"] = self._first_of(entry).get(
                "application_id", entry["application_id"]
            )
        text = _text(entry["at"] + self.clock_ahead)
        entry["date_added"] = text if self.tells_zones else text.removesuffix("+00:00")
        self.invited.append(entry)
        return entry

    def _accept(self, sent: dict[str, Any], at: float) -> dict[str, Any]:
        entry = self.add(sent["candidate_email"], track_id=sent["track_id"], at=at)
        entry |= {
            "name": sent["candidate_name"],
            "invite_link": "https://sandbox.invalid/i/1",
            "invite_status": "invited",
        }
        return entry

    def _lists(self, entry: dict[str, Any], track_id: int, query: Mapping[str, str]) -> bool:
        return (
            entry["track_id"] == track_id
            and (not self.lists_a_person_once or self._first_of(entry) is entry)
            and (self.opened is None or entry["application_id"] in self.opened)
            and self._clock.now >= self.listed_from
            and self._clock.now >= entry["at"] + self.listed_after_seconds
            and query.get("email", "").lower() in entry["email"].lower()
            and not (self.filter_misses and "email" in query)
            and query.get("application_id", str(entry["application_id"]))
            == str(entry["application_id"])
        )

    def _first_of(self, entry: dict[str, Any]) -> dict[str, Any]:
        """What this person was first invited to this track by; nothing if never."""
        same = (e for e in self.invited if e["email"] == entry["email"])
        return next((e for e in same if e["track_id"] == entry["track_id"]), {})


class MemoryStore:
    """Records in memory; `faults` says which operations fail, before or after the commit."""

    def __init__(self) -> None:
        self.records: dict[bytes, Record] = {}
        self.values: dict[str, bytes] = {}
        self.leases: dict[str, tuple[str, float]] = {}
        self.faults: dict[str, deque[str]] = {}
        self.calls: Counter[str] = Counter()
        self.is_open = False
        self.crashes: set[str] = set()

    def fail(self, operation: str, *, when: str = "before", times: int = 1) -> None:
        self.faults.setdefault(operation, deque()).extend([when] * times)

    async def open(self) -> None:
        self.is_open = True

    async def close(self) -> None:
        self.is_open = False

    async def read(self, record_id: bytes) -> Record | None:
        return await self._run("read", lambda: self.records.get(record_id))

    async def insert(self, record: Record) -> bool:
        def work() -> bool:
            return self.records.setdefault(record.record_id, record) is record

        return await self._run("insert", work)

    async def swap(self, record: Record, *, was: Record) -> bool:
        def work() -> bool:
            current = self.records.get(was.record_id)
            if current is None or (current.attempt, current.state) != (was.attempt, was.state):
                return False
            self.records[record.record_id] = record
            return True

        return await self._run("swap", work)

    async def doubtful(
        self, *, now: float, after: bytes = b"", limit: int = 200
    ) -> Sequence[Record]:
        def work() -> Sequence[Record]:
            found = [r for r in self.records.values() if in_doubt(r, now=now)]
            later = sorted(
                (r for r in found if r.record_id > after), key=lambda record: record.record_id
            )
            return later[:limit]

        return await self._run("doubtful", work)

    async def of_person(self, email_hash: bytes, track_id: int) -> Sequence[Record]:
        def work() -> Sequence[Record]:
            found = [r for r in self.records.values() if r.email_hash == email_hash]
            return [r for r in found if r.track_id == track_id]

        return await self._run("of_person", work)

    async def witnesses(self, track_id: int) -> Sequence[Record]:
        def work() -> Sequence[Record]:
            looked_up = [
                r
                for r in self.records.values()
                if r.track_id == track_id and r.state is State.INVITED and r.witness is not None
            ]
            return sorted(looked_up, key=lambda r: -r.updated_at)

        return await self._run("witnesses", work)

    async def purge(self, *, before: float, limit: int) -> int:
        def work() -> int:
            done = (State.INVITED, State.REFUSED, State.RELEASED)
            old = [
                r.record_id
                for r in self.records.values()
                if r.state in done and r.updated_at < before and len(r.record_id) == HASH_BYTES
            ][:limit]
            for record_id in old:
                del self.records[record_id]
            return len(old)

        return await self._run("purge", work)

    async def count(self) -> Mapping[State, int]:
        return await self._run("count", lambda: Counter(r.state for r in self.records.values()))

    async def remember(self, name: str, value: bytes) -> bytes:
        return await self._run("remember", lambda: self.values.setdefault(name, value))

    async def lease(self, name: str, holder: str, *, now: float, until: float) -> bool:
        def work() -> bool:
            held_by, ends = self.leases.get(name, (holder, until))
            if held_by != holder and ends > now:
                return False
            self.leases[name] = (holder, until)
            return True

        return await self._run("lease", work)

    async def ping(self) -> None:
        await self._run("ping", lambda: None)

    async def _run(self, operation: str, work: Callable[[], Answer]) -> Answer:
        self.calls[operation] += 1
        await asyncio.sleep(0)
        crash_at(self.crashes, f"before {operation}")
        planned = self.faults.get(operation)
        fault = planned.popleft() if planned else ""
        if fault == "before":
            raise StoreUnavailableError("disk full")
        answer = work()
        crash_at(self.crashes, f"after {operation}")
        if fault == "after":
            raise StoreUnavailableError("connection lost")
        return answer


@dataclass
class Replica:
    """One gateway's keyed invites over a store that may be shared."""

    records: Records
    upstream: Any
    clock: Clock
    reads_back: bool = True
    rules: Rules = RULES
    policy: RetryPolicy = AT_ONCE
    by_person: bool = False
    settle_waits: Sequence[float] = (0, 0)
    final_refusals: Collection[InviteErrorCode] = FINAL_REFUSALS
    call_seconds: float = 10
    admission: Admission = field(default_factory=lambda: Admission(8, queue=8, max_wait_seconds=30))

    def __post_init__(self) -> None:
        self.read_back = (
            ReadBack(
                self.upstream,
                records=self.records,
                rules=self.rules,
                clocks=self.clock,
            )
            if self.reads_back
            else None
        )
        self.witness_looks = (
            WitnessLooks(self.records.store, self.read_back, clocks=self.clock)
            if self.read_back is not None
            else None
        )
        self.inviter = KeyedInviter(
            records=self.records,
            sender=Sender(self.upstream, timeout_seconds=self.call_seconds, policy=self.policy),
            admission=self.admission,
            read_back=self.read_back,
            witness_looks=self.witness_looks,
            lease_seconds=LEASE_SECONDS,
            by_person=self.by_person,
            clocks=self.clock,
            settle_waits=self.settle_waits,
            final_refusals=self.final_refusals,
        )
        self.reconciler = Reconciler(
            self.records, self.read_back, keep_seconds=86_400, clocks=self.clock
        )

    async def invite(
        self,
        request: InviteRequest | None = None,
        *,
        key: str = "key-1",
        scope: str = "",
        seconds: float = 20,
    ) -> Any:
        return await self.inviter.invite(
            request or a_request(), key, Origin(scope), deadline=within(seconds)
        )


async def with_a_witness(replica: Replica) -> None:
    """An earlier invite that the list has shown at once."""
    request = a_request(candidate_email="witness@example.com")
    await replica.invite(request, key="witness")
    replica.clock.now += 2 * QUIET_SECONDS


async def a_replica(
    store: MemoryStore | None = None,
    *,
    upstream: FakeUpstream | None = None,
    clock: Clock | None = None,
    **options: Any,
) -> Replica:
    clock = clock or Clock()
    records = Records(store or MemoryStore(), secret=SECRET)
    await records.open()
    return Replica(records, upstream or FakeUpstream(clock), clock, **options)


def _text(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()
