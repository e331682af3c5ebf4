"""The gateway as a subgraph: composed with a second one, and queried through real routers."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import pytest
from graphql import DocumentNode, Node, build_ast_schema, parse

from gateway.access.token_file import new_token, token_line
from gateway.graphql.schema import printed_schema
from tests.e2e.conftest import DOCUMENT, Pair, serve_settings
from tests.e2e.frontend import GUIDES, files_on
from tests.e2e.node import needs_packages, run_node
from tests.e2e.processes import program, running

# The first test may have to wait for npm.
pytestmark = pytest.mark.timeout(480)

PACKAGES = Path(__file__).parent / "federation"
CONFIG = "gateway.config.mjs"
COMPOSERS = ("apollo", "guild")
# Each router runs what its own makers' composer has made.
ROUTERS = {"apollo": "apollo", "hive": "guild"}

Answer: TypeAlias = dict[str, Any]


@dataclass(slots=True)
class Graph:
    """Two subgraphs: the gateway, which wants a token, and the notes."""

    pair: Pair
    folder: Path
    token: str
    composed: Mapping[str, Mapping[str, Any]]


@dataclass(slots=True)
class Router:
    """A router in front of the graph."""

    graph: Graph
    url: str

    def ask(
        self, query: str, *, token: str | None = None, headers: Mapping[str, str] = {}, **given: Any
    ) -> Answer:
        """The answer to a query that carries the graph's token, or the one given."""
        authorization = f"Bearer {self.graph.token if token is None else token}"
        return post(self.url, query, given, {"authorization": authorization, **headers})

    def invite(self, email: str = "ada@example.com", **headers: str) -> Answer:
        """The member of the result union that an invite is answered with."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.ask(DOCUMENT, headers=names, input=ada(email))
        assert list(answer) == ["data"], answer
        result: Answer = answer["data"]["inviteCandidate"]
        return result


def post(
    url: str, query: str, variables: Mapping[str, Any] = {}, headers: Mapping[str, str] = {}
) -> Answer:
    """The answer, whatever its status."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=60)
    body = json.dumps({"query": query, "variables": variables})
    sent = {"content-type": "application/json", **headers}
    try:
        connection.request("POST", parts.path or "/", body, sent)
        answer: Answer = json.loads(connection.getresponse().read())
        return answer
    finally:
        connection.close()


def ada(email: str = "ada@example.com") -> dict[str, object]:
    return {"candidateName": "Ada Lovelace", "candidateEmail": email, "trackId": 6578}


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    needs_packages(PACKAGES)
    folder, token = tmp_path_factory.mktemp("graph"), new_token()
    (folder / "tokens").write_text(token_line("router", token), "utf-8")
    with (
        running(folder, "sandbox", "--port", "0") as sandbox,
        program(folder, sys.executable, "-m", "tests.e2e.notes") as notes,
    ):
        settings = serve_settings(
            sandbox.address(),
            FEDERATION="true",
            AUTH="tokens",
            AUTH_TOKENS_FILE="tokens",
            # Longer than the stand-in is slow: only a caller can want it sooner.
            UPSTREAM_TIMEOUT_SECONDS="60",
            REQUEST_TIMEOUT_SECONDS="60",
            LEASE_SECONDS="240",
        )
        with running(folder, "serve", **settings) as gateway:
            pair = Pair(gateway.address(), settings["UPSTREAM_URL"], (gateway, sandbox))
            composed = compose(folder, pair.gateway, notes.address())
            yield Graph(pair, folder, token, composed)


def compose(folder: Path, gateway: str, notes: str) -> dict[str, dict[str, Any]]:
    """What each composer makes of the two."""
    with running(folder, "schema", "--federation") as printing:
        assert printing.end() == 0
    sdl = post(f"{notes}/graphql", "{ _service { sdl } }")
    ours = {"name": "invites", "url": f"{gateway}/graphql", "sdl": printing.printed}
    theirs = {"name": "notes", "url": f"{notes}/graphql", "sdl": sdl["data"]["_service"]["sdl"]}
    (folder / "subgraphs.json").write_text(json.dumps([ours, theirs]), "utf-8")
    told: dict[str, dict[str, Any]] = json.loads(
        run_node(PACKAGES, "compose.js", folder / "subgraphs.json")
    )
    for name, composition in told.items():
        (folder / f"{name}.graphql").write_text(composition.get("supergraph") or "", "utf-8")
    return told


