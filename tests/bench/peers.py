"""Installs the gateways of other ecosystems from npm, into a folder of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

SOURCES = Path(__file__).parent / "peer_sources"


class PeersUnavailableError(Exception):
    """The peers cannot be installed here; the text says why."""


def default_folder() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "track-invite-gateway-bench"


def install(folder: Path) -> None:
    """Leaves the peers ready to run in `folder`; takes a minute the first time."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise PeersUnavailableError(f"--peers needs {program} (Node.js 20 or later)")
    folder.mkdir(parents=True, exist_ok=True)
    fresh = not _same(SOURCES / "package.json", folder / "package.json")
    for source in SOURCES.iterdir():
        shutil.copy(source, folder)
    if fresh or not (folder / "node_modules").is_dir():
        _run(folder, "npm", "install", "--no-audit", "--no-fund", "--loglevel=error")
    _run(folder, "node_modules/.bin/mesh-compose", "-o", "supergraph.graphql")


def _same(one: Path, other: Path) -> bool:
    return other.exists() and one.read_bytes() == other.read_bytes()


def _run(folder: Path, *command: str) -> None:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=600, check=False
    )
    if done.returncode != 0:
        raise PeersUnavailableError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
