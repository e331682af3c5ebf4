"""Python's generated clients, in an environment of their own: they want an older graphql-core."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from graphql import build_schema, introspection_from_schema

from tests.e2e.conftest import Pair
from tests.e2e.frontend import README, operations_on
from tests.e2e.processes import ROOT, environment

CLIENTS = Path(__file__).parent / "python_clients"
COMMANDS = CLIENTS / ".venv" / "bin"
# The first test may have to wait for pip.
pytestmark = pytest.mark.timeout(300)

ARIADNE = """
import json, sys
from generated import Client, InviteCandidateInput

client = Client(url=sys.argv[1])
given = {"candidate_name": "Ada Lovelace", "track_id": "6578"}

def invite(email):
    result = client.invite(InviteCandidateInput(candidate_email=email, **given)).invite_candidate
    return result.model_dump(mode="json", by_alias=True)

print(json.dumps([invite("ada@example.com"), invite("conflict@example.com")]))
"""
SGQLC = """
import json, sys
import sgqlc_schema as schema
from sgqlc.endpoint.http import HTTPEndpoint
from sgqlc.operation import Operation

endpoint = HTTPEndpoint(sys.argv[1])

def run(operation):
    answer = endpoint(operation)
    assert "errors" not in answer, answer
    return answer["data"]

def invite(email):
    operation = Operation(schema.Mutation, name="Invite")
    given = {"candidate_name": "Ada Lovelace", "candidate_email": email, "track_id": 6578}
    result = operation.invite_candidate(input=given)
    result.__typename__()
    success = result.__as__(schema.InviteCandidateSuccess)
    success.invite.email()
    success.invite.track_id()
    success.replayed()
    result.__as__(schema.AlreadyInvitedError).__fields__("code", "message", "outcome", "retryable")
    return run(operation)["inviteCandidate"]

operation = Operation(schema.Mutation, name="Many")
candidates = [
    {
        "candidate_name": f"Candidate {n}",
        "candidate_email": f"c{n}@example.com",
        "idempotency_key": f"0f3a5c8e-1b2d-4c6f-8e9a-{n:012}",
    }
    for n in range(100)
]
operation.invite_candidates(input={"track_id": 6578, "candidates": candidates}).invited_count()
print(json.dumps([invite("ada@example.com"), invite("conflict@example.com"), run(operation)]))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Schema and operation as the generators want them."""
    _needs_packages()
    folder = tmp_path_factory.mktemp("python-clients")
    shutil.copy(CLIENTS / "ariadne.toml", folder)
    shutil.copy(ROOT / "schema.graphql", folder)
    (folder / "invite.graphql").write_text(operations_on(README)["Invite"], "utf-8")
    schema = build_schema((ROOT / "schema.graphql").read_text("utf-8"))
    introspected = {"data": introspection_from_schema(schema)}
    (folder / "schema.json").write_text(json.dumps(introspected), "utf-8")
    return folder


def test_ariadne_codegen(folder: Path, pair: Pair):
    """Types of the schema's own names, and every member of the union as one."""
    _run(folder, COMMANDS / "ariadne-codegen", "--config", "ariadne.toml", "client")

    invited, refused = _program(folder, ARIADNE, pair)

    assert invited["__typename"] == "InviteCandidateSuccess"
    assert (refused["__typename"], refused["code"]) == ("AlreadyInvitedError", "ALREADY_INVITED")
    assert [one["candidate_email"] for one in pair.accepted()] == ["ada@example.com"]


def test_sgqlc(folder: Path, pair: Pair):
    """It writes all values into the document, and a list of 100 is within the limits."""
    _run(folder, COMMANDS / "sgqlc-codegen", "schema", "schema.json", "sgqlc_schema.py")

    invited, refused, many = _program(folder, SGQLC, pair)

    assert invited["invite"] == {"email": "ada@example.com", "trackId": "6578"}
    assert refused["code"] == "ALREADY_INVITED"
    assert many == {"inviteCandidates": {"invitedCount": 100}}
    assert len(pair.accepted()) == 101


def _program(folder: Path, text: str, pair: Pair) -> Any:
    """What a program prints that is given the gateway's address."""
    path = folder / "program.py"
    path.write_text(text, "utf-8")
    return json.loads(_run(folder, COMMANDS / "python", path, f"{pair.gateway}/graphql"))


def _run(folder: Path, *words: str | Path) -> str:
    done = subprocess.run(
        words,
        cwd=folder,
        env=environment({}),
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, f"{words}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _needs_packages() -> None:
    """Have the clients installed; skip where that fails, and fail in CI."""
    wanted, mark = CLIENTS / "requirements.txt", CLIENTS / ".venv" / "installed"
    with wanted.open("rb") as declared:
        fcntl.flock(declared, fcntl.LOCK_EX)
        if mark.exists() and mark.read_bytes() == wanted.read_bytes():
            return
        for words in (
            (sys.executable, "-m", "venv", "--clear", CLIENTS / ".venv"),
            (COMMANDS / "python", "-m", "pip", "install", "-q", "-r", wanted),
        ):
            if subprocess.run(words, capture_output=True, check=False, timeout=240).returncode:
                cannot = "Python's clients could not be installed"
                (pytest.fail if os.environ.get("CI") else pytest.skip)(cannot)
        mark.write_bytes(wanted.read_bytes())
