"""Python's `gql` against the real commands."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from gql import Client, GraphQLRequest
from gql.client import SyncClientSession
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXTransport
from graphql import parse, print_ast

from tests.e2e.conftest import Pair, fetch
from tests.e2e.frontend import README, operations_on
from tests.e2e.processes import ROOT

DOCUMENT = operations_on(README)["Invite"]
ADA = {"candidateName": "Ada Lovelace", "candidateEmail": "ada@example.com", "trackId": 6578}


@pytest.fixture
def session(pair: Pair) -> Iterator[SyncClientSession]:
    schema = (ROOT / "schema.graphql").read_text("utf-8")
    with Client(transport=HTTPXTransport(f"{pair.gateway}/graphql"), schema=schema) as session:
        yield session


def invite(session: SyncClientSession, **changed: object) -> dict[str, Any]:
    request = GraphQLRequest(DOCUMENT, variable_values={"input": ADA | changed})
    result: dict[str, Any] = session.execute(request)["inviteCandidate"]
    return result


def test_candidate_is_invited(session, pair):
    """The client reads the schema file, checks the operation with it and gets the invite."""
    result = invite(session)

    (accepted,) = pair.accepted()
    assert result["invite"]["applicationId"] == str(accepted["application_id"])


def test_typed_error_is_data(session):
    """A refusal arrives as a member of the union, not as an exception."""
    result = invite(session, candidateEmail="conflict@example.com")

    assert (result["__typename"], result["code"]) == ("AlreadyInvitedError", "ALREADY_INVITED")


def test_request_error_is_raised_with_its_code(session, pair):
    """A mistake of the program is an exception that keeps the code, and invites nobody."""
    with pytest.raises(TransportQueryError) as raised:
        invite(session, candidateName=None)

    assert raised.value.errors is not None
    assert raised.value.errors[0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert pair.accepted() == []


def test_document_sent_with_its_hash_can_be_named(session, pair):
    """What the client sends along with a hash is known by that hash from then on."""
    sha256 = hashlib.sha256(print_ast(parse(DOCUMENT)).encode()).hexdigest()
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": sha256}}
    variables = {"input": ADA}
    session.execute(GraphQLRequest(DOCUMENT, variable_values=variables, extensions=extensions))

    named = json.dumps({"extensions": extensions, "variables": variables})
    answer = json.loads(fetch("POST", f"{pair.gateway}/graphql", named))

    assert answer["data"]["inviteCandidate"]["__typename"] == "InviteCandidateSuccess"
    assert len(pair.accepted()) == 2
