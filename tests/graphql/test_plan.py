"""A plan gives the bytes that the general executor gives, and asks the core for the same."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass, field
from typing import Any

import pytest
from graphql import GraphQLSchema, build_schema
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis_graphql import Mode, mutations

from gateway.graphql.context import RequestContext
from gateway.graphql.documents import DocumentReader
from gateway.graphql.endpoint import GraphQLEndpoint
from gateway.graphql.execution import Executor, GeneralExecutor, PlanningExecutor
from gateway.graphql.plan import Planner
from gateway.graphql.schema import executable_schema, printed_schema
from gateway.http.requests import RequestHead
from gateway.invites.inputs import InviteDraft
from gateway.invites.models import (
    InputIssue,
    Invite,
    InviteErrorCode,
    InviteFailure,
    InviteOutcome,
    InviteResult,
    InviteSuccess,
)
from gateway.settings.limits import Limits

SCHEMA = executable_schema()
WIDE = Limits(
    max_body_bytes=10**7,
    max_document_bytes=10**6,
    max_tokens=10**5,
    max_aliases=10**4,
    max_fields=10**4,
    max_root_fields=50,
    max_invites=50,
)
GENERAL = GeneralExecutor(SCHEMA, hide_suggestions=False)
PLANNING = PlanningExecutor(SCHEMA, general=GENERAL)
ERROR_ID = re.compile(rb"[0-9a-f]{16}")

INVITE = Invite("7", "ada@example.com", "https://t.example/i/1", "invited", "Ada", "6578")
RESULTS: list[InviteResult] = [
    InviteSuccess(INVITE),
    InviteSuccess(Invite("7", "é@example.com", None, None, "\ud800", "1"), replayed=True),
    *(
        InviteFailure(
            code,
            "Words.",
            InviteOutcome.UNKNOWN,
            retryable=True,
            issues=(InputIssue("candidate_name", "a"), InputIssue("track_id", "b")),
            track_id="6578",
            retry_after_seconds=3,
            upstream_status=503,
        )
        for code in InviteErrorCode
    ),
    InviteFailure(InviteErrorCode.UPSTREAM_FAULT, "", InviteOutcome.INVITED, retryable=False),
]


def _name_of(result: InviteResult) -> str:
    return result.code.value if isinstance(result, InviteFailure) else "SUCCESS"


SELECTION = """
  __typename
  ... on InviteCandidateSuccess { invite { applicationId email inviteLink inviteStatus name trackId } replayed }
  ... on InviteError { code message outcome retryable }
  ... on InvalidInputError { issues { field message } }
  ... on TrackNotFoundError { trackId }
  ... on RateLimitedError { retryAfterSeconds }
  ... on UpstreamError { upstreamStatus retryAfterSeconds }
