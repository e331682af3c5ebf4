"""The program's commands as processes of their own, on free ports."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
GUARD = ROOT / "tests" / "guard"
_ADDRESS = re.compile(r"http://[^\s/;]+")


@dataclass(slots=True)
class Command:
    """A running command; `printed` is what has been read of its standard output."""

    process: subprocess.Popen[str]
    errors_file: Path
    printed: str = ""

    def read_to(self, pattern: str | re.Pattern[str]) -> str:
        """Read lines until one has the pattern, and return what matched."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.printed += line
            if found := re.search(pattern, line):
                return found[0]
        raise AssertionError(f"the command ended:\n{self.printed}\n{self.errors()}")

    def address(self) -> str:
        """The first address that it prints."""
        return self.read_to(_ADDRESS)

    def errors(self) -> str:
        return self.errors_file.read_text("utf-8")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal, await the end, and return the exit code."""
        self.process.send_signal(number)
        return self.end()

    def end(self) -> int:
        """Await the end by itself and return the exit code."""
        printed, _ = self.process.communicate(timeout=30)
        self.printed += printed
        return self.process.returncode


def running(
    folder: Path, *words: str, **settings: str
) -> contextlib.AbstractContextManager[Command]:
    """`gateway <words>` with nothing but these settings, working in `folder`."""
    return program(folder, sys.executable, "-m", "gateway", *words, **settings)


@contextlib.contextmanager
def program(folder: Path, *words: str | Path, **settings: str) -> Iterator[Command]:
    """Any program, in the environment that `gateway` would have."""
    errors_file = folder / f"{len(list(folder.iterdir()))}.err"
    with errors_file.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            words,
            cwd=folder,
            env=environment(settings),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
    try:
        yield Command(process, errors_file)
    finally:
        # Workers outlive a parent that is killed, and would keep the pipe open.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The machine's environment with these settings alone, kept on loopback by the guard."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join([str(GUARD), str(ROOT)]),
        **{f"GATEWAY_{name}": value for name, value in settings.items()},
    }
