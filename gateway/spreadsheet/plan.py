"""Which people of a list are to be invited, are already invited, or may be."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateway.invites.record import State, in_doubt
from gateway.spreadsheet.invite_list import Entry
from gateway.spreadsheet.memory import Memory
from gateway.spreadsheet.report import Result


@dataclass(slots=True)
class Plan:
    """Entries by what is to be done with them; each is in one list, without `same` rows.

    `open` are being sent by another run, or were when it was killed: the core waits for the
    outcome. `doubtful` are of unknown outcome. `held` are known only from a report.
    """

    to_send: list[Entry] = field(default_factory=list)
    open: list[Entry] = field(default_factory=list)
    doubtful: list[Entry] = field(default_factory=list)
    invited: list[Entry] = field(default_factory=list)
    held: list[tuple[Entry, Result]] = field(default_factory=list)
    wrong: list[Entry] = field(default_factory=list)
    later: list[Entry] = field(default_factory=list)


async def plan_of(
    entries: Sequence[Entry],
    memory: Memory | None,
    held: Mapping[str, Result],
    *,
    limit: int | None = None,
) -> Plan:
    """What to do with each entry; those beyond `limit` are left for later.

    Without a `memory` there are no earlier records. Raises StoreUnavailableError.
    """
    plan, now = Plan(), time.time()
    repeated = {id(one) for entry in entries for one in entry.same}
    for entry in entries:
        if id(entry) in repeated:
            continue
        if entry.request is None:
            plan.wrong.append(entry)
            continue
        record = None if memory is None else await memory.record_of(entry.request)
        if record is None and entry.address in held:
            plan.held.append((entry, held[entry.address]))
        elif record is not None and record.state is State.INVITED:
            plan.invited.append(entry)
        elif record is not None and in_doubt(record, now=now):
            plan.doubtful.append(entry)
        elif record is not None and record.state is State.SENDING:
            plan.open.append(entry)
        elif limit is not None and len(plan.to_send) >= limit:
            plan.later.append(entry)
        else:
            plan.to_send.append(entry)
    return plan
