"""As a subgraph the gateway says what it always said, and answers routers by key."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from graphql import is_introspection_type, is_specified_scalar_type, parse

from gateway.app import create_app
from gateway.graphql.documents import DocumentReader
from gateway.graphql.execution import GeneralExecutor, PlanningExecutor
from gateway.graphql.plan import Planner
from gateway.graphql.schema import executable_schema, printed_schema
from gateway.upstream.call import Call
from gateway.upstream.wire import Exchange, Reply
from tests.fakes.calls import asked as asked_for
from tests.fakes.gateway import asked
from tests.fakes.invites import Clock, FakeUpstream, MemoryStore
from tests.fakes.planning import ADA, RESULTS, WHOLE, WIDE, answered
from tests.fakes.settings import settings
from tests.fakes.texts import ROOT, parts_of

SUBGRAPH = executable_schema(federation=True)
ENTITIES = """
query Joined__gateway__1($representations: [_Any!]!) {
  _entities(representations: $representations) {
    __typename
    ... on Application { applicationId trackId name email currentStage { name } }
    ... on Invite { applicationId trackId toName: name toEmail: email inviteLink inviteStatus }
  }
}
"""
CANARY = "grace@example.com"


@dataclass
class Applicants:
    """Knows application 7 of each track, and counts how often it is asked for which."""

    told: dict[str, object] = field(
        default_factory=lambda: {"application_id": 7, "name": "Ada", "email": "ada@example.com"}
    )
    fault: Exception | None = None
    reads: Counter[tuple[int, int]] = field(default_factory=Counter)

    async def send(self, call: Call) -> Exchange:
        track_id, application_id, _ = asked_for(call)
        assert application_id is not None
        self.reads[track_id, application_id] += 1
        if self.fault is not None and track_id == 13:
            raise self.fault
        if application_id != 7:
            return Reply(404, b'{"error": "Applicant not found"}')
        stage = {"stage_id": 1, "name": "Invited"}
        body = {"track_id": track_id, "applicant": self.told, "current_stage": stage}
        return Reply(200, json.dumps(body).encode())

    def reread_api_key(self) -> bool:
        return False

    async def aclose(self) -> None: ...


@pytest.fixture
def applicants() -> Applicants:
    return Applicants()


@pytest.fixture
def ask(applicants: Applicants) -> Callable[..., Any]:
    """Asks a subgraph that has the given settings."""

    async def ask(query: str, variables: dict[str, Any] | None = None, **given: object) -> Any:
        app = create_app(
            settings(**{"federation": True, **given}),
            upstream=FakeUpstream(Clock()),
            applicants=applicants,
            store=MemoryStore(),
        )
        return await asked(app, query, **(variables or {}))

    return ask


def key(typename: object = "Application", track: object = "6578", application: object = "7") -> Any:
    return {"__typename": typename, "trackId": track, "applicationId": application}


def representations(*given: object) -> dict[str, Any]:
    return {"representations": list(given)}


def test_plain_schema_stays_as_it_is():
    """Who does not ask for a subgraph sees nothing of federation."""
    plain = executable_schema()

    assert printed_schema() == (ROOT / "schema.graphql").read_text("utf-8")
    assert not [name for name in plain.type_map if name in ("_Any", "_Entity", "_Service")]
    assert plain.query_type is not None
    assert "_entities" not in plain.query_type.fields
    assert {directive.name for directive in plain.directives}.isdisjoint({"key", "shareable"})


def test_nobody_loads_what_is_not_asked_for():
    """A gateway that is no subgraph pays nothing for it."""
    program = (
        "import sys, gateway.app; from gateway.graphql.schema import *;"
        "executable_schema(); printed_schema();"
        "assert 'gateway.graphql.subgraph' not in sys.modules"
    )

    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_subgraph_has_all_of_the_plain_schema():
    """Federation adds lines and takes none away."""
    plain = Counter(printed_schema().splitlines())
    lines = Counter(printed_schema(federation=True).splitlines())

    assert list(plain - lines) == ["type Application {", "type Invite {", "type PageInfo {"]
    assert {line for line in lines - plain if line.startswith(("type", "extend", "  @link"))} == {
        "extend schema",
        '  @link(url: "https://specs.apollo.dev/federation/v2.0", import: ["@key", "@shareable"])',
        'type Application @key(fields: "applicationId trackId") {',
        'type Invite @key(fields: "applicationId trackId") {',
        "type PageInfo @shareable {",
        "type _Service {",
    }


@pytest.mark.parametrize(
    "kind",
    [
        kind
        for kind in SUBGRAPH.type_map.values()
        if not is_introspection_type(kind) and not is_specified_scalar_type(kind)
    ],
    ids=lambda kind: kind.name,
)
def test_everything_is_described(kind):
    """What was added as well as what was there."""
    plain = executable_schema().type_map.get(kind.name)

    assert kind.description
    assert all(part.description for part in parts_of(kind))
    assert plain is None or plain.description == kind.description


async def test_application_is_found_by_its_key(ask):
    """A router gets what the field `application` gives."""
    query = """
    query($representations: [_Any!]!) {
      application(trackId: 6578, applicationId: 7) { ...F }
      _entities(representations: $representations) { ...F }
    }
    fragment F on Application {
      applicationId trackId name email currentStage { stageId name color } details { trackTitle }
    }
    """
    answer = await ask(query, representations(key()))

    assert answer["data"]["application"]["name"] == "Ada"
    assert answer["data"]["_entities"] == [answer["data"]["application"]]


async def test_invite_is_found_by_its_key(ask):
    """Name and address are read; link and status are told at the invite alone."""
    answer = await ask(ENTITIES, representations(key("Invite")))

    assert answer == {
        "data": {
            "_entities": [
                {
                    "__typename": "Invite",
                    "applicationId": "7",
                    "trackId": "6578",
                    "toName": "Ada",
                    "toEmail": "ada@example.com",
                    "inviteLink": None,
                    "inviteStatus": None,
                }
            ]
        }
    }


async def test_entities_come_in_their_order(ask):
    """Each in the place of its representation, null for one that is unknown."""
    answer = await ask(
        ENTITIES,
        representations(
            key(track="2"), key(application="8"), key("Invite", "3"), key("Invite", "2", "8")
        ),
    )

    told = [one and (one["__typename"], one["trackId"]) for one in answer["data"]["_entities"]]
    assert told == [("Application", "2"), None, ("Invite", "3"), None]
    assert "errors" not in answer


async def test_one_application_is_read_once(ask, applicants):
    """However often a request names it, and as whatever."""
    query = ENTITIES.replace(
        "__typename", "__typename ... on Application { details { trackTitle } }"
    )
    answer = await ask(query, representations(key(), key("Invite"), key(), key(track=6578)))

    assert len(answer["data"]["_entities"]) == 4
    assert applicants.reads == {(6578, 7): 1}


@pytest.mark.parametrize(
    "given",
    [
        CANARY,
        7,
        [key()],
        {},
        {"trackId": CANARY, "applicationId": "7"},
        key(CANARY),
        key("GatewayInfo"),
        key(["Invite"]),
        key(track=None),
        key(track=True),
        key(track=1.5),
        key(application={"name": CANARY}),
        {"__typename": "Invite", "applicationId": CANARY},
    ],
    ids=str,
)
async def test_wrong_representation_is_the_callers_mistake(ask, applicants, given):
    """It is an error of its place alone, and nothing of it is repeated."""
    answer = await ask(ENTITIES, representations(key(), given))

    (error,) = answer["errors"]
    assert [one and one["name"] for one in answer["data"]["_entities"]] == ["Ada", None]
    assert error["extensions"] == {"code": "BAD_USER_INPUT"}
    assert error["path"] == ["_entities", 1]
    assert error["message"].startswith("A representation has ")
    assert CANARY not in json.dumps(answer)
    assert sum(applicants.reads.values()) == 1


async def test_null_is_no_representation(ask):
    """The list's type is checked as that of any variable."""
    answer = await ask(ENTITIES, representations(None))

    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_id_that_is_no_number_is_named(ask, applicants):
    """As the field `application` does, without the value."""
    answer = await ask(ENTITIES, representations(key(track=CANARY)))

    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "INVALID_INPUT"
    assert [issue["field"] for issue in error["extensions"]["issues"]] == ["trackId"]
    assert CANARY not in json.dumps(answer)
    assert not applicants.reads