@pytest.fixture(scope="module", params=ROUTERS)
def router(request: pytest.FixtureRequest, graph: Graph) -> Iterator[Router]:
    """A router that has the configuration of the guide."""
    config = graph.folder / CONFIG
    config.write_text(files_on(GUIDES / "federation.md")[CONFIG], "utf-8")
    name: str = request.param
    supergraph = graph.folder / f"{ROUTERS[name]}.graphql"
    with program(graph.folder, "node", PACKAGES / f"{name}.js", supergraph, config) as command:
        yield Router(graph, command.read_to(r"http://\S+"))


@pytest.fixture(autouse=True)
def _forget(graph: Graph) -> None:
    """The stand-in has accepted nothing yet."""
    graph.pair.forget()


@pytest.mark.parametrize("composer", COMPOSERS)
def test_composition_has_nothing_to_say(graph, composer):
    """Neither composer finds an error, nor a hint worth mending."""
    composition = graph.composed[composer]

    assert (composition["errors"], composition["hints"]) == ([], [])
    assert composition["supergraph"]


@pytest.mark.parametrize("composer", COMPOSERS)
def test_supergraph_keeps_every_description(graph, composer):
    """Who reads the whole graph reads what the gateway says of its part."""
    ours = descriptions(parse(printed_schema()))
    # What the gateway says of its whole schema is not true of the whole graph.
    del ours[""]
    theirs = descriptions(parse(graph.composed[composer]["supergraph"]))

    assert len(ours) > 100
    assert ours.items() - theirs.items() == set()
    build_ast_schema(parse(graph.composed[composer]["supergraph"]), assume_valid_sdl=True)


def descriptions(document: DocumentNode) -> dict[str, str]:
    """The description of every type, field, argument and value."""
    found: dict[str, str] = {}
    waiting: list[tuple[str, Node]] = [("", node) for node in document.definitions]
    while waiting:
        parent, node = waiting.pop()
        name = getattr(node, "name", None)
        path = f"{parent}.{name.value}" if name else parent
        if (description := getattr(node, "description", None)) is not None:
            found[path] = description.value
        for inner in ("fields", "arguments", "values"):
            waiting += [(path, one) for one in getattr(node, inner, None) or ()]
    return found


def test_candidate_is_invited(router):
    """All fields of the invite come through, and one request is one invite."""
    invited = router.invite()

    (accepted,) = router.graph.pair.accepted()
    assert invited["type"] == "InviteCandidateSuccess"
    assert invited["replayed"] is False
    assert invited["invite"] == {
        "applicationId": str(accepted["application_id"]),
        "email": "ada@example.com",
        "inviteLink": invited["invite"]["inviteLink"],
        "inviteStatus": "invited",
        "name": "Ada Lovelace",
        "trackId": "6578",
    }
    assert invited["invite"]["inviteLink"].endswith(invited["invite"]["applicationId"])


def test_second_subgraph_adds_to_the_invite(router):
    """What another team knows of an invite comes with the answer to the mutation."""
    query = (
        "mutation($input: InviteCandidateInput!) { inviteCandidate(input: $input) {"
        " ... on InviteCandidateSuccess { invite { notedBy name } } } }"
    )

    answer = router.ask(query, input=ada())

    assert answer["data"]["inviteCandidate"] == {
        "invite": {"notedBy": "Grace", "name": "Ada Lovelace"}
    }
    assert len(router.graph.pair.accepted()) == 1


@pytest.mark.parametrize(
    ("email", "kind", "code"),
    [
        ("conflict@example.com", "AlreadyInvitedError", "ALREADY_INVITED"),
        ("nobody", "InvalidInputError", "INVALID_INPUT"),
        ("dropped@example.com", "UpstreamError", "UPSTREAM_FAULT"),
    ],
)
def test_typed_error_is_data(router, email, kind, code):
    """A refusal is the same member of the union as without a router."""
    refused = router.invite(email)

    assert (refused["type"], refused["code"]) == (kind, code)
    assert refused["outcome"] == ("UNKNOWN" if kind == "UpstreamError" else "NOT_INVITED")
    assert "issues" not in refused or [i["field"] for i in refused["issues"]] == ["candidateEmail"]


def test_idempotency_key_is_passed_on(router):
    """The header of the router's caller makes repeating safe."""
    key = f"key-through-{router.url}"

    first, second = (router.invite(idempotency_key=key) for _ in range(2))

    assert (first["replayed"], second["replayed"]) == (False, True)
    assert first["invite"] == second["invite"]
    assert len(router.graph.pair.accepted()) == 1


