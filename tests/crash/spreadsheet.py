"""Kills `gateway invite` again and again, spoils its results, and compares them with the truth."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from starlette.types import Receive, Scope, Send

from gateway.sandbox import Listed, Platform, create_sandbox, running_sandbox
from tests.crash import resaves
from tests.crash.run import PEOPLE, ROOT, Tally, accepted, gateway_environment

CANDIDATES = 1000
# What the stand-in does with these is no invite, however often it is asked.
NEVER_INVITED = ("broken", "reset", "invalid")
MOST_RUNS = 20
"""Of the command for one list, those that are killed left out."""
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
WHOLE = frozenset({0, 1})
_INTERRUPTED = 130


class Counted:
    """The stand-in, and when so many more invites have come."""

    def __init__(self) -> None:
        self._sandbox = create_sandbox(Platform(listed=Listed.LATE, late_seconds=0.3))
        self._left = 0
        self._come = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._left -= scope["method"] == "POST"
        if self._left <= 0:
            self._come.set()
        await self._sandbox(scope, receive, send)

    async def come(self, count: int) -> None:
        self._left = count
        self._come.clear()
        await self._come.wait()


@dataclass
class SheetTally(Tally):
    """What was done to lists and results besides; `doubts` is who was under way at a loss."""

    edits: Counter[str] = field(default_factory=Counter)
    doubts: set[str] = field(default_factory=set)

    def text(self) -> str:
        edits = ", ".join(f"{name} {count}" for name, count in sorted(self.edits.items()))
        return f"edits       {self.edits.total()}  ({edits})\n{super().text()}"


class SheetRun:
    """One run: lists of candidates, each worked through to its end by command after command."""

    def __init__(
        self, folder: Path, store_url: str, *, seed: int, candidates: int = CANDIDATES
    ) -> None:
        self.tally = SheetTally(seed, asked="runs")
        self._random = random.Random(seed)
        self._folder = folder
        self._store_url = store_url
        self._candidates = candidates
        self._sandbox = ""
        self._counted = Counted()
        # Since the store was lost, the results are all there is.
        self._is_alone = False

    async def go(self, kills: int) -> SheetTally:
        began = time.monotonic()
        async with running_sandbox(self._counted) as self._sandbox:
            number = 0
            while number == 0 or self.tally.kills.total() < kills:
                number += 1
                await self._list(number, kills)
        self.tally.seconds = time.monotonic() - began
        return self.tally

    async def _list(self, number: int, kills: int) -> None:
        """Kill the command and spoil its files until enough have died, or the list is done."""
        kinds = [self._random.choice(PEOPLE) for _ in range(self._candidates)]
        people = resaves.People(kinds, number=number, chance=self._random)
        home = self._folder / f"{number}"
        open_: list[str] = []
        self._is_alone = False
        for _ in range(kills + MOST_RUNS):
            home.mkdir(exist_ok=True)
            people.write(home / "people.csv")
            left = kills - self.tally.kills.total()
            code = await self._command(home / "people.csv", kill=left > 0)
            rows = await self._audit(people, home, code)
            open_ = [email for email, status in rows if self._is_open(email, status, people)]
            if code in WHOLE and not open_ and not people.unsendable:
                return
            home = self._between(people, home)
        self.tally.not_final += open_

    def _is_open(self, email: str, status: str, people: resaves.People) -> bool:
        hopeless = email.partition("+")[0] in NEVER_INVITED
        known = status == "invited" or hopeless or email in self.tally.doubts
        return not known and email not in people.unsendable

    async def _command(self, sheet: Path, *, kill: bool) -> int:
        """The exit code; below zero if a signal ended the command."""
        self.tally.requests += 1
        words = ("invite", sheet, "--track", "6578", "--format", "send-link", "--yes")
        with (self._folder / "errors.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "gateway", *words, "--patience", "6"),
                cwd=sheet.parent,
                env=gateway_environment(self._sandbox, self._store_url)
                | {"PYTHONPATH": str(ROOT), "XDG_DATA_HOME": str(self._folder / "data")},
                stdout=log,
                stderr=log,
            )
        if kill:
            await self._kill(process)
        code = await asyncio.wait_for(process.wait(), 180)
        if code not in {*WHOLE, _INTERRUPTED, *(-number for number in SIGNALS)}:
            self.tally.lies.append(f"exit code {code}: see errors.log")
        return code

    async def _kill(self, process: asyncio.subprocess.Process) -> None:
        """Some while after so many invites have come, unless it has ended by then."""
        number = self._random.choice(SIGNALS)
        ended = asyncio.create_task(process.wait())
        count = self._random.randint(1, max(2, self._candidates // 4))
        come = asyncio.create_task(self._counted.come(count))
        await asyncio.wait([ended, come], return_when=asyncio.FIRST_COMPLETED)
        come.cancel()
        await asyncio.wait([ended], timeout=self._random.uniform(0, 0.02))
        if not ended.done():
            process.send_signal(number)
            self.tally.kills[number.name] += 1

    async def _audit(self, people: resaves.People, home: Path, code: int) -> list[tuple[str, str]]:
        """Each address with its status: what the results say is so, after a kill too."""
        path = _results(home)
        if not path.exists():
            return [(email, "") for email in people.addresses]
        tally = self.tally
        tally.invites = await accepted(self._sandbox)
        tally.invites = _folded(tally.invites)
        try:
            heading, *rows = resaves.read(path)
            told = [
                (row[1].replace(",", ".").lower(), row[heading.index("status")]) for row in rows
            ]
        except (IndexError, ValueError, UnicodeDecodeError):
            # A run that was killed before its first write has left what was there.
            return [(email, "") for email in people.addresses]
        if code in {*WHOLE, _INTERRUPTED} and [email for email, _ in told] != people.addresses:
            tally.lies.append(f"{home.name}: the rows are not those of the list")
        for email, status in told:
            if (status == "invited") > (tally.invites[email] > 0):
                tally.lies.append(f"{email}: told invited, and is not")
            if status == "not invited" and tally.invites[email]:
                tally.lies.append(f"{email}: told not invited, and is")
        if code in WHOLE:
            self._is_alone = self._is_alone and not tally.doubts.isdisjoint(people.addresses)
            tally.told |= {email: {"outcome": status} for email, status in told}
        return told

    def _between(self, people: resaves.People, home: Path) -> Path:
        """What happens before the next run; the folder that it is run in."""
        self.tally.edits[f"list: {people.edit()}"] += 1
        path = _results(home)
        what = self._random.choice([*["resave"] * 6, *["delete", "move"] * 2, "store", ""])
        if not what or not path.exists() or (what in ("delete", "move") and self._is_alone):
            return home
        if what == "resave":
            self._resave(path)
        elif what == "delete":
            self.tally.edits["results: deleted"] += 1
            path.unlink()
        elif what == "move":
            self.tally.edits["list: another folder"] += 1
            return home.with_name(f"{home.name}-{self.tally.requests}")
        elif what == "store" and self._is_whole(path, people):
            self._lose_the_store(path)
            self._resave(path)
        return home

    def _resave(self, path: Path) -> None:
        try:
            rows = resaves.read(path)
            name = self._random.choice([*resaves.RESAVES])
            path.write_bytes(resaves.RESAVES[name](rows, self._random))
        except (ValueError, IndexError):
            # It was saved already, and the run since then died before it wrote.
            return
        self.tally.edits[f"results: {name}"] += 1

    def _is_whole(self, path: Path, people: resaves.People) -> bool:
        """As the command wrote it: from here on it is all there is."""
        try:
            heading, *rows = resaves.read(path)
            told = {
                row[1].replace(",", ".").lower() for row in rows if row[heading.index("status")]
            }
        except (ValueError, IndexError):
            return False
        return told >= set(people.addresses)

    def _lose_the_store(self, path: Path) -> None:
        if not self._store_url.startswith("sqlite"):
            return
        heading, *rows = resaves.read(path)
        status = heading.index("status")
        self.tally.doubts |= {row[1].lower() for row in rows if row[status].lower() == "unknown"}
        for file in self._folder.glob("gateway.db*"):
            file.unlink()
        self.tally.edits["store: lost"] += 1
        self._is_alone = True


def _results(home: Path) -> Path:
    return home / "people.6578.send-link.results.csv"


def _folded(invites: Counter[str]) -> Counter[str]:
    folded: Counter[str] = Counter()
    for email, count in invites.items():
        folded[email.lower()] += count
    return folded
