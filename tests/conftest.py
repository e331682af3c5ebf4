"""Shared fixtures; the guard keeps every test on loopback."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fakes.postgres import fresh_database, running_postgres
from tests.guard import sitecustomize as _guard  # noqa: F401 - importing installs it

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parent
SLOW = ("bench", "crash", "e2e", "test_start.py")
"""What starts processes or browsers. Fault tables wait until deadlines run out, on real sockets."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the slow tests: `-m "not slow"` runs those that take less than a minute together."""
    for item in items:
        first = item.path.relative_to(TESTS).parts[0]
        needs_database = "postgres_server" in getattr(item, "fixturenames", ())
        if first in SLOW or item.path.stem.endswith("_faults") or needs_database:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    with running_postgres() as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    with fresh_database(postgres_server) as url:
        yield url
