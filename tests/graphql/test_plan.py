"""A plan gives the bytes that the general executor gives, and asks the core for the same."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from graphql import build_schema
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis_graphql import Mode, mutations, queries

from gateway.graphql.documents import DocumentReader
from gateway.graphql.plan import Planner
from gateway.graphql.schema import printed_schema
from gateway.invites.models import InviteResult
from gateway.upstream.wire import Reply
from tests.fakes.applications import answered as reply
from tests.fakes.applications import entry, listed
from tests.fakes.planning import (
    ADA,
    GENERAL,
    PLANNING,
    RESULTS,
    SCHEMA,
    WHOLE,
    WIDE,
    Core,
    answered,
    name_of,
)


async def check_same(result: InviteResult | Exception, request: dict[str, Any]) -> None:
    expected = await answered(GENERAL, result, request)

    actual = await answered(PLANNING, result, request)

    assert actual == expected


def is_planned(query: str, variables: dict[str, Any] | None = None) -> bool:
    """The general executor is not needed for the last operation of the document."""
    document = DocumentReader(SCHEMA, WIDE, introspection=True).read(query)
    operation = list(document.operations.values())[-1]
    plan = Planner(SCHEMA).plan(document, operation)
    return plan is not None and plan.arguments(variables, document.literals) is not None


def inviting(selection: str, more: str = "") -> str:
    return (
        "mutation M($input: InviteCandidateInput!) {"
        f" inviteCandidate(input: $input) {{ {selection} }} }} {more}"
    )


@pytest.mark.parametrize("result", RESULTS, ids=name_of)
async def test_every_result_gets_the_same_response(result):
    """Every member of the union, every field, null and not."""
    assert is_planned(WHOLE, {"input": ADA})

    await check_same(result, {"query": WHOLE, "variables": {"input": ADA}})


COVERED = {
    "typename-at-root": "mutation($input: InviteCandidateInput!) { __typename a: __typename"
    " inviteCandidate(input: $input) { __typename } b: __typename }",
    "alias-at-root": "mutation($input: InviteCandidateInput!) {"
    " x: inviteCandidate(input: $input) { __typename } }",
    "aliases": inviting(
        "t: __typename ... on InviteError { m: message c: code }"
        " ... on InviteCandidateSuccess { i: invite { n: name __typename id: applicationId } }"
    ),
    "interface-in-union": inviting("... on InviteError { code ... on UpstreamError { message } }"),
    "fragment-on-union": inviting("...F", "fragment F on InviteCandidateResult { __typename }"),
    "fragment-on-interface": inviting(
        "...F ...F", "fragment F on InviteError { outcome retryable }"
    ),
    "fragment-on-concrete": inviting(
        "...F", "fragment F on InviteCandidateSuccess { invite { ...G } }"
        " fragment G on Invite { trackId name }"
    ),
    "fragment-at-root": "mutation($input: InviteCandidateInput!) { ...R }"
    " fragment R on Mutation { inviteCandidate(input: $input) { __typename } }",
    "inline-without-type": inviting("... { __typename ... { __typename } }"),
    "merged": inviting(
        "... on InviteCandidateSuccess { invite { name } replayed invite { name email } }"
    ),
    "merged-at-root": "mutation($input: InviteCandidateInput!) {"
    " inviteCandidate(input: $input) { __typename }"
    " inviteCandidate(input: $input) { ... on InviteError { code } } }",
    "one-name-in-two-types": inviting(
        "... on UpstreamError { x: upstreamStatus } ... on RateLimitedError { x: retryAfterSeconds }"
    ),
    "list": inviting("... on InvalidInputError { issues { message __typename f: field } }"),
    "nothing-selected": inviting("... on AlreadyInvitedError { code }"),
}  # fmt: skip


@pytest.mark.parametrize("query", COVERED.values(), ids=COVERED)
@pytest.mark.parametrize("result", [RESULTS[0], *RESULTS[2:5], RESULTS[-1]], ids=name_of)
async def test_covered_documents_get_the_same_response(query, result):
    """The plan knows selections as the executor does, to the order of the fields."""
    assert is_planned(query, {"input": ADA})

    await check_same(result, {"query": query, "variables": {"input": ADA}})


SEPARATE = """
mutation M($n: String!, $e: String!, $t: ID!, $f: InviteFormat!, $k: String) {
  inviteCandidate(
    input: {candidateName: $n, candidateEmail: $e, trackId: $t, inviteFormat: $f, idempotencyKey: $k}
  ) { __typename }
}
"""
LITERALS = """
mutation {
  inviteCandidate(input: {
    candidateName: "A\\u00e9", candidateEmail: \"\"\"e@x.example\"\"\", trackId: %s,
    inviteFormat: SEND_LINK, idempotencyKey: %s
  }) { __typename }
}
"""
DEFAULT = WHOLE.replace(
    "Input!)", 'Input! = {candidateName: "D", candidateEmail: "d", trackId: 1})'
)
OTHERS = {"n": "N", "e": "E", "t": 5, "f": "SEND_LINK"}


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        (SEPARATE, OTHERS),
        (SEPARATE, OTHERS | {"k": None}),
        (SEPARATE, OTHERS | {"k": "k", "unknown": 1}),
        (LITERALS % ("6578", '"k"'), None),
        (LITERALS % ('"x"', "null"), {}),
        (WHOLE, {"input": ADA | {"trackId": 2**63, "inviteFormat": "SEND_LINK"}}),
        (WHOLE, {"input": ADA | {"idempotencyKey": None}}),
        (WHOLE, {"input": ADA | {"idempotencyKey": "k"}, "more": []}),
        (DEFAULT, {"input": ADA}),
        (f"query Q {{ __typename }} {WHOLE}", {"input": ADA}),
        (DEFAULT, {}),
        (SEPARATE.replace("InviteFormat!", "InviteFormat = SEND_LINK"), OTHERS),
        (SEPARATE.replace("InviteFormat!", "InviteFormat = SEND_LINK"), {"n": "N", "e": "E", "t": 5}),
        (SEPARATE.replace("$k: String", '$k: String = "k"'), OTHERS),
        (SEPARATE.replace("$k: String", '$k: String = "k"'), OTHERS | {"k": None}),
    ],
    ids=str,
)  # fmt: skip
async def test_values_reach_the_core_alike(query, variables):
    """Variables, literals and their absence make the same draft."""
    assert is_planned(query, variables)

    await check_same(
        RESULTS[0], {"query": query, "variables": variables, "operationName": _last_name(query)}
    )


TWICE = """
mutation($input: InviteCandidateInput!) {
  a: inviteCandidate(input: $input) { __typename }
  b: inviteCandidate(input: $input) { __typename }
}
"""
SKIPPED_SPREAD = """
mutation($input: InviteCandidateInput!, $s: Boolean!) {
  inviteCandidate(input: $input) { ...F @skip(if: $s) }
}
fragment F on InviteError { code }
"""
SKIP = "mutation($input: InviteCandidateInput!, $s: Boolean!) {"


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        (WHOLE, None),
        (WHOLE, {}),
        (WHOLE, {"input": None}),
        (WHOLE, {"input": [ADA]}),
        (WHOLE, {"input": {"candidateName": "Ada"}}),
        (WHOLE, {"input": ADA | {"candidateName": 5}}),
        (WHOLE, {"input": ADA | {"candidateEmail": None}}),
        (WHOLE, {"input": ADA | {"trackId": 5.0}}),
        (WHOLE, {"input": ADA | {"trackId": True}}),
        (WHOLE, {"input": ADA | {"trackId": 1.5}}),
        (WHOLE, {"input": ADA | {"inviteFormat": None}}),
        (WHOLE, {"input": ADA | {"inviteFormat": "getlink"}}),
        (WHOLE, {"input": ADA | {"inviteFormat": ["GET_LINK"]}}),
        (WHOLE, {"input": ADA | {"idempotencyKey": 5}}),
        (WHOLE, {"input": ADA | {"unknown": 5}}),
        (SEPARATE, {}),
        (SEPARATE, OTHERS | {"n": None}),
        (SEPARATE, OTHERS | {"f": None}),
        (SEPARATE, OTHERS | {"f": "MAIL"}),
        (SEPARATE, {"n": "N", "e": "E", "t": 5}),
        (SEPARATE.replace("InviteFormat!", "InviteFormat"), {"n": "N", "e": "E", "t": 5, "f": None}),
        (SEPARATE.replace("$k: String", "$k: String!"), OTHERS),
        (SEPARATE.replace("$k: String", "$k: String!"), OTHERS | {"k": None}),
        (f"{SKIP} inviteCandidate(input: $input) @skip(if: $s) {{ __typename }} }}",
         {"input": ADA, "s": True}),
        (f"{SKIP} inviteCandidate(input: $input) {{ __typename @include(if: $s) }} }}",
         {"input": ADA, "s": False}),
        (f"{SKIP} inviteCandidate(input: $input) {{ ... @include(if: $s) {{ __typename }} }} }}",
         {"input": ADA, "s": False}),
        (SKIPPED_SPREAD, {"input": ADA, "s": False}),
        (TWICE, {"input": ADA}),
        ("mutation { __typename }", None),
    ],
    ids=str,
)  # fmt: skip
async def test_the_rest_is_left_to_the_general_executor(query, variables):
    """Its errors, defaults and directives are not imitated."""
    assert not is_planned(query, variables)

    await check_same(RESULTS[0], {"query": query, "variables": variables})


async def test_an_absent_optional_variable_is_an_absent_field():
    """The field's own default stands in."""
    query = SEPARATE.replace("InviteFormat!", "InviteFormat")
    variables = {"n": "N", "e": "E", "t": "5"}

    assert is_planned(query, variables)
    await check_same(RESULTS[0], {"query": query, "variables": variables})


