"""Measures gateways in turn, A B A B, and checks that each does the whole job."""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from tests.bench.ask import ask
from tests.bench.contenders import Contender
from tests.bench.job import KEY_MARK, Work
from tests.bench.load import Load, Summary, begin, script
from tests.bench.processes import START_SECONDS, Server, ServerFailedError, free_port
from tests.bench.profiles import Profile
from tests.bench.stub import NginxStub, Stub, WaitingStub
from tests.bench.tokens import publish_key_and_sign
from tests.fakes.postgres import fresh_database, running_postgres

# The gateways get the first CPUs, one a worker, and all else the last. On a machine with as many
# CPUs as workers the last one is the gateway's too.
_CPUS = sorted(os.sched_getaffinity(0))
LOAD_CPU = str(_CPUS[-1])
_QUIET_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Sample:
    """One turn of one gateway."""

    contender: str
    workers: int
    cpu_us: float
    per_second: float
    p50_ms: float
    p99_ms: float
    memory_mib: float
    """Of the largest process."""
    start_seconds: float


class ShortcutError(Exception):
    """A gateway answered more mutations than it sent POSTs, or not all of them rightly."""


@dataclass(slots=True)
class Running:
    """A gateway that has given its first right answer."""

    contender: Contender
    server: Server
    start_seconds: float
    answer_octets: int


