"""`gateway check`: prints the settings and their errors, and tries connections."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

import click

from gateway.checks import checked_settings
from gateway.commands.connections import tried_connections
from gateway.settings.access import is_loopback, open_to_all
from gateway.settings.loading import SettingsError, given_values
from gateway.settings.model import PREFIX, Settings
from gateway.settings.reference import default_of, fields_in_order

_DONE, _NOT_REACHED = 0, 1
_HIDDEN: Final = "(hidden)"
_WIDTH: Final = max(len(name) for name in Settings.model_fields) + len(PREFIX)
# The last @ ends the password: one with an @ or a / in it is misread, and still hidden.
_PASSWORD: Final = re.compile(r"(?<=://)([^:/?#@]*):.*@")
_PASSWORD_IN_QUERY: Final = re.compile(r"((?:ssl)?password=)[^&]*")


def check(*, everything: bool, connect: bool) -> int:
    """Print the settings that are set, or `everything`; return the exit code.

    If the settings are valid, `connect` tries the servers that they name.
    """
    given = given_values()
    try:
        settings = checked_settings()
    except SettingsError as error:
        _print(given, faults=error.faults, everything=everything)
        return error.exit_code
    _print(given, faults=(), everything=everything)
    for warning in _warnings(settings):
        click.echo(f"Warning: {warning}")
    return _tried(settings) if connect else _DONE


def _tried(settings: Settings) -> int:
    code = _DONE
    for connection in asyncio.run(tried_connections(settings)):
        code = code if connection.works else _NOT_REACHED
        mark = "ok" if connection.works else "WRONG"
        click.echo(f"{connection.name:<18} {mark:<6} {connection.found}")
    return code


def _print(given: Mapping[str, str], *, faults: tuple[str, ...], everything: bool) -> None:
    messages = {fault.partition(":")[0]: fault.partition(": ")[2] for fault in faults}
    for field in fields_in_order():
        name = PREFIX + field.upper()
        fault = messages.pop(name, None)
        if field in given:
            click.echo(f"{name:<{_WIDTH}}  {_shown(field, given[field])}")
        elif fault is not None or everything:
            click.echo(f"{name:<{_WIDTH}}  {_default(field)}")
        if fault is not None:
            click.echo(f"  WRONG: {fault}")
    for name, fault in messages.items():
        click.echo(f"{name}\n  WRONG: {fault}")


def _shown(field: str, text: str) -> str:
    """The text without secrets; a URL loses only its password."""
    if _is_secret(field) and "://" not in text:
        return _HIDDEN
    return _PASSWORD_IN_QUERY.sub(r"\1***", _PASSWORD.sub(r"\1:***@", text))


def _is_secret(field: str) -> bool:
    return "SecretStr" in str(Settings.model_fields[field].annotation)


def _default(field: str) -> str:
    default = default_of(Settings.model_fields[field])
    return "-" if default is None else f"{default} (default)"


def _warnings(settings: Settings) -> Iterator[str]:
    for field in ("upstream_url", "traces_url"):
        parts = urlsplit(getattr(settings, field) or "")
        if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            yield (
                f"{PREFIX}{field.upper()} leads to another machine without TLS: anyone in"
                " between can read and change what is sent."
            )
    if (warning := open_to_all(settings.auth, settings.host)) is not None:
        yield warning
