"""Log lines are written, or dropped and counted; they are never waited for."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Iterator

import pytest

from gateway.telemetry.log_stream import LogStream, dropped_lines, never_wait_for_log
from gateway.telemetry.metrics import Metrics

LINE = b"x" * 999 + b"\n"
MANY = 5_000


@contextlib.contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)
    os.close(writing)


@contextlib.contextmanager
def sockets() -> Iterator[tuple[int, int]]:
    reading, writing = socket.socketpair()
    with reading, writing:
        yield reading.fileno(), writing.fileno()


@contextlib.contextmanager
def pipe_of_another_user() -> Iterator[tuple[int, int]]:
    """It cannot be opened a second time."""
    with pytest.MonkeyPatch.context() as patched, pipe() as ends:
        patched.setattr(os, "open", refuse)
        yield ends


def refuse(*_: object) -> int:
    raise PermissionError


@pytest.fixture(params=[pipe, sockets, pipe_of_another_user], ids=lambda made: made.__name__)
def ends(request):
    """Where lines are read, and where they are written."""
    with request.param() as made:
        yield made


def read_all(descriptor: int) -> bytes:
    os.set_blocking(descriptor, False)
    received = b""
    with contextlib.suppress(BlockingIOError):
        while chunk := os.read(descriptor, 65_536):
            received += chunk
    return received


def test_lines_that_nobody_reads_are_dropped_and_counted(ends):
    """The process goes on; who reads later finds whole lines, those of afterwards too."""
    reading, writing = ends
    with LogStream(writing) as stream:
        for _ in range(MANY):
            stream.write(LINE)
        dropped = stream.dropped
        first = read_all(reading)
        stream.write(b"later\n")
        received = first + read_all(reading)

    assert 0 < dropped < MANY
    assert stream.dropped == dropped
    assert set(received.splitlines()) == {LINE.strip(), b"later"}
    assert received.count(b"\n") == MANY - dropped + 1


def test_others_may_still_wait(ends):
    """Whoever shares the pipe, a shell for one, does not get its end made non-blocking."""
    with LogStream(ends[1]):
        assert os.get_blocking(ends[1])


def test_reader_that_has_gone_ends_nothing():
    """Its lines are dropped."""
    reading, writing = os.pipe()
    os.close(reading)
    with LogStream(writing) as stream:
        stream.write(LINE)

    assert stream.dropped == 1
    os.close(writing)


def test_file_gets_every_line(tmp_path):
    """And keeps what is in it."""
    path = tmp_path / "log"
    path.write_text("before\n")
    with path.open("ab") as file, LogStream(file.fileno()) as stream:
        stream.write(LINE)

    assert path.read_bytes() == b"before\n" + LINE


def test_standard_error_is_such_a_stream(monkeypatch, tmp_path):
    """For text and bytes alike; the metrics tell what was dropped."""
    with pipe() as (reading, writing), os.fdopen(os.dup(writing), "w") as standard_error:
        monkeypatch.setattr(sys, "stderr", standard_error)
        never_wait_for_log()
        never_wait_for_log()
        print("Gräfin", file=sys.stderr)
        sys.stderr.buffer.write(b"bytes\n")
        received = read_all(reading)
        for _ in range(MANY):
            sys.stderr.buffer.write(LINE)
        metrics = Metrics()
        metrics.pass_on()
        text = metrics.exposition().decode()

        assert received == "Gräfin\nbytes\n".encode()
        assert f"gateway_log_lines_dropped_total {float(dropped_lines())}" in text
        assert dropped_lines() > 0
