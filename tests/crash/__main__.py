"""`python -m tests.crash --kills 200 [--store postgres] [--command invite] [--hides] [--seed N]`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import secrets
import sys
import tempfile
from pathlib import Path

from tests.crash.run import Run, Tally
from tests.crash.spreadsheet import SheetRun
from tests.fakes.postgres import fresh_database, running_postgres


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--store", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--command", choices=["serve", "invite"], default="serve")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--hides", action="store_true", help="list nobody who has not acted")
    given = parser.parse_args()
    seed = secrets.randbelow(2**32) if given.seed is None else given.seed
    tally = crash(
        given.store, command=given.command, kills=given.kills, seed=seed, hides=given.hides
    )
    print(f"store       {given.store}")
    print(tally.text())
    sys.exit(0 if tally.passed else 1)


def crash(store: str, *, command: str, kills: int, seed: int, hides: bool = False) -> Tally:
    """One run; two gateways share a PostgreSQL, one has a SQLite file."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gateway-crash-")))
        replicas, url = 1, f"sqlite:///{folder / 'gateway.db'}"
        if store == "postgres":
            server = stack.enter_context(running_postgres())
            replicas, url = 2, stack.enter_context(fresh_database(server))
        if command == "invite":
            return asyncio.run(SheetRun(folder, url, seed=seed).go(kills))
        run = Run(folder, url, seed=seed, replicas=replicas, hides=hides)
        return asyncio.run(run.go(kills))


if __name__ == "__main__":
    main()