async def test_a_bug_is_worded_alike_and_invites_once():
    """After an exception, what may have been sent is not sent again."""
    request = {"query": WHOLE, "variables": {"input": ADA}}

    await check_same(RuntimeError("ada@example.com"), request)

    _, body, drafts = await answered(PLANNING, RuntimeError("ada@example.com"), request)
    assert len(drafts) == 1
    assert b"INTERNAL_SERVER_ERROR" in body
    assert b"ada@example.com" not in body


@pytest.mark.parametrize(
    ("field", "input_"),
    [
        ("inviteCandidate(input: In!): Int", "{a: 1}"),
        ("inviteCandidate(input: Int!): One", "1"),
        ("inviteCandidate(input: In!): One", "{a: 1, b: []}"),
        ("inviteCandidate(input: In!): One", "{a: 1, b: [2]}"),
        ("other(input: In!): One", "{a: 1}"),
    ],
)
def test_another_schema_is_left_to_the_general_executor(field, input_):
    """A plan knows the contract's mutation and no other."""
    types = "type A { a: Int } type B { a: Int } union One = A | B input In { a: Int b: [Int] }"
    schema = build_schema(f"type Query {{ a: Int }} type Mutation {{ {field} }} {types}")
    selection = "{ __typename }" if "One" in field else ""
    query = f"mutation {{ {field.partition('(')[0]}(input: {input_}) {selection} }}"
    document = DocumentReader(schema, WIDE, introspection=True).read(query)

    plan = Planner(schema).plan(document, document.operation(None))

    assert plan is None or plan.arguments({}, document.literals) is None


