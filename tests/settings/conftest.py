"""An environment for settings."""

from __future__ import annotations

import pytest

from tests.fakes.environment import SECRET, plain_environment


@pytest.fixture
def environment(bare):
    """Sets `GATEWAY_*` variables; begins with the two that are required."""
    bare(UPSTREAM_API_KEY=SECRET, AUTH="none")
    return bare


@pytest.fixture(autouse=True)
def bare(monkeypatch, tmp_path):
    """No variable or file of the machine reaches these tests."""
    return plain_environment(monkeypatch, tmp_path)
