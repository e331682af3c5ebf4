"""README and guides leave nothing out, and what they show works."""

from __future__ import annotations

import re
import tomllib

import pytest
from graphql import parse, validate

from gateway.cli import main
from gateway.commands.dev import SAMPLE_DOCUMENT
from gateway.graphql.schema import executable_schema
from gateway.http.errors import ErrorCode
from gateway.invites.models import InviteErrorCode, InviteOutcome
from gateway.sandbox.applicants import INACTIVE_TRACK
from gateway.sandbox.failures import FAILURES, READ_REFUSALS
from gateway.sandbox.platform import ADDRESSES
from gateway.settings.model import Settings
from gateway.site.guide.page import anchor_of
from tests.fakes.texts import GUIDES, README, ROOT, blocks

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
CONTRIBUTING = (ROOT / ".github/CONTRIBUTING.md").read_text("utf-8")
LINKS = {
    (name, target)
    for name, text in {"README": README, **GUIDES}.items()
    for target in re.findall(r"\]\((?!http)([^)\s]+)\)", text)
}


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_has_its_row(name):
    """What can be set can be found."""
    assert f"`GATEWAY_{name.upper()}`" in GUIDES["settings"]


@pytest.mark.parametrize(
    "word", [*InviteErrorCode, *InviteOutcome, *ErrorCode], ids=lambda word: word.name
)
def test_every_code_and_outcome_has_its_row(word):
    """What can be answered is explained."""
    assert re.search(rf"^\| `{word.value}` \|", GUIDES["errors"], re.MULTILINE)


@pytest.mark.parametrize("name", main.commands)
def test_every_command_has_its_row(name):
    """What can be run is listed."""
    assert re.search(rf"^\| `gateway {name}\b", README, re.MULTILINE)


@pytest.mark.parametrize(
    "local_part", [*FAILURES, *ADDRESSES, *map(str, (*READ_REFUSALS, INACTIVE_TRACK))]
)
def test_every_failure_of_the_stand_in_has_its_row(local_part):
    """What can be tried is listed."""
    assert f"`{local_part}`" in GUIDES["stand-in"]


@pytest.mark.parametrize("option", main.commands["sandbox"].params, ids=lambda one: one.name)
def test_every_way_to_be_the_platform_has_its_row(option):
    """What the stand-in can play is listed, value by value."""
    values = getattr(option.type, "choices", ())

    assert option.name == "port" or option.opts[0] in GUIDES["stand-in"]
    assert not [value for value in values if f"`{value}`" not in GUIDES["stand-in"]]


@pytest.mark.parametrize("requirement", PROJECT["dependencies"])
def test_every_dependency_has_its_reason(requirement):
    """Nothing is installed without a word on why."""
    name = re.match(r"[A-Za-z0-9-]+", requirement)
    assert name is not None

    assert re.search(rf"^\| .*\b{name[0]}\b.* \|", GUIDES["dependencies"], re.MULTILINE)


def test_the_readme_is_short():
    """A newcomer reads it to the end; everything else is a guide, one click away."""
    assert len(README.splitlines()) <= 200
    for name in GUIDES:
        assert f"(gateway/site/guide/{name}.md)" in README


@pytest.mark.parametrize(("name", "target"), sorted(LINKS))
def test_links_lead_somewhere(name, target):
    """Each link names a file that is there, and a heading in it."""
    folder = ROOT if name == "README" else ROOT / "gateway/site/guide"
    path, _, anchor = target.partition("#")
    file = folder / path if path else folder / f"{name}.md"
    headings = re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.MULTILINE) if anchor else []

    assert file.exists()
    assert anchor in (
        "",
        *map(anchor_of, headings),
    )


@pytest.mark.parametrize("name", ["README", *sorted(GUIDES)])
def test_the_operations_fit_the_schema(name):
    """What a reader pastes is answered."""
    for operation in blocks({"README": README, **GUIDES}[name], "graphql"):
        assert validate(executable_schema(), parse(operation)) == []


def test_the_first_operation_is_what_dev_runs():
    """The README shows the very request that the first command prints."""
    assert blocks(README, "graphql")[0].strip() == SAMPLE_DOCUMENT


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"`((?:gateway|tests)/[\w/.]+)`", CONTRIBUTING)))
)
def test_what_contributing_names_is_there(path):
    """Whoever carries on opens the right file at the first guess."""
    assert (ROOT / path).exists()