def test_a_plan_is_made_once():
    """It stays with its operation, whether there is one or not."""
    for query in (WHOLE, "query { __typename }"):
        document = DocumentReader(SCHEMA, WIDE, introspection=True).read(query)
        operation = document.operation(None)
        planner = Planner(SCHEMA)

        first = planner.plan(document, operation)
        kept = operation.plan

        assert planner.plan(document, operation) is first
        assert operation.plan is kept
        assert kept is not None


@settings(max_examples=40, deadline=None)
@given(
    document=mutations(printed_schema(), mode=Mode.POSITIVE),
    result=st.sampled_from(RESULTS),
)
def test_generated_documents_get_the_same_response(document, result):
    """Whatever document fits the schema."""
    asyncio.run(check_same(result, {"query": document}))


VALUES = (
    st.none() | st.text(max_size=3) | st.integers() | st.floats(allow_nan=False) | st.booleans()
)
WORDS = st.text(max_size=9) | st.integers(0, 99)
INPUTS = st.fixed_dictionaries(
    {"candidateName": WORDS, "candidateEmail": st.text(max_size=9), "trackId": WORDS | VALUES},
    optional={
        "inviteFormat": st.sampled_from(["GET_LINK", "SEND_LINK", "getlink", None]),
        "idempotencyKey": VALUES,
        "other": VALUES,
    },
)


@settings(max_examples=40, deadline=None)
@given(variables=st.fixed_dictionaries({"input": INPUTS | VALUES}))
def test_generated_values_reach_the_core_alike(variables):
    """Whatever a caller sends for the input."""
    asyncio.run(check_same(RESULTS[0], {"query": WHOLE, "variables": variables}))


def _last_name(query: str) -> str | None:
    return "M" if " M(" in query else None