class Bench:
    """The stub and the gateways of one profile, started once and measured in turn."""

    def __init__(self, profile: Profile, folder: Path, *, seconds: float) -> None:
        self._profile = profile
        self._folder = folder
        self._seconds = seconds
        self._headers: dict[str, str] = {}
        if profile.with_token:
            self._headers["Authorization"] = f"Bearer {publish_key_and_sign(folder)}"

    def run(
        self, contenders: Sequence[Contender], *, rounds: int, report: Callable[[str], None]
    ) -> list[Sample]:
        """One sample per gateway and round, in the order in which they were taken."""
        # What is not pinned otherwise stays away from the gateways, a database for one.
        os.sched_setaffinity(0, {int(LOAD_CPU)})
        with contextlib.ExitStack() as stack:
            stub = stack.enter_context(_stub(self._profile, self._folder))
            store = stack.enter_context(_store(self._profile, self._folder))
            running = []
            for contender in contenders:
                report(f"starting {contender.name}")
                running.append(stack.enter_context(self._started(contender, stub, store)))
            for gateway in running:
                self._load(gateway, self._seconds / 2)
            samples = []
            for turn in range(rounds):
                for gateway in running:
                    sample = self._sample(gateway, stub)
                    report(f"round {turn + 1}: {gateway.contender.name}: {sample.cpu_us:.0f} µs")
                    samples.append(sample)
            return samples

    @contextlib.contextmanager
    def _started(self, contender: Contender, stub: Stub, store: str) -> Iterator[Running]:
        port = free_port()

        def filled(text: str) -> str:
            text = contender.filled(text, port=port, upstream=stub.url, store=store)
            return text.replace("{folder}", str(self._folder))

        if contender.file is not None and contender.folder is not None:
            (contender.folder / contender.file[0]).write_text(filled(contender.file[1]))
        server = Server(
            contender.command,
            port=port,
            cpu=",".join(map(str, _CPUS[: contender.workers])),
            environment={name: filled(text) for name, text in contender.environment.items()},
            folder=contender.folder,
        )
        try:
            seconds = self._first_answer(contender, server)
            yield Running(contender, server, seconds, self._ask(contender, port))
        finally:
            server.stop()

    def _first_answer(self, contender: Contender, server: Server) -> float:
        started = time.monotonic()
        server.wait_until_listening()
        while True:
            try:
                self._ask(contender, server.port)
            except OSError as error:
                if time.monotonic() - started > START_SECONDS:
                    raise ServerFailedError(f"no answer:\n{server.output()}") from error
                time.sleep(0.005)
            else:
                return time.monotonic() - started

    def _sample(self, gateway: Running, stub: Stub) -> Sample:
        self._ask(gateway.contender, gateway.server.port)
        posts, cpu = _settled(stub), gateway.server.cpu_seconds()
        summary = self._load(gateway, self._seconds)
        cpu = gateway.server.cpu_seconds() - cpu
        self._check_work(gateway, summary, _settled(stub) - posts)
        self._ask(gateway.contender, gateway.server.port)
        return Sample(
            contender=gateway.contender.name,
            workers=gateway.contender.workers,
            cpu_us=cpu / (summary.requests * self._profile.work.units) * 1e6,
            per_second=summary.requests * self._profile.work.units / summary.seconds,
            p50_ms=summary.p50_ms,
            p99_ms=summary.p99_ms,
            memory_mib=max(gateway.server.memory_mib()),
            start_seconds=gateway.start_seconds,
        )

    def _load(self, gateway: Running, seconds: float) -> Summary:
        profile, beside = self._profile, gateway.contender.beside
        if beside is None:
            return self._begin(gateway, profile.work, profile.connections, seconds).end()
        # The other load begins before and ends after the one that is measured.
        other = self._begin(gateway, *beside, seconds + 2)
        time.sleep(1)
        summary = self._begin(gateway, profile.work, profile.connections, seconds).end()
        other.end()
        return summary

    def _begin(self, gateway: Running, work: Work, connections: int, seconds: float) -> Load:
        body = gateway.contender.job.body(work, keyed=self._profile.keyed)
        key_prefix = uuid.uuid4().hex if KEY_MARK in body else None
        script_file = self._folder / f"{work.name}.lua"
        script_file.write_text(script(body, headers=self._headers, key_prefix=key_prefix))
        return begin(
            f"http://127.0.0.1:{gateway.server.port}/graphql",
            script_file,
            connections=connections,
            seconds=seconds,
            cpu=LOAD_CPU,
        )

    def _check_work(self, gateway: Running, summary: Summary, posts: int) -> None:
        name, in_flight = gateway.contender.name, self._profile.connections
        if summary.requests == 0 or summary.errors:
            raise ShortcutError(f"{name}: {summary.errors} errors in {summary.requests} answers")
        units = self._profile.work.units
        least, most = summary.requests * units, (summary.requests + in_flight) * units
        if posts < least or (posts > most and gateway.contender.beside is None):
            raise ShortcutError(f"{name}: {summary.requests} answers from {posts} calls")
        octets = summary.octets / summary.requests
        if abs(octets - gateway.answer_octets) > gateway.answer_octets * 0.02:
            raise ShortcutError(
                f"{name}: answers of {octets:.0f}, not {gateway.answer_octets} octets"
            )

    def _ask(self, contender: Contender, port: int) -> int:
        """The length of one answer, which was right."""
        work = self._profile.work
        body = contender.job.body(work, keyed=self._profile.keyed)
        answer = ask(port, body.replace(KEY_MARK, uuid.uuid4().hex), self._headers)
        contender.job.check(answer.status, answer.body, work)
        return answer.octets


def _settled(stub: Stub) -> int:
    """The stub's count once what the load has left behind is done."""
    before, count = -1, stub.count()
    while before != count:
        time.sleep(_QUIET_SECONDS)
        before, count = count, stub.count()
    return count


@contextlib.contextmanager
def _stub(profile: Profile, folder: Path) -> Iterator[Stub]:
    stub: Stub
    if profile.delay_seconds:
        stub = WaitingStub(profile.delay_seconds, cpu=LOAD_CPU)
    else:
        stub = NginxStub(folder, cpu=LOAD_CPU)
    try:
        stub.server.wait_until_listening()
        yield stub
    finally:
        stub.server.stop()


@contextlib.contextmanager
def _store(profile: Profile, folder: Path) -> Iterator[str]:
    match profile.store:
        case "sqlite":
            # One file serves one process.
            yield f"sqlite:///{folder}/gateway-{{port}}.db"
        case "postgres":
            with running_postgres() as server, fresh_database(server) as url:
                yield url
        case _:
            assert_never(profile.store)
