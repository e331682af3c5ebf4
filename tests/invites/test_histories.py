"""Whatever happens in whatever order: never twice, never lost, never a lie.

The model is what the platform has done under each key, and so what may be claimed of it: success
only of an invite that was made under this very key, with its application; "not invited" only where
none was; and of an invite whose reply was lost, never both.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.invites.doubt import Doubt
from gateway.invites.models import InviteErrorCode, InviteOutcome, InviteSuccess
from gateway.invites.record import SETTLED, State
from tests.fakes.invites import (
    ACTS_LATE,
    CUTS_THE_BODY,
    DIES_BEFORE_IT_ACTS,
    INVITES,
    LOSES_THE_REPLY,
    QUIET_SECONDS,
    UNREACHABLE,
    Clock,
    CrashError,
    FakeUpstream,
    MemoryStore,
    Replica,
    a_replica,
    answers,
    with_a_witness,
)
from tests.fakes.records import LEASE_SECONDS, a_request

if TYPE_CHECKING:
    from collections.abc import Coroutine

KEYS = st.sampled_from(["k1", "k2", "k3"])
PEOPLE = st.sampled_from(["ada@example.com", "grace@example.com"])
ACTS = st.sampled_from(
    [
        INVITES,
        LOSES_THE_REPLY,
        ACTS_LATE,
        CUTS_THE_BODY,
        DIES_BEFORE_IT_ACTS,
        UNREACHABLE,
        answers(400),
        answers(401),
        answers(409),
        answers(429),
        answers(503),
    ]
)
CRASHES = st.sampled_from(
    ["before insert", "after insert", "send", "reply", "before swap", "after swap"]
)
FAULTS = st.tuples(
    st.sampled_from(["read", "insert", "swap", "doubtful"]), st.sampled_from(["before", "after"])
)
KEY_ERRORS = (
    InviteErrorCode.IDEMPOTENCY_KEY_REUSED,
    InviteErrorCode.IDEMPOTENCY_KEY_IN_PROGRESS,
)


class Histories(RuleBasedStateMachine):
    """Two gateways on one store, an upstream that fails in every way, and time."""

    lists_a_person_once = False
    """What a second invite of a person does to the list is not documented."""
    hides_the_unopened = False
    tells_zones = True
    open_at_the_end = frozenset({Doubt.OTHER_RECORD, Doubt.RIVALS, Doubt.EARLIER})

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.store = MemoryStore()
        self.store_has_failed = False
        self.clock = Clock()
        self.run(self.start())

    async def start(self) -> None:
        self.upstream = FakeUpstream(self.clock)
        # The list may lag, as long as it and a late upstream stay below the quiet period.
        self.upstream.listed_after_seconds = 0
        self.upstream.lists_a_person_once = self.lists_a_person_once
        self.upstream.tells_zones = self.tells_zones
        if self.hides_the_unopened:
            self.upstream.opened = set()
        self.replicas = [await self.a_gateway(), await self.a_gateway()]
        if self.hides_the_unopened:
            await self.replicas[0].invite(a_request(candidate_email="w@example.com"), key="witness")
            self.upstream.opened = {1000}
        else:
            await with_a_witness(self.replicas[0])
        self.clock.now += 2 * QUIET_SECONDS
        self.upstream.listed_after_seconds = QUIET_SECONDS / 3

    async def a_gateway(self) -> Replica:
        return await a_replica(self.store, upstream=self.upstream, clock=self.clock)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    @rule(key=KEYS, email=PEOPLE, act=ACTS, gateway=st.integers(0, 1))
    def invite(self, key: str, email: str, act: Any, gateway: int) -> None:
        self.upstream.acts.clear()
        self.upstream.acts += [act] * 3

        answer = self.run(self.asked(gateway, key, email))

        self.upstream.acts.clear()
        self.check(answer, gateway, key, email)

    @rule(key=KEYS, email=PEOPLE, acts=st.lists(ACTS, max_size=2), seats=st.integers(2, 4))
    def invite_together(self, key: str, email: str, acts: list[Any], seats: int) -> None:
        self.upstream.acts += acts

        async def all_of_them() -> list[Any]:
            asked = (self.asked(seat % 2, key, email) for seat in range(seats))
            return await asyncio.gather(*asked)

        told = self.run(all_of_them())
        for seat, answer in enumerate(told):
            # One request may be told that it was refused just before another one is not.
            if all(map(is_refused, told)) or not is_refused(answer):
                self.check(answer, seat % 2, key, email)
        self.upstream.acts.clear()

    @rule(key=KEYS, email=PEOPLE, act=ACTS, point=CRASHES)
    def crash(self, key: str, email: str, act: Any, point: str) -> None:
        self.upstream.acts.append(act)
        self.store.crashes = self.upstream.crashes = {point}

        async def until_it_dies() -> None:
            task = asyncio.create_task(self.asked(0, key, email))
            await asyncio.wait([task])
            if not task.cancelled() and task.exception() is None:
                self.check(task.result(), 0, key, email)
            self.replicas[0] = await self.a_gateway()

        self.run(until_it_dies())
        self.store.crashes = self.upstream.crashes = set()
        self.upstream.acts.clear()

    @rule(fault=FAULTS)
    def break_the_store(self, fault: tuple[str, str]) -> None:
        self.store.fail(fault[0], when=fault[1])
        self.store_has_failed = True

    @rule(seconds=st.sampled_from([0.5, QUIET_SECONDS / 2, QUIET_SECONDS, LEASE_SECONDS]))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule(seconds=st.sampled_from([-3600.0, 3600.0, 90_000.0]))
    def set_the_wall_clock(self, seconds: float) -> None:
        # Right again before the next invite: what was sent meanwhile would be dated by it.
        self.clock.wall_ahead = seconds
        self.store.faults.clear()
        self.run(self.replicas[1].reconciler.reconcile())
        self.run(self.replicas[1].reconciler.purge())
        self.clock.wall_ahead = 0.0

    @rule(email=PEOPLE)
    def invite_by_hand(self, email: str) -> None:
        """An entry that is older than whatever is sent after it.

        Of an invite in doubt no gateway could tell it; the guide says so.
        """
        hasher = self.replicas[0].records.hasher
        if not any(
            record.email_hash == hasher.email(email)
            and (record.state not in SETTLED or record.answer is None)
            for record in self.store.records.values()
        ):
            self.upstream.add(email)["key"] = "by hand"
            self.clock.now += 1

    @rule()
    def open_the_invites(self) -> None:
        if self.upstream.opened is not None:
            self.upstream.opened |= {entry["application_id"] for entry in self.upstream.invited}

    @rule()
    def reconcile(self) -> None:
        self.store.faults.clear()
        self.run(self.replicas[1].reconciler.reconcile())

    @rule()
    def purge(self) -> None:
        self.clock.now += 1
        self.run(self.replicas[1].reconciler.purge())

    @invariant()
    def never_twice(self) -> None:
        made = self.invites_by_key()
        made.pop("by hand", None)
        assert max(made.values(), default=0) <= 1

    @invariant()
    def records_do_not_lie(self) -> None:
        made = self.invites_by_key()
        for record in self.store.records.values():
            if record.state is State.INVITED:
                assert made[record.record_id.hex()] == 1
            if record.state in (State.REFUSED, State.RELEASED):
                assert made[record.record_id.hex()] == 0

    def teardown(self) -> None:
        self.store.faults.clear()
        self.clock.now += LEASE_SECONDS + QUIET_SECONDS
        report = None
        for _ in range(3):
            report = self.run(self.replicas[0].reconciler.reconcile())
            self.clock.now += QUIET_SECONDS
        assert report is not None
        # What several stories fit is left to a person; everything else has come to an end.
        assert {left.why for left in report.open} <= self.open_at_the_end
        assert report.in_flight == 0
        left_open = {left.record.record_id for left in report.open}
        assert all(
            record.state in SETTLED or record.record_id in left_open
            for record in self.store.records.values()
        )
        self.never_twice()
        self.records_do_not_lie()
        self.runner.close()

    async def asked(self, gateway: int, key: str, email: str) -> Any:
        # Nobody waits out another gateway's lease in a test.
        within = 0.01 if self.is_sending(gateway, key, email) else 0.1
        request = a_request(candidate_email=email)
        try:
            return await self.replicas[gateway].invite(request, key=key, seconds=within)
        finally:
            if not self.store.crashes:
                await self.replicas[gateway].inviter.drain()

    def record_id(self, gateway: int, key: str, email: str) -> bytes:
        hasher = self.replicas[gateway].records.hasher
        request = a_request(candidate_email=email)
        return hasher.identify(request, key, scope="").record_id

    def is_sending(self, gateway: int, key: str, email: str) -> bool:
        record = self.store.records.get(self.record_id(gateway, key, email))
        return record is not None and record.state is State.SENDING

    def invites_by_key(self) -> Counter[str]:
        return Counter(entry["key"] for entry in self.upstream.invited)

    def check(self, answer: Any, gateway: int, key: str, email: str) -> None:
        """What was told is true."""
        record_id = self.record_id(gateway, key, email)
        made = [entry for entry in self.upstream.invited if entry["key"] == record_id.hex()]
        if isinstance(answer, InviteSuccess) or answer.outcome is InviteOutcome.INVITED:
            assert [entry["email"] for entry in made] == [email]
        elif answer.outcome is InviteOutcome.NOT_INVITED:
            assert answer.code is InviteErrorCode.IDEMPOTENCY_KEY_REUSED or not made
        if isinstance(answer, InviteSuccess):
            assert answer.invite.email == email
            assert answer.invite.application_id == str(made[0]["application_id"])
        elif answer.outcome is InviteOutcome.UNKNOWN and answer.code not in KEY_ERRORS:
            record = self.store.records.get(record_id)
            # A doubt that could not be written down is written by the next look.
            is_noted = record and record.state is State.UNKNOWN and not self.store_has_failed
            noted = record.doubt if record and is_noted else None
            assert answer.retryable or noted is None or not noted.settles_itself


def is_refused(answer: Any) -> bool:
    return not isinstance(answer, InviteSuccess) and answer.outcome is InviteOutcome.NOT_INVITED


class HistoriesOfOneEntryEach(Histories):
    """The same where the platform's list has one entry for a person, however often invited."""

    lists_a_person_once = True


class HistoriesOfHiddenPeople(Histories):
    """The same where the list shows people once they have opened their invite."""

    hides_the_unopened = True
    open_at_the_end = Histories.open_at_the_end | {Doubt.NO_WITNESS}


class HistoriesWithoutZones(Histories):
    """The same where the list's times have no zone."""

    tells_zones = False
    open_at_the_end = Histories.open_at_the_end | {Doubt.UNCLEAR_DATE}


TestHistories = Histories.TestCase
TestHistoriesOfOneEntryEach = HistoriesOfOneEntryEach.TestCase
TestHistoriesOfHiddenPeople = HistoriesOfHiddenPeople.TestCase
TestHistoriesWithoutZones = HistoriesWithoutZones.TestCase
for _case in (
    TestHistories,
    TestHistoriesOfOneEntryEach,
    TestHistoriesOfHiddenPeople,
    TestHistoriesWithoutZones,
):
    _case.settings = settings(
        max_examples=40,
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )

del _case


def test_crash_is_not_swallowed() -> None:
    """The histories are worth something only if nothing survives a crash."""
    assert not issubclass(CrashError, Exception)
