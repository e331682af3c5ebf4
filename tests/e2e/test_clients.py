"""The clients that frontends use, against the real commands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLInterfaceType

from gateway.graphql.schema import executable_schema
from tests.e2e.conftest import Pair, serve_settings
from tests.e2e.frontend import (
    CACHES,
    GUIDE,
    MANIFESTS,
    PROGRAMS,
    compile_programs,
    files_on,
)
from tests.e2e.node import run_node, run_tool
from tests.e2e.processes import running

# The first test may have to wait for npm.
pytestmark = pytest.mark.timeout(480)

# These register a document at first use; the others name what was registered before.
AUTOMATIC = ("apollo", "urql")
UNNAMED = ("genql",)
"""It makes its documents as it runs, so that none could be known by a name."""


@pytest.fixture(scope="module")
def programs(frontend: Path) -> Path:
    compile_programs(frontend)
    return frontend / "programs"


@pytest.fixture(scope="module")
def trusting_gateway(shared_pair: Pair, frontend: Path) -> Iterator[str]:
    """The address of a gateway that runs the frontend's documents alone."""
    settings = serve_settings(
        shared_pair.sandbox, DOCUMENTS=",".join(MANIFESTS), DOCUMENTS_ONLY="true"
    )
    with running(frontend, "serve", **settings) as gateway:
        yield gateway.address()


@pytest.fixture(scope="module", params=PROGRAMS)
def report(request, shared_pair: Pair, programs: Path, trusting_gateway: str) -> dict[str, Any]:
    """What one client got, and how often the stand-in has invited whom."""
    client: str = request.param
    shared_pair.forget()
    persisting = shared_pair.gateway if client in AUTOMATIC + UNNAMED else trusting_gateway
    printed = run_node(
        programs, f"{client}.cjs", f"{shared_pair.gateway}/graphql", f"{persisting}/graphql"
    )
    accepted = [invite["candidate_email"] for invite in shared_pair.accepted()]
    return {"client": client, "accepted": accepted, **json.loads(printed)}


@pytest.mark.parametrize("folder", ["audits", "clients", "federation"])
def test_lock_file_leaves_the_registry_to_the_machine(folder):
    """Versions and checksums are fixed; where they come from is npm's own setting."""
    lock = json.loads((Path(__file__).parent / folder / "package-lock.json").read_text("utf-8"))

    packages = [package for path, package in lock["packages"].items() if path]
    assert packages
    assert all("resolved" not in package for package in packages)
    assert all("integrity" in package for package in packages)


def test_generated_types_compile_in_strict_mode(frontend):
    """Schema and operations give graphql-codegen and Relay types that fit every client's use."""
    run_tool(frontend, "tsc", "--project", ".")


def test_candidate_is_invited(report):
    """The client hands over every field of the invite."""
    invite = report["invite"]["invite"]

    assert report["invite"]["__typename"] == "InviteCandidateSuccess"
    assert (invite["email"], invite["name"], invite["trackId"], invite["inviteStatus"]) == (
        f"{report['client']}@example.com",
        "Ada Lovelace",
        "6578",
        "invited",
    )
    assert invite["inviteLink"].endswith(invite["applicationId"])


def test_typed_error_is_data(report):
    """A refusal arrives as a member of the union, not as an exception."""
    refused = report["typedError"]

    assert (refused["__typename"], refused["code"], refused["outcome"], refused["retryable"]) == (
        "AlreadyInvitedError",
        "ALREADY_INVITED",
        "NOT_INVITED",
        False,
    )


def test_request_error_is_raised_with_its_code(report):
    """A mistake of the frontend is an error of this client, which keeps the code."""
    assert report["requestError"] == "BAD_USER_INPUT"


def test_document_is_named_instead_of_sent(report):
    """Once the gateway knows a document, the client sends its name alone."""
    invited = [result["__typename"] for result in report["persisted"]]
    sent = ["document" if body.get("query") else "name" for body in report["bodies"]]

    assert invited == ["InviteCandidateSuccess"] * 2
    if report["client"] in AUTOMATIC:
        assert sent == ["name", "document", "name"]
    elif report["client"] in UNNAMED:
        assert sent == ["document", "document"]
    else:
        assert sent == ["name", "name"]


def test_manifest_has_ids_that_are_no_sha256(frontend):
    """Apollo's generator lets a frontend make them of anything; here they are MD5."""
    manifest = json.loads((frontend / "apollo-manifest.json").read_text("utf-8"))

    assert {len(operation["id"]) for operation in manifest["operations"]} == {32}


def test_no_client_invites_twice(report):
    """However a client repeats and registers, one call is one invite."""
    client = report["client"]

    assert report["accepted"] == [
        f"{local_part}@example.com"
        for local_part in (client, f"{client}-first", f"{client}-second")
    ]


@pytest.fixture(scope="module")
def caches(shared_pair: Pair, programs: Path) -> dict[str, Any]:
    """What was invited and read through the guide's caches, and all warnings."""
    printed = run_node(programs, f"{CACHES}.cjs", f"{shared_pair.gateway}/graphql")
    found: dict[str, Any] = json.loads(printed)
    return found


@pytest.mark.parametrize("client", ["apollo", "urql"])
def test_cache_merges_what_is_read_of_an_application(caches, client):
    """The cache alone answers with fields of two reads; the list is as it was."""
    seen = caches[client]

    merged = seen["merged"]["application"]
    assert (merged["name"], merged["email"], merged["currentStage"]["name"]) == (
        "grace",
        "grace@example.com",
        "Invited",
    )
    assert [node["name"] for node in seen["list"]["applications"]["nodes"]] == ["grace", "ada"]
    assert seen["listAfterwards"] == seen["list"]


@pytest.mark.parametrize("client", ["apollo", "urql"])
def test_cache_merges_no_invites(caches, client):
    """Each candidate of a list has their own invite, and an error keeps its fields."""
    ada, conflict, grace = caches[client]["invited"]["inviteCandidates"]["results"]

    assert [one["invite"]["email"] for one in (ada, grace)] == [
        "ada@example.com",
        "grace@example.com",
    ]
    assert ada["invite"]["inviteLink"] != grace["invite"]["inviteLink"]
    assert (conflict["code"], conflict["outcome"]) == ("ALREADY_INVITED", "NOT_INVITED")


def test_cache_has_a_key_for_every_type(caches):
    """urql warns of a type without one."""
    assert [line for line in caches["warnings"] if "Invalid key" in line] == []


def test_cache_knows_every_error():
    """The list in the guide is the interface's."""
    schema = executable_schema()
    interface = schema.type_map["InviteError"]
    assert isinstance(interface, GraphQLInterfaceType)
    shown = files_on(GUIDE)["src/urqlCache.ts"].partition("InviteError: [")[2].partition("]")[0]

    members = {member.name for member in schema.get_possible_types(interface)}
    assert set(re.findall(r"\w+", shown)) == members
