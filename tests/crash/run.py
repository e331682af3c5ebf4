"""Kills gateways again and again under load, and counts what became of the invites."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gateway.sandbox import API_KEY, Listed, Platform, create_sandbox, running_sandbox
from tests.crash.child import POINTS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).parents[2]
DOCUMENT = """mutation I($input: InviteCandidateInput!) { inviteCandidate(input: $input) {
  type: __typename
  ... on InviteCandidateSuccess { replayed invite { applicationId } }
  ... on InviteError { code outcome retryable }
} }"""
# What the stand-in does is chosen by the local part; "fine" is nobody it knows.
PEOPLE = (*("fine",) * 12, "dropped", "truncated", "garbage", "broken", "reset", "invalid")
CLIENTS = 24
PATIENCE_SECONDS = 8


@dataclass
class Tally:
    """What a run has seen."""

    seed: int
    kills: Counter[str] = field(default_factory=Counter)
    asked: str = "requests"
    requests: int = 0
    told: dict[str, dict[str, Any]] = field(default_factory=dict)
    invites: Counter[str] = field(default_factory=Counter)
    not_final: list[Any] = field(default_factory=list)
    lies: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def duplicates(self) -> dict[str, int]:
        return {email: count for email, count in self.invites.items() if count > 1}

    @property
    def passed(self) -> bool:
        return not (self.duplicates or self.not_final or self.lies)

    def text(self) -> str:
        points = ", ".join(f"{point} {count}" for point, count in sorted(self.kills.items()))
        lines = [
            f"seed        {self.seed}",
            f"kills       {self.kills.total()}  ({points})",
            f"{self.asked:<12}{self.requests} for {len(self.told)} keys",
            f"invites     {self.invites.total()}",
            f"duplicates  {len(self.duplicates)}",
            f"not final   {len(self.not_final)}",
            f"lies        {len(self.lies)}",
            f"seconds     {self.seconds:.0f}",
        ]
        return "\n".join([*lines, *self.lies, *map(str, self.not_final), *self.duplicates])


class Nursery:
    """A process that brings forth gateways, one at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._pid = 0

    async def birth(self, point: str, nth: int) -> str:
        """The address of a new gateway that will die at the point."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{point} {nth}\n".encode())
        word, pid = (await self._line()).split()
        assert word == "pid"
        self._pid = int(pid)
        address = await self._line()
        assert address.startswith("http"), "the gateway did not start"
        return address

    async def dies_within(self, seconds: float) -> bool:
        """Wait for its death; False if it had to be killed."""
        death = asyncio.create_task(self._line())
        done, _ = await asyncio.wait([death], timeout=seconds)
        if not done:
            self.kill()
        assert await death == "dead"
        self._pid = 0
        return bool(done)

    async def pauses(self) -> None:
        """Wait until the gateway has stopped at its point."""
        stat = Path(f"/proc/{self._pid}/stat")
        while stat.read_text("ascii").rpartition(") ")[2][0] != "T":  # noqa: ASYNC240, ASYNC110
            await asyncio.sleep(0.01)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to the gateway that lives now, if one does."""
        if self._pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, number)

    async def _line(self) -> str:
        assert self._process.stdout is not None
        return (await self._process.stdout.readline()).decode().strip()


@contextlib.asynccontextmanager
async def nursery_of(folder: Path, environment: dict[str, str]) -> AsyncIterator[Nursery]:
    """A nursery whose gateways have these settings; what is left of them dies with it."""
    with (folder / "errors.log").open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.crash.child"),
            cwd=ROOT,
            env=environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
    nursery = Nursery(process)
    try:
        yield nursery
    finally:
        nursery.kill()
        process.kill()
        await process.communicate()


def gateway_environment(
    sandbox: str, store_url: str, *, list_shows_invited: bool = True
) -> dict[str, str]:
    """Settings with everything quick: leases, look-ups, deadlines."""
    return {
        **os.environ,
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests' / 'guard'}",
        "GATEWAY_AUTH": "none",
        "GATEWAY_UPSTREAM_URL": sandbox,
        "GATEWAY_UPSTREAM_API_KEY": API_KEY,
        "GATEWAY_UPSTREAM_TIMEOUT_SECONDS": "1",
        "GATEWAY_REQUEST_TIMEOUT_SECONDS": "1",
        "GATEWAY_LEASE_SECONDS": "4",
        "GATEWAY_READ_BACK_QUIET_SECONDS": "1",
        "GATEWAY_LIST_SHOWS_INVITED": json.dumps(list_shows_invited),
        "GATEWAY_RECONCILE_SECONDS": "1",
        "GATEWAY_BREAKER_PAUSE_SECONDS": "0",
        "GATEWAY_STORE_URL": store_url,
    }


async def ask(gateway: str, email: str) -> dict[str, Any] | None:
    """The answer to an invite under a key of its own; None if there was none."""
    given = {"candidateName": "Ada", "candidateEmail": email, "trackId": 6578}
    variables = {"input": {**given, "inviteFormat": "SEND_LINK", "idempotencyKey": email}}
    try:
        status, body = await fetch(
            gateway + "/graphql", {"query": DOCUMENT, "variables": variables}
        )
        answer: dict[str, Any] = json.loads(body)["data"]["inviteCandidate"]
    except (OSError, EOFError, ValueError, TimeoutError, KeyError):
        return None
    return answer if status == 200 else None


