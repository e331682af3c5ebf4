"""Worker processes: one that dies is replaced while the others keep serving.

A worker that cannot start, for example because the store is down, is started again with growing
pauses as long as another one is alive. When none is, the supervisor exits with an error.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Iterator, MutableSequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Any, Final

from gateway.server.accept import NOT_SERVING

log = logging.getLogger("gateway.workers")

CANNOT_START: Final = 3
_LONG_LIFE_SECONDS: Final = 10.0
_LONGEST_PAUSE_SECONDS: Final = 30.0
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass(slots=True)
class _Place:
    """One place for a worker; `start_at` is when its next process is due."""

    number: int
    process: BaseProcess | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    short_lives: int = 0


class Workers:
    """Keeps as many processes running as `counts` has entries.

    `start` starts the worker of a place, which writes its number of connections to `counts` once
    it serves. `stop_listening` is called first when all of them are to stop.
    """

    def __init__(
        self,
        start: Callable[[int], BaseProcess],
        counts: MutableSequence[int],
        stop_listening: Callable[[], None],
    ) -> None:
        self._start = start
        self._counts = counts
        self._stop_listening = stop_listening
        self._places = [_Place(number) for number in range(len(counts))]
        self._signals: list[int] = []
        self._is_stopping = False
        self._code = 0

    def run(self) -> int:
        """Run until a signal has stopped all workers, or none can start; returns the exit code."""
        with self._noting_signals() as wakened:
            while not self._is_stopping or self._alive():
                if not self._is_stopping:
                    self._start_those_due()
                wait([wakened, *(process.sentinel for process in self._alive())], self._pause())
                self._pass_on_signals(wakened)
                for place in self._places:
                    if place.process is not None and not place.process.is_alive():
                        self._on_death(place, place.process)
        return self._code

    def _alive(self) -> list[BaseProcess]:
        return [place.process for place in self._places if place.process is not None]

    def _start_those_due(self) -> None:
        now = time.monotonic()
        for place in self._places:
            if place.process is None and place.start_at <= now:
                self._counts[place.number] = NOT_SERVING
                place.started_at = now
                place.process = self._start(place.number)

    def _pause(self) -> float | None:
        """The time until the next worker is due, in seconds."""
        due = [place.start_at for place in self._places if place.process is None]
        return max(0.0, min(due) - time.monotonic()) if due and not self._is_stopping else None

    def _on_death(self, place: _Place, process: BaseProcess) -> None:
        process.join()
        place.process = None
        has_served = self._counts[place.number] != NOT_SERVING
        self._counts[place.number] = NOT_SERVING
        if self._is_stopping:
            return
        lived = time.monotonic() - place.started_at
        place.short_lives = (
            0 if has_served and lived >= _LONG_LIFE_SECONDS else place.short_lives + 1
        )
        if not has_served and not self._alive():
            log.error("worker %s %s before it served; none is left", process.pid, _end_of(process))
            self._code = CANNOT_START
            self._stop()
            return
        pause = (
            min(2.0 ** (place.short_lives - 1), _LONGEST_PAUSE_SECONDS)
            if place.short_lives
            else 0.0
        )
        place.start_at = time.monotonic() + pause
        log.error(
            "worker %s %s; the next one starts in %.0f s", process.pid, _end_of(process), pause
        )

    def _stop(self) -> None:
        if not self._is_stopping:
            self._is_stopping = True
            self._stop_listening()

    # Signals

    @contextmanager
    def _noting_signals(self) -> Iterator[int]:
        """Records signals; a byte on the yielded descriptor announces each."""
        reading, writing = os.pipe()
        os.set_blocking(writing, False)

        def note(number: int, _: Any) -> None:
            self._signals.append(number)
            os.write(writing, b"\0")

        before = {number: signal.signal(number, note) for number in _SIGNALS}
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGHUP])
        try:
            yield reading
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(reading)
            os.close(writing)

    def _pass_on_signals(self, wakened: int) -> None:
        while self._signals:
            os.read(wakened, 1)
            number = self._signals.pop(0)
            if number != signal.SIGHUP:
                self._stop()
                number = signal.SIGTERM
            for process in self._alive():
                if process.pid is not None and process.is_alive():
                    os.kill(process.pid, number)


def _end_of(process: BaseProcess) -> str:
    code = process.exitcode or 0
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