"""
WHOLE = f"mutation M($input: InviteCandidateInput!) {{ inviteCandidate(input: $input) {{ {SELECTION} }} }}"
ADA = {"candidateName": "Ada", "candidateEmail": "ada@example.com", "trackId": "6578"}


@dataclass
class FakeInviter:
    """Gives one result, or raises it, and keeps what it was asked for."""

    result: InviteResult | Exception
    drafts: list[InviteDraft] = field(default_factory=list)

    async def invite(self, draft: InviteDraft, *_: object) -> InviteResult:
        self.drafts.append(draft)
        if isinstance(self.result, Exception):
            raise self.result
        return self.result

    async def invite_all(self, drafts: list[InviteDraft], *_: object) -> list[InviteResult]:
        return [await self.invite(draft) for draft in drafts]


async def answered(
    executor: Executor,
    result: InviteResult | Exception,
    request: dict[str, Any],
    schema: GraphQLSchema = SCHEMA,
) -> tuple[int, bytes, list[InviteDraft]]:
    """Status and body without random ids, and what was asked of the core."""
    inviter = FakeInviter(result)
    context = RequestContext(inviter, inviter)  # type: ignore[arg-type]
    endpoint = GraphQLEndpoint(
        schema, make_context=lambda _: context, limits=WIDE, executor=executor
    )
    head = RequestHead("POST", {b"content-type": b"application/json"})
    response = await endpoint.respond(head, json.dumps(request).encode())
    return response.status, ERROR_ID.sub(b"id", response.body), inviter.drafts


async def check_same(result: InviteResult | Exception, request: dict[str, Any]) -> None:
    expected = await answered(GENERAL, result, request)

    actual = await answered(PLANNING, result, request)

    assert actual == expected


def is_planned(query: str, variables: dict[str, Any] | None = None) -> bool:
    """The general executor is not needed for the last operation of the document."""
    document = DocumentReader(SCHEMA, WIDE, introspection=True).read(query)
    operation = list(document.operations.values())[-1]
    plan = Planner(SCHEMA).plan(document, operation)
    return plan is not None and plan.draft(variables) is not None


def inviting(selection: str, more: str = "") -> str:
    return (
        "mutation M($input: InviteCandidateInput!) {"
        f" inviteCandidate(input: $input) {{ {selection} }} }} {more}"
    )


@pytest.mark.parametrize("result", RESULTS, ids=_name_of)
async def test_every_result_is_told_alike(result):
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
@pytest.mark.parametrize("result", [RESULTS[0], *RESULTS[2:5], RESULTS[-1]], ids=_name_of)
async def test_covered_documents_are_told_alike(query, result):
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
        (WHOLE.replace("Input!)", 'Input! = {candidateName: "D", candidateEmail: "d", trackId: 1})'),
         {"input": ADA}),
        (f"query Q {{ __typename }} {WHOLE}", {"input": ADA}),
    ],
    ids=str,
)  # fmt: skip
async def test_values_reach_the_core_alike(query, variables):
    """Variables, literals and their absence make the same draft."""
    assert is_planned(query, variables)

    await check_same(
        RESULTS[0], {"query": query, "variables": variables, "operationName": _last_name(query)}
    )


DEFAULT = WHOLE.replace(
    "Input!)", 'Input! = {candidateName: "D", candidateEmail: "d", trackId: 1})'
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
        (DEFAULT, {}),
        (SEPARATE, {}),
        (SEPARATE, OTHERS | {"n": None}),
        (SEPARATE, OTHERS | {"f": None}),
        (SEPARATE, OTHERS | {"f": "MAIL"}),
        (SEPARATE, {"n": "N", "e": "E", "t": 5}),
        (SEPARATE.replace("InviteFormat!", "InviteFormat"), {"n": "N", "e": "E", "t": 5, "f": None}),
        (SEPARATE.replace("InviteFormat!", "InviteFormat = SEND_LINK"), OTHERS),
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
        ("query { gateway { version } }", None),
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

    assert plan is None or plan.draft({}) is None


def test_a_plan_is_made_once():
    """It stays with its operation, whether there is one or not."""
    for query in (WHOLE, "query { gateway { version } }"):
        document = DocumentReader(SCHEMA, WIDE, introspection=True).read(query)
        operation = document.operation(None)
        planner = Planner(SCHEMA)

        first = planner.plan(document, operation)
        kept = operation.plan

        assert planner.plan(document, operation) is first
        assert operation.plan is kept
        assert kept is not None


@settings(max_examples=60, deadline=None)
@given(
    document=mutations(printed_schema(), mode=Mode.POSITIVE),
    result=st.sampled_from(RESULTS),
)
def test_generated_documents_are_told_alike(document, result):
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


@settings(max_examples=60, deadline=None)
@given(variables=st.fixed_dictionaries({"input": INPUTS | VALUES}))
def test_generated_values_reach_the_core_alike(variables):
    """Whatever a caller sends for the input."""
    asyncio.run(check_same(RESULTS[0], {"query": WHOLE, "variables": variables}))


def _last_name(query: str) -> str | None:
    return "M" if " M(" in query else None
