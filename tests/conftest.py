"""Shared fixtures; the guard keeps every test on loopback."""

from __future__ import annotations

from tests.guard import sitecustomize as _guard  # noqa: F401 - importing installs it