class Run:
    """One run: a stand-in platform, one or more gateways on one store, and their clients.

    With `hides` the platform lists nobody who has not opened the invite, which nobody does.
    """

    def __init__(
        self, folder: Path, store_url: str, *, seed: int, replicas: int, hides: bool = False
    ) -> None:
        self.tally = Tally(seed)
        self._random = random.Random(seed)
        self._folder = folder
        self._store_url = store_url
        self._hides = hides
        self._addresses: list[str | None] = [None] * replicas
        self._kills_left = 0
        self._over = False
        self._number = 0
        self._sandbox = ""

    async def go(self, kills: int) -> Tally:
        began = time.monotonic()
        self._kills_left = kills
        listed = Listed.OPENED if self._hides else Listed.LATE
        platform = Platform(listed=listed, late_seconds=0.3)
        async with running_sandbox(create_sandbox(platform)) as self._sandbox:
            clients = [asyncio.create_task(self._client()) for _ in range(CLIENTS)]
            await asyncio.gather(*(self._replica(n) for n in range(len(self._addresses))))
            self._over = True
            async with nursery_of(self._folder, self._environment()) as nursery:
                self._addresses = [await nursery.birth("never", 1)]
                await asyncio.gather(*clients)
            await self._reconcile()
            await self._audit()
        self.tally.seconds = time.monotonic() - began
        return self.tally

    def _environment(self) -> dict[str, str]:
        return gateway_environment(
            self._sandbox, self._store_url, list_shows_invited=not self._hides
        )

    async def _replica(self, place: int) -> None:
        """Start, be killed, start again, until enough have died."""
        async with nursery_of(self._folder, self._environment()) as nursery:
            while self._kills_left > 0:
                self._kills_left -= 1
                point = self._random.choice([*POINTS, "at-random"])
                self._addresses[place] = await nursery.birth(point, self._random.randint(1, 6))
                lifetime = self._random.uniform(0.02, 0.3) if point == "at-random" else 2.0
                in_time = await nursery.dies_within(lifetime)
                self._addresses[place] = None
                self.tally.kills[point if in_time else "at-random"] += 1

    async def _client(self) -> None:
        """A frontend that gives every invite a key and repeats it until it knows the end."""
        while not self._over:
            self._number += 1
            kind = self._random.choice(PEOPLE)
            email = f"{kind}+{self._number}@example.com"
            twice = self._random.random() < 0.2
            await asyncio.gather(*(self._until_known(email) for _ in range(1 + twice)))

    async def _until_known(self, email: str) -> None:
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE_SECONDS:
            answer = await self._ask(email)
            if answer is not None:
                self.tally.told[email] = answer
                if not answer.get("retryable"):
                    return
            await asyncio.sleep(self._random.uniform(0.02, 0.2))

    async def _ask(self, email: str) -> dict[str, Any] | None:
        running = [address for address in self._addresses if address is not None]
        if not running:
            return None
        self.tally.requests += 1
        return await ask(self._random.choice(running), email)

    async def _reconcile(self) -> None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", "reconcile", "--json"),
            cwd=ROOT,
            env=self._environment(),
            stdout=asyncio.subprocess.PIPE,
        )
        printed, _ = await asyncio.wait_for(process.communicate(), 120)
        report = json.loads(printed)
        # Of a list that hides people nothing can be concluded: that is left to a person.
        left_to_a_person = ("no_witness", "not_listed") if self._hides else ()
        left = [one for one in report["open"] if one["doubt"] not in left_to_a_person]
        self.tally.not_final = left + ["in flight"] * report["inFlight"]

    async def _audit(self) -> None:
        """Compare what clients were told with what the stand-in did."""
        self.tally.invites = await accepted(self._sandbox)
        for email, answer in self.tally.told.items():
            invited = self.tally.invites[email] > 0
            outcome = answer.get("outcome", "INVITED")
            # A retryable NOT_INVITED held for its own request: a later one may have invited.
            is_last_word = not answer.get("retryable")
            if (outcome == "INVITED" and not invited) or (
                outcome == "NOT_INVITED" and invited and is_last_word
            ):
                self.tally.lies.append(f"{email}: told {answer}, invited {invited}")


async def accepted(sandbox: str) -> Counter[str]:
    """How often the stand-in was asked to invite whom."""
    _, body = await fetch(sandbox + "/sandbox/invites")
    return Counter(invite["candidate_email"] for invite in json.loads(body)["invites"])


async def fetch(url: str, body: object = None) -> tuple[int, bytes]:
    """Status and body of a GET, or of a POST of JSON; OSError or EOFError if it breaks off."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            content = b"" if body is None else json.dumps(body).encode()
            method = "GET" if body is None else "POST"
            writer.write(
                f"{method} {parts.path} HTTP/1.1\r\nhost: {parts.netloc}\r\n"
                "content-type: application/json\r\nconnection: close\r\n"
                f"content-length: {len(content)}\r\n\r\n".encode()
                + content
            )
            head = await reader.readuntil(b"\r\n\r\n")
            return int(head.split(b" ", 2)[1]), await reader.read()
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
