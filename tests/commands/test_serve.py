"""The server is set up from the settings."""

from __future__ import annotations

from dataclasses import fields

from starlette.applications import Starlette

from gateway.server.config import server_config
from gateway.settings.limits import ConnectionLimits, Limits
from tests.fakes.settings import settings


def test_every_limit_is_a_setting():
    """Each limit can be set by its own name, and is what it is by default."""
    plain = settings()

    for limits in (Limits(), ConnectionLimits()):
        for limit in fields(limits):
            assert getattr(plain, limit.name) == getattr(limits, limit.name)


def test_limits_are_those_that_are_set():
    """A limit that an operator sets is the one that holds."""
    given = settings(max_connections=7, body_timeout_seconds=3, max_depth=5)

    assert given.connection_limits() == ConnectionLimits(max_connections=7, body_timeout_seconds=3)
    assert given.request_limits() == Limits(max_depth=5)


def test_server_tells_strangers_nothing():
    """No Server header, no line per request, no upgrade."""
    config = server_config(Starlette(), settings(request_timeout_seconds=2.5))

    assert not config.server_header
    assert not config.access_log
    assert config.ws == "none"
    assert config.timeout_graceful_shutdown == 8