ROW = "applicationId trackId candidateId name email stageStatus score dateAdded lastUpdatedAt"
STAGE = "currentStage { stageId name type __typename }"
PAGES = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount"
LISTING = f"""
query L($t: ID!, $first: Int = 2, $after: String, $filter: ApplicationFilter) {{
  __typename
  list: applications(trackId: $t, first: $first, after: $after, filter: $filter) {{
    {PAGES}
    nodes {{ {ROW} {STAGE} }}
    rows: edges {{ cursor node {{ id: applicationId ...N }} }}
  }}
}}
fragment N on Application {{ __typename trackId }}
"""
CHECK = """
query C($input: InviteCandidateInput!) {
  checkInvite(input: $input) { canBeSent issues { field message } candidateName candidateEmail }
}
"""
READS: dict[str, tuple[str, dict[str, Any]]] = {
    "list": (LISTING, {"t": 6578}),
    "list-all-arguments": (LISTING, {"t": "6578", "first": 3, "after": "YXQ6MQ",
                                     "filter": {"name": "a", "candidateId": 5, "email": None}}),
    "list-null-arguments": (LISTING, {"t": 1, "first": None, "after": None, "filter": None}),
    "list-wrong-arguments": (LISTING, {"t": "x", "first": 0, "after": "x", "filter": {"name": ""}}),
    "list-literals": (('{ applications(trackId: 6578, first: 2, after: "YXQ6MQ",'
                      f' filter: {{stageId: 3, name: "b"}}) {{ {PAGES} nodes {{ name }} }} }}'), {}),
    "list-object-of-variables": (
        ("query ($t: ID!, $n: String, $i: ID) { applications(trackId: $t, filter: {name: $n,"
        f" stageId: $i, email: null}}) {{ {PAGES} }} }}"), {"t": 1, "n": "x"}),
    "list-nothing-but-name": ("{ applications(trackId: 1) { __typename } }", {}),
    "one": (f"query ($a: ID!) {{ application(trackId: 6578, applicationId: $a) {{ {ROW} {STAGE} }} }}",
            {"a": 2}),
    "one-unknown": ("{ application(trackId: 6578, applicationId: 99) { name } }", {}),
    "one-wrong": ('{ one: application(trackId: "x", applicationId: 0) { name } }', {}),
    "track": ("query ($t: ID!) { track(trackId: $t) { __typename trackId title isActive applicationCount } }",
              {"t": 6578}),
    "track-wrong": ('{ track(trackId: "x") { title } }', {}),
    "check": (CHECK, {"input": ADA | {"candidateName": " Ada "}}),
    "check-wrong": (CHECK, {"input": {"candidateName": "", "candidateEmail": "x", "trackId": 0}}),
    "gateway": ("{ gateway { version v: version } }", {}),
}  # fmt: skip


async def check_same_reads(
    query: str, variables: dict[str, Any] | None, **situation: Any
) -> tuple[int, bytes]:
    """Bytes, reads and invites; gives the response."""
    request = {"query": query, "variables": variables}
    general, planning = Core(GENERAL, **situation), Core(PLANNING, **situation)
    expected = await general.answer(request)

    actual = await planning.answer(request)

    assert actual == expected
    assert planning.asked == general.asked
    assert planning.track.calls == general.track.calls
    return actual


@pytest.mark.parametrize(("query", "variables"), READS.values(), ids=READS)
@pytest.mark.parametrize("size", [0, 5])
async def test_reads_get_the_same_response(query, variables, size):
    """Applications, one and many, with all that may be asked of each without another read."""
    assert is_planned(query, variables)

    await check_same_reads(query, variables, size=size)


PLACED = f"""# A comment
query L($t: ID!) {{
    applications(trackId: $t) {{ totalCount
      a: nodes {{ name ...F }} b: nodes {{ x: name }}
      edges {{ node {{ email currentStage {{ name }} }} cursor }} }}
}}
fragment F on Application {{ {ROW} }}
"""  # fmt: skip


@pytest.mark.parametrize("values", [0, 54, 55, 64, 65, 94, 95, 1_000])
async def test_allowance_is_counted_alike(values):
    """What is too much to tell is so at the same place, with the same words."""
    _status, body = await check_same_reads(PLACED, {"t": 1}, values=values)

    assert (b"errors" in body) is (values < 95)


@pytest.mark.parametrize(
    "situation",
    [
        {"exchanges": (Reply(404),)},
        {"exchanges": (Reply(500),)},
        {"exchanges": (Reply(429, retry_after="7"),) * 3},
        {"exchanges": (Reply(200, b"<html>"),) * 3},
        {"exchanges": (reply(listed(entry(1, name="x" * 9_000_000), total=1)),)},
        {"exchanges": (reply(listed(entry(1, stage_id=None, stage_name=None, stage_type=None))),)},
        {"exchanges": (reply(listed(entry(1, score=None, name="\ud800", email=5), total=2**40)),)},
        {"may_read": False},
    ],
    ids=str,
)
@pytest.mark.parametrize("query", [PLACED, READS["one"][0].replace("$a: ID!", "$a: ID! = 1")])
async def test_failed_reads_get_the_same_response(situation, query):
    """Whatever the platform answers, errors with their places included."""
    await check_same_reads(query, {"t": 1}, **situation)


