"""What is to be done with each row is known before anything is."""

from __future__ import annotations

import time

from gateway.invites.models import InviteFormat, InviteRequest
from gateway.invites.record import State, first_claim, settled
from gateway.spreadsheet.candidates import Candidate
from gateway.spreadsheet.invite_list import Entry
from gateway.spreadsheet.memory import Memory
from gateway.spreadsheet.plan import plan_of
from gateway.spreadsheet.report import Result
from tests.fakes.invites import a_replica
from tests.fakes.records import LEASE_SECONDS


def an_entry(name: str, place: int = 0) -> Entry:
    email = f"{name}@example.com"
    request = InviteRequest(name, email, 6578, InviteFormat.SEND_LINK, "person")
    return Entry(place, Candidate(place + 2, name, email), request)


async def a_memory(**states: State) -> Memory:
    """Persons with a record in the given state."""
    replica = await a_replica()
    for name, state in states.items():
        request = an_entry(name).request
        assert request is not None
        person = replica.records.hasher.identify_person(request, account="here")
        claim = first_claim(person, now=time.time(), lease_seconds=LEASE_SECONDS)
        record = claim if state is State.SENDING else settled(claim, state, now=time.time())
        await replica.records.store.insert(record)
    return Memory(replica.records, "here")


def names(entries: list[Entry]) -> list[str]:
    return [entry.candidate.name for entry in entries]


async def test_the_store_has_the_word():
    """Whoever it knows is dealt with by what it knows, whatever a report says."""
    memory = await a_memory(
        done=State.INVITED, open=State.UNKNOWN, busy=State.SENDING, no=State.RELEASED
    )
    everybody = [an_entry(name) for name in ("done", "open", "busy", "no", "new", "held")]
    held = {entry.address: Result(2, entry.address, status="?") for entry in everybody}
    del held["new@example.com"]

    plan = await plan_of(everybody, memory, held)

    assert names(plan.invited) == ["done"]
    assert names(plan.doubtful) == ["open"]
    assert names(plan.open) == ["busy"]
    assert names(plan.to_send) == ["no", "new"]
    assert [entry.candidate.name for entry, _ in plan.held] == ["held"]


async def test_rows_that_are_not_sent_by_themselves():
    """Those that cannot be, and those that repeat another."""
    first, again = an_entry("a"), an_entry("a", 1)
    again.request = None
    first.same.append(again)
    wrong = Entry(2, Candidate(4, "", ""), wrong="name: Must not be blank.")

    plan = await plan_of([first, again, wrong], None, {})

    assert plan.to_send == [first]
    assert plan.wrong == [wrong]


async def test_a_limit_counts_what_is_sent():
    """Not those who are invited already."""
    memory = await a_memory(a=State.INVITED)

    plan = await plan_of([an_entry(name) for name in "abcd"], memory, {}, limit=2)

    assert (names(plan.to_send), names(plan.later)) == (["b", "c"], ["d"])
