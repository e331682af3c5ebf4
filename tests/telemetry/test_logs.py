"""What is logged, and what never is."""

from __future__ import annotations

import logging

import pytest

from gateway.telemetry import configure_logging


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