BULK = """
mutation B($input: InviteCandidatesInput!) {
  all: inviteCandidates(input: $input) {
    invitedCount failedCount unknownCount
    results {
      __typename
      ... on InviteCandidateSuccess { invite { name trackId } replayed }
      ... on InviteError { code outcome ... on InvalidInputError { issues { field } } }
    }
  }
}
"""
LIST_OF_LITERALS = """
mutation {
  inviteCandidates(input: {trackId: 6578, inviteFormat: SEND_LINK, candidates: [
    {candidateName: "A", candidateEmail: "a@example.com"}
    {candidateName: "B", candidateEmail: "b@example.com", idempotencyKey: "k"}
  ]}) { results { __typename } }
}
"""
CANDIDATES = [
    {"candidateName": "A", "candidateEmail": "a@example.com"},
    {"candidateName": "B", "candidateEmail": "b@example.com", "idempotencyKey": None},
    {"candidateName": "C", "candidateEmail": "c@example.com", "idempotencyKey": "k"},
]


@pytest.mark.parametrize("result", [*RESULTS, RuntimeError("ada@example.com")], ids=name_of)
@pytest.mark.parametrize(
    ("query", "variables"),
    [
        (BULK, {"input": {"trackId": 6578, "candidates": CANDIDATES}}),
        (BULK, {"input": {"trackId": "x", "inviteFormat": "SEND_LINK", "candidates": []}}),
        (BULK, {"input": {"trackId": 6578, "candidates": CANDIDATES * 2}}),
        (LIST_OF_LITERALS, None),
        (
            (
                "mutation ($c: [CandidateInput!]!, $t: ID!) { inviteCandidates(input:"
                " {candidates: $c, trackId: $t}) { invitedCount } }"
            ),
            {"c": CANDIDATES, "t": "1"},
        ),
        (
            (
                "mutation ($c: CandidateInput!) { inviteCandidates(input:"
                " {candidates: [$c, $c], trackId: 5}) { unknownCount } }"
            ),
            {"c": CANDIDATES[0]},
        ),
    ],
    ids=["all", "none", "too-many", "literals", "variables-in-input", "variables-in-list"],
)
async def test_lists_get_the_same_response(query, variables, result):
    """A list of candidates: what reaches the core, and what is told of each."""
    assert is_planned(query, variables)

    await check_same_reads(query, variables, result=result)


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        (BULK, {"input": {"trackId": 6578, "candidates": CANDIDATES[0]}}),
        (BULK, {"input": {"trackId": 6578, "candidates": [None]}}),
        (BULK, {"input": {"trackId": 6578, "candidates": [{"candidateName": "A"}]}}),
        (BULK, {"input": {"trackId": 1.5, "candidates": CANDIDATES}}),
        (BULK.replace("$input: ", "$other: Int, $input: ").replace("{\n  all", "{\n  ...Q all")
         + "fragment Q on Mutation { x: __typename @skip(if: false) }", {"input": {}}),
        (LISTING, {"t": 1, "first": 2**40}),
        (LISTING, {"t": 1, "first": "2"}),
        (LISTING, {"t": 1, "first": True}),
        (LISTING, {"t": 1, "filter": {"nope": 1}}),
        (LISTING, {"t": 1, "filter": "x"}),
        (LISTING, {}),
        ("{ applications(trackId: 1) { nodes { details { trackTitle } currentStage { color } } } }", None),
        ("{ a: applications(trackId: 1) { totalCount } b: applications(trackId: 2) { totalCount } }", None),
        ("{ applications(trackId: 1, first: null) { nodes { name @skip(if: true) } } }", None),
        (("mutation { inviteCandidates(input: {trackId: 1, candidates: "
         '{candidateName: "A", candidateEmail: "a@example.com"}}) { invitedCount } }'), None),
        ("{ applications(trackId: 1) { totalCount } gateway { version } }", None),
        (CHECK.replace("canBeSent", "track { title }"), {"input": ADA}),
        ("{ __schema { queryType { name } } }", None),
    ],
    ids=str,
)  # fmt: skip
async def test_more_is_left_to_the_general_executor(query, variables):
    """Other reads, other lists, values that it coerces or refuses."""
    if "$other" not in query:
        assert not is_planned(query, variables)

    await check_same_reads(query, variables)


@settings(max_examples=40, deadline=None)
@given(document=queries(printed_schema(), mode=Mode.POSITIVE), values=st.integers(0, 40))
def test_generated_queries_get_the_same_response(document, values):
    """Whatever query fits the schema."""
    asyncio.run(check_same_reads(document, None, values=values))