def test_request_timeout_is_passed_on(router):
    """The gateway gives up when the router's caller would, and says what it knows."""
    result = router.invite("slow@example.com", request_timeout="0.5")

    assert (result["code"], result["outcome"]) == ("UPSTREAM_TIMEOUT", "UNKNOWN")


def test_token_is_passed_on(router):
    """A stranger to the gateway stays one behind the router."""
    answer = router.ask("{ gateway { version } }", token="")

    assert answer["data"] is None
    assert "errors" in answer
    assert router.ask("{ gateway { version } }")["data"]["gateway"]["version"]


APPLICATION = """
query($track: ID!, $application: ID!) {
  application(trackId: $track, applicationId: $application) {
    name notes currentStage { name } details { trackTitle }
  }
}
"""
NOTED = """
query($track: ID!, $applications: [ID!]!) {
  notedApplications(trackId: $track, applicationIds: $applications) {
    notes name email currentStage { name color } details { trackTitle }
  }
}
"""


def test_second_subgraph_adds_to_an_application(router):
    """From the gateway's field to the other subgraph's."""
    application = router.invite()["invite"]["applicationId"]

    answer = router.ask(APPLICATION, track="6578", application=application)

    assert answer == {
        "data": {
            "application": {
                "name": "Ada Lovelace",
                "notes": [f"seen {application} on 6578"],
                "currentStage": {"name": "Invited"},
                "details": {"trackTitle": "Track 6578"},
            }
        }
    }


def test_gateway_adds_to_an_application(router):
    """From the other subgraph's field to the gateway's; who is unknown here is null."""
    application = router.invite()["invite"]["applicationId"]

    answer = router.ask(NOTED, track="6578", applications=[application, "5", application])

    known, unknown, again = answer["data"]["notedApplications"]
    assert "errors" not in answer
    assert known == again
    assert known == {
        "notes": [f"seen {application} on 6578"],
        "name": "Ada Lovelace",
        "email": "ada@example.com",
        "currentStage": {"name": "Invited", "color": "#888888"},
        "details": {"trackTitle": "Track 6578"},
    }
    assert unknown == {
        "notes": ["seen 5 on 6578"],
        "name": None,
        "email": None,
        "currentStage": None,
        "details": None,
    }


def test_gateway_adds_to_an_invite_and_an_application_at_once(router):
    """Both are entities, and their fields of one name have types of their own."""
    query = """
    query($track: ID!, $application: ID!) {
      notedInvite(trackId: $track, applicationId: $application) { notedBy name email inviteLink }
      notedApplications(trackId: $track, applicationIds: [$application]) { notes name email }
    }
    """
    application = router.invite()["invite"]["applicationId"]

    answer = router.ask(query, track="6578", application=application)

    told = {"name": "Ada Lovelace", "email": "ada@example.com"}
    assert answer == {
        "data": {
            "notedInvite": {"notedBy": "Grace", "inviteLink": None, **told},
            "notedApplications": [{"notes": [f"seen {application} on 6578"], **told}],
        }
    }


def test_unknown_application_is_null(router):
    """As it is without a router."""
    answer = router.ask(APPLICATION, track="6578", application="5")

    assert answer == {"data": {"application": None}}


def test_field_error_keeps_its_code(router):
    """What the caller can mend is said to the caller."""
    answer = router.ask(APPLICATION, track="secret", application="5")

    (error,) = answer["errors"]
    assert answer["data"] == {"application": None}
    assert error["extensions"]["code"] == "INVALID_INPUT"
    assert error["path"] == ["application"]
    assert "secret" not in json.dumps(error)


def test_refused_request_invites_nobody(router):
    """The gateway's limits hold for what a router sends."""
    aliases = " ".join(f"a{number}: email" for number in range(101))
    query = (
        "mutation($input: InviteCandidateInput!) { inviteCandidate(input: $input) {"
        f" ... on InviteCandidateSuccess {{ invite {{ {aliases} }} }} }} }}"
    )

    answer = router.ask(query, input=ada())

    assert answer["data"] is None
    assert "GRAPHQL_VALIDATION_FAILED" in json.dumps(answer["errors"])
    assert "aliases" in json.dumps(answer["errors"])
    assert router.graph.pair.accepted() == []
