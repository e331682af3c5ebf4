"""Worker processes die, and the others serve on."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# Workers that sleep; those of the places named exit with 3 instead, before they serve.
PROGRAM = """
import logging, multiprocessing, os, signal, sys, time
from gateway.server.workers import Workers

logging.basicConfig(format="%(message)s", stream=sys.stdout)
context = multiprocessing.get_context("spawn")
count, *broken = map(int, sys.argv[1:])
counts = [-1] * count

def start(number):
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])
    if number in broken:
        process = context.Process(target=os._exit, args=(3,))
    else:
        process = context.Process(target=time.sleep, args=(1000,))
        counts[number] = 0
    process.start()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGHUP])
    print("started", number, process.pid, flush=True)
    return process

def stop_listening():
    print("stops listening", flush=True)

if __name__ == "__main__":
    sys.exit(Workers(start, counts, stop_listening).run())
"""


@contextlib.contextmanager
def workers(count: int, *broken: int) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *map(str, (count, *broken))],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def line_of(process: subprocess.Popen[str], text: str) -> str:
    """The next line that has the text."""
    assert process.stdout is not None
    return next(line for line in process.stdout if text in line)


def started(process: subprocess.Popen[str]) -> tuple[int, int]:
    """The place and pid of the next worker that is started."""
    _, place, pid = line_of(process, "started").split()
    return int(place), int(pid)


def test_worker_that_was_killed_is_replaced():
    """The log says how it ended, and the other one is left alone."""
    with workers(2) as supervisor:
        (_, one), (_, two) = started(supervisor), started(supervisor)
        os.kill(two, signal.SIGKILL)
        line = line_of(supervisor, f"worker {two} ")
        place, another = started(supervisor)
        os.kill(one, 0)

    assert line == f"worker {two} was killed by SIGKILL; the next one starts in 1 s\n"
    assert place == 1
    assert another not in (one, two)


def test_worker_that_cannot_start_is_tried_again_with_growing_pauses():
    """As long as another one is alive."""
    with workers(2, 1) as supervisor:
        _, alive = started(supervisor)
        lines = [line_of(supervisor, "ended with code 3") for _ in range(2)]
        os.kill(alive, 0)
        supervisor.send_signal(signal.SIGTERM)
        code = supervisor.wait(20)

    assert [line.partition("; ")[2] for line in lines] == [
        "the next one starts in 1 s\n",
        "the next one starts in 2 s\n",
    ]
    assert code == 0


@pytest.mark.parametrize("count", [1, 2])
def test_the_end_is_no_success_if_none_can_start(count):
    """A service manager sees that it has failed, and new clients go elsewhere."""
    with workers(count, *range(count)) as supervisor:
        line_of(supervisor, "before it served; none is left")
        line_of(supervisor, "stops listening")
        code = supervisor.wait(20)

    assert code == 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_all_are_told_to_stop(number):
    """The end is a success then, however the workers end."""
    with workers(2) as supervisor:
        pids = [started(supervisor)[1] for _ in range(2)]
        supervisor.send_signal(number)
        line_of(supervisor, "stops listening")
        code = supervisor.wait(20)

    assert code == 0
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_hangup_reaches_workers_and_ends_none():
    """It is held back where it cannot be answered yet."""
    with workers(1) as supervisor:
        _, pid = started(supervisor)
        for _ in range(3):
            supervisor.send_signal(signal.SIGHUP)
        while not is_pending(pid, signal.SIGHUP):
            assert supervisor.poll() is None
        os.kill(pid, 0)


def is_pending(pid: int, number: signal.Signals) -> bool:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    pending = next(line for line in lines if line.startswith("ShdPnd"))
    return bool(int(pending.split()[1], 16) & 1 << (number - 1))
