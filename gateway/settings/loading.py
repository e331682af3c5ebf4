"""Loads the settings from the environment and a `.env` file; reports all faults at once."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import DotEnvSettingsSource

from gateway.operator_error import OperatorError
from gateway.settings.model import PREFIX, Settings
from gateway.settings.service_links import without_service_links

_ALIKE = 0.85
AnySettings = TypeVar("AnySettings", bound=Settings)


class SettingsError(OperatorError):
    """The settings are missing or contradictory; `faults` has one line for each of them."""

    exit_code = 2

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n  ".join(["the settings are not right:", *faults]))
        self.faults = faults


def given_values() -> dict[str, str]:
    """The raw values from the environment and `.env`, by field name.

    Raises SettingsError if `.env` cannot be read.
    """
    in_file, environment = _in_file(), without_service_links(os.environ)
    given = {
        name.upper(): value for name, value in (*in_file.items(), *environment.items()) if value
    }
    names = {field: PREFIX + field.upper() for field in Settings.model_fields}
    return {field: given[name] for field, name in names.items() if name in given}


def load_settings(model: type[AnySettings], **given: object) -> AnySettings:
    """The settings from the environment and `.env`; `given` overrides both.

    Raises SettingsError with all faults at once, and without secrets.
    """
    faults = list(_misspelt(_names_given()))
    try:
        settings = model(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        faults += [_line(detail) for detail in error.errors(include_input=False)]
    if faults:
        raise SettingsError(tuple(faults))
    return settings


def _line(detail: ErrorDetails) -> str:
    name = PREFIX + str(detail["loc"][0]).upper()
    if detail["type"] == "missing":
        description = Settings.model_fields[str(detail["loc"][0])].description
        return f"{name}: is required. {description}"
    message = detail["msg"].removeprefix("Value error, ")
    return f"{name}: {message[:1].lower()}{message[1:]}"


def _names_given() -> set[str]:
    return {name.upper() for name in (*without_service_links(os.environ), *_in_file())}


def _in_file() -> Mapping[str, str | None]:
    try:
        return DotEnvSettingsSource(Settings).env_vars
    except OSError as error:
        raise SettingsError((f".env: cannot be read: {error.strerror}",)) from None
    except UnicodeDecodeError:
        raise SettingsError((".env: is not UTF-8",)) from None


def _misspelt(given: Iterable[str]) -> Iterator[str]:
    """A line for each variable close to a setting's name; others may belong to other programs."""
    names = [PREFIX + field.upper() for field in Settings.model_fields]
    for variable in sorted(given):
        if variable.startswith(PREFIX) and variable not in names:
            for meant in difflib.get_close_matches(variable, names, n=1, cutoff=_ALIKE):
                yield f"{variable}: unknown setting; did you mean {meant}?"
