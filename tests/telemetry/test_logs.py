"""What is logged, and what never is."""

from __future__ import annotations

import json
import logging

import pytest

from gateway.telemetry.logs import configure_logging


@pytest.fixture(autouse=True)
def _logging_as_before():
    """Other tests log as they did."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_the_http_client_stays_quiet(capsys):
    """Its lines would name URLs, even where everything else is wanted."""
    configure_logging(logging.DEBUG)

    logging.getLogger("httpcore2.http11").error("key")
    logging.getLogger("gateway").info("told")

    assert "key" not in capsys.readouterr().err


def test_libraries_are_heard_from_warnings_on(capsys):
    """What others say at debug level may hold what they carry."""
    configure_logging(logging.DEBUG)

    logging.getLogger("asyncpg").info("carried")
    logging.getLogger("asyncpg").warning("trouble")

    told = capsys.readouterr().err
    assert "carried" not in told
    assert "trouble" in told


def test_exception_is_told_without_its_message(capsys):
    """Type and frames lead to the bug; the message may hold an address."""
    configure_logging(as_json=True)

    try:
        int("ada@example.com")
    except ValueError:
        logging.getLogger("gateway").exception("it failed")

    line = json.loads(capsys.readouterr().err)
    assert line["event"] == "it failed"
    assert line["exception"].startswith("ValueError < ")
    assert "test_exception_is_told_without_its_message" in line["exception"]
    assert "ada@example.com" not in str(line)
