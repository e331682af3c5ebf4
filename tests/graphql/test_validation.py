"""The compiled validation says of every document what graphql-core's own `validate` says."""

from __future__ import annotations

import re

import pytest
from graphql import GraphQLError, GraphQLSyntaxError, ValidationRule, parse, validate
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis_graphql import Mode, from_schema

from gateway.graphql.documents import validation_rules
from gateway.graphql.schema import executable_schema, printed_schema
from gateway.graphql.validation import Validator

SCHEMA = executable_schema()
DEEP = " ".join(f"fragment F{n} on Query {{ ...F{n + 1} a: __typename }}" for n in range(150))
DOCUMENTS = [
    "{ gateway { version } }",
    "{ gateway }",
    "{ gateway { version { x } } }",
    "{ gatewai { version } nothing }",
    "{ a: gateway { version } a: applications(trackId: 1) { totalCount } }",
    '{ applications(trackId: 1, first: "x", nope: 2, filter: {name: 5, name: "b"}) { totalCount } }',
    "{ applications(first: 99999999999) { totalCount } applications(trackId: 1) { nodes { x } } }",
    "query ($a: ID!, $b: Nope, $a: ID, $c: Application) { application(trackId: $a) { name } }",
    "query ($n: Int) { applications(trackId: $n, first: $m) { totalCount } }",
    "query ($n: String = 5) { application(trackId: $n, applicationId: $n) { name } }",
    "query A { gateway { version } } query A { gateway { version } } { __typename }",
    "query A { gateway { version } } mutation B { __typename } subscription C { x }",
    "{ ...A ...A } fragment A on Query { gateway { ...B } } fragment B on GatewayInfo { version }",
    "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A gateway { version } }",
    "{ ...Missing } fragment Unused on Query { __typename } fragment Unused on Nope { x }",
    "{ gateway { ... on Query { __typename } ... on ID { x } ... on InviteError { code } } }",
    "{ gateway @skip(if: true) @skip(if: false) { version @include @nope(x: 1) } }",
    "query Q @skip(if: true) { gateway { version @deprecated } }",
    "type A { a: Int } extend type Query { b: Int } directive @d on FIELD { gateway { version } }",
    "mutation { inviteCandidate(input: {candidateName: null, trackId: [1]}) { __typename code } }",
    "mutation { inviteCandidate(input: $i) { ... on Invite { name } ... on InviteError { x } } }",
    "query ($f: ApplicationFilter = {name: GET_LINK}) { applications(filter: $f) { nodes { name } } }",
    "{ applications(trackId: 1) { nodes { x: name } nodes { x: email } } }",
    "{ __schema { types { fields { type { fields { name } } } } } __type(name: 5) { kind } }",
    f"{{ ...F0 }} {DEEP} fragment F150 on Query {{ gateway {{ version }} }}",
    "{ " + "nope " * 30 + "}",
]  # fmt: skip


def shown(errors: list[GraphQLError]) -> list[object]:
    """All that is sent of errors, and which nodes they are about."""
    return [(type(e).__name__, e.formatted, e.nodes, e.path, e.extensions) for e in errors]


VALIDATORS = [
    (rules, most, hides, Validator(SCHEMA, rules, max_errors=most, hide_suggestions=hides))
    for hides, rules in (
        (hides, validation_rules(introspection=not hides)) for hides in (False, True)
    )
    for most in (1, 100)
]


def check_same(text: str) -> None:
    document = parse(text)
    for rules, most, hides, validator in VALIDATORS:
        expected = validate(SCHEMA, document, rules, most, hides)

        assert shown(validator(document)) == shown(expected)


@pytest.mark.parametrize("text", DOCUMENTS, ids=lambda text: text[:60])
def test_each_rule_says_the_same(text):
    """Errors, their order, their places and where they end."""
    check_same(text)


def test_fragments_nested_too_deeply_end_the_same():
    """The bound on what fragments spread out to is the library's."""
    text = f"{{ ...F0 nope }} {DEEP} {DEEP.replace('F', 'G')}".replace("...F150", "...G0")

    text = text.replace("...G150", "__typename")
    errors = VALIDATORS[1][-1](parse(text))

    check_same(text)
    assert [error.message for error in errors][-1] == "Validation aborted."


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(Mode).flatmap(lambda mode: from_schema(printed_schema(), mode=mode)))
def test_generated_documents_get_the_same(document):
    """Whatever document fits the schema, or nearly does."""
    check_same(str(document))


NAMES = re.findall(r"[A-Za-z_]\w*", " ".join(DOCUMENTS))


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(DOCUMENTS),
    st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(NAMES)), min_size=1, max_size=3),
)
def test_altered_documents_get_the_same(text, changes):
    """Names out of place bring the rules together in ways that nobody thought of."""
    for place, name in changes:
        words = list(re.finditer(r"[A-Za-z_]\w*", text))
        chosen = words[place % len(words)]
        text = text[: chosen.start()] + name + text[chosen.end() :]
    try:
        check_same(text)
    except GraphQLSyntaxError:
        return


class _Fussy(ValidationRule):
    """Uses all that a rule may: skips what is below, ends its part, looks at what is around."""

    def enter(self, node, key, parent, path, ancestors):
        self.report_error(
            GraphQLError(f"enter {node.kind} {key} {path} {len(ancestors)} {type(parent).__name__}")
        )

    def enter_field(self, node, key, parent, path, ancestors):
        self.enter(node, key, parent, path, ancestors)
        return {"skip": self.SKIP, "false": False, "break": self.BREAK}.get(node.name.value)

    def leave_field(self, node, *_):
        self.report_error(GraphQLError(f"leave {node.name.value}", node))

    def leave_selection_set(self, node, *_):
        self.report_error(GraphQLError("leave", node))
        return self.BREAK if len(node.selections) == 2 else None


@pytest.mark.parametrize(
    "text",
    [
        "{ a { b } c { d(x: [1, {y: 2}]) } e }",
        "{ skip { b } false { d } e { f } g }",
        "{ x { y { z w v } } break { b } e { f } g }",
        "{ a { b c } d { e f g } h }",
    ],
)
def test_rules_may_skip_and_stop(text):
    """A rule's own part of the walk is what it is in the library."""
    document = parse(text)
    expected = validate(SCHEMA, document, [_Fussy, _Fussy], 1000)

    actual = Validator(SCHEMA, [_Fussy, _Fussy], max_errors=1000, hide_suggestions=False)(document)

    assert shown(actual) == shown(expected)
