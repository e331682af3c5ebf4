"""Kills `gateway invite` again and again, and compares its results with what the stand-in did."""

from __future__ import annotations

import asyncio
import csv
import random
import signal
import sys
import time
from pathlib import Path

from starlette.types import Receive, Scope, Send

from gateway.sandbox import Listed, Platform, create_sandbox, running_sandbox
from gateway.spreadsheet.results import Row, read_rows
from tests.crash.run import PEOPLE, ROOT, Tally, accepted, gateway_environment

CANDIDATES = 150
# What the stand-in does with these is no invite, however often it is asked.
NEVER_INVITED = ("broken", "reset", "invalid")
MOST_RUNS = 20
"""Of the command for one list, those that are killed left out."""
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
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


class SheetRun:
    """One run: lists of candidates, each worked through to its end by command after command."""

    def __init__(self, folder: Path, store_url: str, *, seed: int) -> None:
        self.tally = Tally(seed, asked="runs")
        self._random = random.Random(seed)
        self._folder = folder
        self._store_url = store_url
        self._sandbox = ""
        self._counted = Counted()

    async def go(self, kills: int) -> Tally:
        began = time.monotonic()
        async with running_sandbox(self._counted) as self._sandbox:
            number = 0
            while number == 0 or self.tally.kills.total() < kills:
                number += 1
                await self._list(number, kills)
        self.tally.seconds = time.monotonic() - began
        return self.tally

    async def _list(self, number: int, kills: int) -> None:
        """Kill the command until enough have died, or the list is done."""
        kinds = [self._random.choice(PEOPLE) for _ in range(CANDIDATES)]
        emails = [f"{kind}+{number}-{n}@example.com" for n, kind in enumerate(kinds)]
        sheet = self._folder / f"{number}.csv"
        with sheet.open("w", newline="") as file:
            csv.writer(file).writerows([("name", "email"), *(("Ada", email) for email in emails)])
        results = self._folder / f"{number}.results.csv"
        for _ in range(kills + MOST_RUNS):
            left = kills - self.tally.kills.total()
            code = await self._command(sheet, results, kill=left > 0)
            rows = read_rows(results)
            await self._audit(emails, rows, whole=code in {0, 1})
            open_ = [row.email for row in rows if not (row.is_invited or _is_hopeless(row.email))]
            if code in {0, 1} and not open_:
                return
        self.tally.not_final += open_

    async def _command(self, sheet: Path, results: Path, *, kill: bool) -> int:
        """The exit code; below zero if a signal ended the command."""
        self.tally.requests += 1
        words = ("invite", sheet, "--track", "6578", "--format", "send-link", "--result", results)
        with (self._folder / "errors.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "gateway", *words, "--patience", "6"),
                cwd=ROOT,
                env=gateway_environment(self._sandbox, self._store_url) | {"PYTHONPATH": str(ROOT)},
                stdout=log,
                stderr=log,
            )
        if kill:
            await self._kill(process)
        code = await asyncio.wait_for(process.wait(), 120)
        if code not in {0, 1, _INTERRUPTED, -signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT}:
            self.tally.lies.append(f"exit code {code}: see errors.log")
        return code

    async def _kill(self, process: asyncio.subprocess.Process) -> None:
        """Some while after so many invites have come, unless it has ended by then."""
        number = self._random.choice(SIGNALS)
        ended = asyncio.create_task(process.wait())
        come = asyncio.create_task(self._counted.come(self._random.randint(1, 40)))
        await asyncio.wait([ended, come], return_when=asyncio.FIRST_COMPLETED)
        come.cancel()
        await asyncio.wait([ended], timeout=self._random.uniform(0, 0.02))
        if not ended.done():
            process.send_signal(number)
            self.tally.kills[number.name] += 1

    async def _audit(self, emails: list[str], rows: list[Row], *, whole: bool) -> None:
        """What the results tell is so; a `whole` run has told it of everybody."""
        tally = self.tally
        tally.invites = await accepted(self._sandbox)
        told = {row.email: row.status for row in rows}
        for email, status in told.items():
            invited = tally.invites[email] > 0
            # What a run that was killed has done, only the next whole one tells.
            if (status == "invited" and not invited) or (
                status == "not invited" and invited and whole
            ):
                tally.lies.append(f"{email}: told {status}, invited {invited}")
        if whole:
            tally.told |= {row.email: {"outcome": row.status} for row in rows}
            tally.not_final += [email for email in emails if email not in told]


def _is_hopeless(email: str) -> bool:
    return email.partition("+")[0] in NEVER_INVITED