async def test_reads_are_bounded(ask, applicants):
    """What goes beyond is an error, and what was read is told."""
    given = representations(*(key(track=track) for track in (1, 2, 3, 1)))
    answer = await ask(ENTITIES, given, max_reads=2)

    (error,) = answer["errors"]
    assert [bool(one) for one in answer["data"]["_entities"]] == [True, True, False, True]
    assert (error["path"], error["extensions"]["code"]) == (["_entities", 2], "BAD_USER_INPUT")
    assert sum(applicants.reads.values()) == 2


async def test_representations_are_bounded(ask, applicants):
    """Far too many of them are one error, and none is looked at."""
    query = "query($representations: [_Any!]!) { _entities(representations: $representations) { __typename } }"
    answer = await ask(query, representations(*[key()] * 500))

    (error,) = answer["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["_entities"], "BAD_USER_INPUT")
    assert not applicants.reads


async def test_who_may_not_read_gets_no_entity(ask, applicants):
    """What is switched off for the field `application` is off here."""
    answer = await ask(ENTITIES, representations(key(), key("Invite")), applications=False)

    (error,) = answer["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["_entities"], "FORBIDDEN")
    assert not applicants.reads


async def test_invite_without_a_name_cannot_be_told(ask, applicants):
    """The platform promises no field, and the schema promises a name."""
    applicants.told = {"application_id": 7, "email": "ada@example.com"}
    answer = await ask(ENTITIES, representations(key("Invite"), key()))

    (error,) = answer["errors"]
    assert [one and one["email"] for one in answer["data"]["_entities"]] == [
        None,
        "ada@example.com",
    ]
    assert (error["path"], error["extensions"]["code"]) == (["_entities", 0], "UPSTREAM_FAULT")


async def test_bug_is_masked_in_its_place(ask, applicants):
    """Of an unknown exception the caller learns an id, and the other entities come."""
    applicants.fault = RuntimeError(CANARY)
    answer = await ask(ENTITIES, representations(key(track=13), key()))

    (error,) = answer["errors"]
    assert [bool(one) for one in answer["data"]["_entities"]] == [False, True]
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert error["path"] == ["_entities", 0]
    assert CANARY not in json.dumps(answer)


SERVICE = {
    "plain": "{ _service { sdl } }",
    "alias": "{ a: _service { b: sdl } }",
    "fragment": "{ ...F } fragment F on Query { _service { sdl } }",
    "inline": "{ ... on Query { _service { __typename } } }",
}


@pytest.mark.parametrize("query", SERVICE.values(), ids=SERVICE)
async def test_schema_is_told_only_where_it_may_be_asked_for(ask, query):
    """Without introspection, `_service` does not give the schema away."""
    answer = await ask(query)

    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert "gateway schema --federation" in error["message"]
    assert "data" not in answer


async def test_composers_get_the_schema(ask):
    """With introspection, and just what the command prints."""
    answer = await ask("{ _service { sdl } }", introspection=True)

    assert answer == {"data": {"_service": {"sdl": printed_schema(federation=True)}}}
    parse(answer["data"]["_service"]["sdl"])


async def test_plain_gateway_knows_no_service(ask):
    """Its fields are unknown like any other's."""
    for query in ("{ _service { sdl } }", "{ _entities(representations: []) { __typename } }"):
        answer = await ask(query, federation=False)

        (error,) = answer["errors"]
        assert error["message"].startswith("Cannot query field '_")


ROUTED = {
    # The operation of `test_plan` as Apollo's routers write it, and as Hive's do.
    "apollo": (
        "mutation Invite__invites__0($input:InviteCandidateInput!){inviteCandidate(input:$input)"
        "{__typename ...on InviteCandidateSuccess{invite{__typename applicationId trackId name}"
        "replayed}...on InviteError{__typename code message outcome retryable}"
        "...on InvalidInputError{issues{field message}}...on TrackNotFoundError{trackId}}}"
    ),
    "hive": (
        "mutation Invite($_in_0:InviteCandidateInput!){inviteCandidate(input:$_in_0)"
        "{__typename type:__typename ...on InviteCandidateSuccess{invite{applicationId}}"
        "...on UpstreamError{upstreamStatus retryAfterSeconds}}}"
    ),
    "whole": WHOLE,
}


@pytest.mark.parametrize("query", ROUTED.values(), ids=ROUTED)
@pytest.mark.parametrize("result", [RESULTS[0], RESULTS[2], RESULTS[3], RESULTS[-1]], ids=repr)
async def test_routed_invites_are_planned_and_get_the_same_response(query, result):
    """The subgraph's plans give the bytes that its general executor gives."""
    document = DocumentReader(SUBGRAPH, WIDE, introspection=False).read(query)
    plan = Planner(SUBGRAPH).plan(document, document.operation(None))
    general = GeneralExecutor(SUBGRAPH, hide_suggestions=True)
    planning = PlanningExecutor(SUBGRAPH, general=general)
    variables = {"input": ADA, "_in_0": ADA}
    request = {"query": query, "variables": variables}

    assert plan is not None
    assert plan.arguments(variables, document.literals) is not None
    expected = await answered(general, result, request, SUBGRAPH)
    assert await answered(planning, result, request, SUBGRAPH) == expected
    assert (expected[0], len(expected[2])) == (200, 1)


async def test_one_request_invites_once(ask):
    """The limits of the edge hold for routers too."""
    fields = "inviteCandidate(input: $input) { __typename }"
    query = f"mutation($input: InviteCandidateInput!) {{ a: {fields} b: {fields} }}"

    answer = await ask(query, {"input": ADA})

    assert "fields that invite" in answer["errors"][0]["message"]
