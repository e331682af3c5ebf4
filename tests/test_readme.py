"""The README leaves nothing out, and what it shows works."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from graphql import parse, validate

from gateway.cli import main
from gateway.commands.dev import SAMPLE_DOCUMENT
from gateway.graphql.schema import executable_schema
from gateway.http.errors import ErrorCode
from gateway.invites.models import InviteErrorCode, InviteOutcome
from gateway.sandbox.failures import READ_REFUSALS, REFUSALS, Mishap
from gateway.settings.model import Settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def blocks(language: str) -> list[str]:
    """The fenced code blocks in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_has_its_row(name):
    """What can be set can be found."""
    assert f"`GATEWAY_{name.upper()}`" in README


@pytest.mark.parametrize(
    "word", [*InviteErrorCode, *InviteOutcome, *ErrorCode], ids=lambda word: word.name
)
def test_every_code_and_outcome_has_its_row(word):
    """What can be answered is explained."""
    assert re.search(rf"^\| `{word.value}` \|", README, re.MULTILINE)


@pytest.mark.parametrize("name", main.commands)
def test_every_command_has_its_row(name):
    """What can be run is listed."""
    assert re.search(rf"^\| `gateway {name}\b", README, re.MULTILINE)


@pytest.mark.parametrize(
    "local_part", [*REFUSALS, *(mishap.value for mishap in Mishap), *map(str, READ_REFUSALS)]
)
def test_every_failure_of_the_stand_in_has_its_row(local_part):
    """What can be tried is listed."""
    assert f"`{local_part}`" in README


@pytest.mark.parametrize("requirement", PROJECT["dependencies"])
def test_every_dependency_has_its_reason(requirement):
    """Nothing is installed without a word on why."""
    name = re.match(r"[A-Za-z0-9-]+", requirement)
    assert name is not None

    assert re.search(rf"^\| .*\b{name[0]}\b.* \|", README, re.MULTILINE)


def test_the_operations_fit_the_schema():
    """What a reader pastes is answered."""
    shown = blocks("graphql")

    assert shown
    for operation in shown:
        assert validate(executable_schema(), parse(operation)) == []


def test_the_first_operation_is_what_dev_runs():
    """The README shows the very request that the first command prints."""
    assert blocks("graphql")[0].strip() == SAMPLE_DOCUMENT
