"""An older commit of this gateway, with the libraries that it asks for."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tests.bench.contenders import OLDER_MARK, OURS, Contender

_ROOT = Path(__file__).parents[2]


class OlderUnavailableError(Exception):
    """The commit cannot be installed; the text says why."""


@contextlib.contextmanager
def older_gateway(commit: str) -> Iterator[Contender]:
    """The gateway as of `commit`, installed in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        checkout, python = folder / "checkout", folder / "venv" / "bin" / "python"
        _run("git", "-C", str(_ROOT), "worktree", "add", "--detach", str(checkout), commit)
        try:
            _run(sys.executable, "-m", "venv", str(folder / "venv"))
            _run(str(python), "-m", "pip", "install", "-q", str(checkout))
            command = (str(python), "-m", "gateway", "serve")
            yield replace(
                OURS, name=f"{OURS.name}{OLDER_MARK}{commit}", command=command, folder=folder
            )
        finally:
            _run("git", "-C", str(_ROOT), "worktree", "remove", "--force", str(checkout))


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        raise OlderUnavailableError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
