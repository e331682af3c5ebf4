"""Node and packages from npm, for tests of clients that are written in JavaScript."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest

_INSTALL = ("npm", "ci", "--prefer-offline", "--no-audit", "--no-fund", "--silent")


def needs_node() -> None:
    """Skip where there is no Node, and fail where it was promised (CI)."""
    if not (shutil.which("node") and shutil.which("npm")):
        _cannot("protocol audits, frontend clients and federation need Node 20 or newer, and npm")


def needs_packages(folder: Path) -> None:
    """Have the packages of `folder` installed; skip where that fails, and fail in CI."""
    needs_node()
    # Test processes that run at once wait for the first one's installation.
    with (folder / "package.json").open("rb") as declared:
        fcntl.flock(declared, fcntl.LOCK_EX)
        if not _is_installed(folder):
            _install(folder)


def run_node(folder: Path, *words: str | Path, timeout_seconds: float = 60) -> str:
    """What `node <words>` prints; fails with its error output."""
    return _run(folder, "node", *words, timeout_seconds=timeout_seconds)


def run_tool(folder: Path, name: str, *words: str | Path, timeout_seconds: float = 60) -> str:
    """What a command that a package has brought prints; fails with all its output."""
    return _run(folder, f"node_modules/.bin/{name}", *words, timeout_seconds=timeout_seconds)


def _is_installed(folder: Path) -> bool:
    # npm writes this file last.
    written = folder / "node_modules" / ".package-lock.json"
    wanted = (folder / "package.json", folder / "package-lock.json")
    return written.is_file() and all(
        written.stat().st_mtime >= file.stat().st_mtime for file in wanted
    )


def _install(folder: Path) -> None:
    done = subprocess.run(
        _INSTALL,
        cwd=folder,
        capture_output=True,
        check=False,
        text=True,
        timeout=400,
    )
    if done.returncode:
        _cannot(f"npm could not install the packages of {folder.name}: {done.stderr.strip()}")


def _run(folder: Path, *words: str | Path, timeout_seconds: float) -> str:
    done = subprocess.run(
        words, cwd=folder, capture_output=True, check=False, text=True, timeout=timeout_seconds
    )
    assert done.returncode == 0, f"{words} in {folder}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _cannot(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
