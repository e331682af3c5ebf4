"""What is logged, and what never is."""

from __future__ import annotations

import asyncio
import gc
import json
import logging

import pytest

from gateway.telemetry.logs import configure_logging, event_log


@pytest.fixture(autouse=True)
def _logging_as_before():
    """Other tests log as they did."""
    root = logging.getLogger()
    handlers, level, told = root.handlers[:], root.level, logging.raiseExceptions
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.raiseExceptions = told


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


@pytest.mark.parametrize(
    ("words", "values", "told"),
    [
        ("refused %s with %d", ("ada@example.com", 503), "refused … with 503"),
        ("refused %(who)s", ({"who": "ada@example.com"},), "refused …"),
        ("trouble", (), "trouble"),
    ],
)
def test_values_of_libraries_are_left_out(capsys, words, values, told):
    """What a library says is known, and what about is not."""
    configure_logging(as_json=True)

    logging.getLogger("library").warning(words, *values)

    assert json.loads(capsys.readouterr().err)["event"] == told


async def test_event_loop_tells_no_values(capsys):
    """A task that failed unnoticed, and a callback, are told by type and frames alone."""
    configure_logging(as_json=True)

    async def fail(email: str) -> None:
        raise ValueError(email)

    task = asyncio.create_task(fail("ada@example.com"))
    await asyncio.wait([task])
    del task
    gc.collect()
    asyncio.get_running_loop().call_soon(int, "ada@example.com")
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    told = capsys.readouterr().err
    assert "ada" not in told
    assert [json.loads(line)["exception"][:12] for line in told.splitlines()] == [
        "ValueError <"
    ] * 2


def test_line_that_cannot_be_written_shows_no_values(capsys):
    """A line with the wrong number of values is a bug, and no reason to print them."""
    configure_logging(as_json=True)

    logging.getLogger("gateway").warning("%d and %d", "ada@example.com")  # noqa: PLE1206 - the bug

    assert "ada" not in capsys.readouterr().err


def test_lines_for_people_keep_to_one_line(capsys):
    """Fields that are no plain words are quoted, so that a line stays one."""
    log = event_log(logging.INFO, as_json=False)
    assert log is not None

    log("request", {"operation": "Invite", "code": "", "caller": "two\nwords"})

    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert line.endswith('Z [info] request operation=Invite code="" caller="two\\nwords"\n')


def test_lines_of_the_gateways_own_modules_have_the_same_form(capsys):
    """A line for programs has event, level and time, whoever wrote it."""
    configure_logging(as_json=True)

    logging.getLogger("gateway.files").warning("%s is gone", "tokens")

    line = json.loads(capsys.readouterr().err)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "tokens is gone", "level": "warning", "logger": "gateway.files"}
