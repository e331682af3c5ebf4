"""Documents that differ in values alone share what was made of the first, and nothing else."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import pytest
from graphql import GraphQLScalarType, GraphQLSyntaxError, Lexer, Source, TokenKind
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis_graphql import from_schema

from gateway.graphql.document_cache import DocumentCache
from gateway.graphql.documents import DocumentReader
from gateway.graphql.plan import Planner
from gateway.graphql.schema import executable_schema, printed_schema
from gateway.graphql.shapes import literal_places, shape_of
from gateway.settings.limits import Limits
from tests.fakes.planning import GENERAL, PLANNING, RESULTS, SCHEMA, WIDE, Core

INVITE = """\
mutation Invite {
  inviteCandidate(
    input: {candidateName: "Ada", candidateEmail: "ada@example.com", trackId: 6578, inviteFormat: SEND_LINK}
  ) { __typename ... on InviteCandidateSuccess { invite { name } } ... on InviteError { message } }
}
"""
DOCUMENTS = [
    INVITE,
    'query($t: ID! = 5) { x: applications(trackId: $t, first: 3, after: "YXQ6MQ") { totalCount nodes { name } } }',
    "{ applications(trackId: 6578, first: -1) { nodes { name } nodes { email } } __typename }",
    '{ applications(trackId: 5, filter: {name: "b", stageId: "5"}) { edges { cursor } } }',
    ('mutation { inviteCandidates(input: {trackId: "5", candidates: [{candidateName: "A",'
    ' candidateEmail: "a@x.example"}, {candidateName: "A", candidateEmail: "b@x.example"}]}) { invitedCount } }'),
    '{ a: application(trackId: 5, applicationId: "1") { ...F } } fragment F on Application { name }',
    '{ application(trackId: 5, applicationId: "1") { name } application(trackId: 5, applicationId: "1") { email } }',
    "{ application(trackId: 5, applicationId: 1) { details { trackTitle } currentStage { color } } }",
    "query A { application(trackId: 1, applicationId: 2) { name } } query B { gateway { version } }",
    "query ($t: ID! = 7, $n: Int = 5) { applications(trackId: $t, first: $n) { totalCount } }",
    "{ gateway { version } }",
]  # fmt: skip


def changed(text: str, strings: list[str], integers: list[int], padding: list[str]) -> str:
    """The document with other literals, the same where they were, and other white space."""
    values: dict[str, str] = {}
    parts, end, lexer = [], 0, Lexer(Source(text))
    while (token := lexer.advance()).kind is not TokenKind.EOF:
        written = text[token.start : token.end]
        if token.kind is TokenKind.STRING and strings:
            written = values.setdefault(written, f'"{strings.pop()}"')
        elif token.kind is TokenKind.INT and integers:
            written = values.setdefault(written, str(integers.pop()))
        gap = text[end : token.start]
        parts += [padding.pop() if padding and gap else gap, written]
        end = token.end
    return "".join(parts)


PADDING = st.sampled_from([" ", "\n", "\t\r\n  ", " # x\n", '\n#"é {\n', "#\n#\n"])
TEXTS = st.text(
    alphabet=st.characters(exclude_characters='"\\', exclude_categories=["Cc", "Cs"]), max_size=9
)
VARIANTS = st.fixed_dictionaries(
    {
        "strings": st.lists(TEXTS, max_size=6),
        "integers": st.lists(st.integers(-1, 9) | st.integers(-(10**9), 10**10), max_size=6),
        "padding": st.lists(PADDING, max_size=40),
    }
)


async def check_same(first: str, second: str, **situation: Any) -> None:
    """The second document gets what it gets where the first was never seen."""
    name = "A" if "query A" in first else None
    core, fresh = Core(PLANNING, **situation), Core(GENERAL, **situation)
    for text in (first, first):
        await core.answer({"query": text, "operationName": name})
    assert core.asked
    expected = await fresh.answer({"query": second, "operationName": name})

    actual = await core.answer({"query": second, "operationName": name})

    assert actual == expected
    assert core.asked == fresh.asked
    # By its text.
    assert await core.answer({"query": second, "operationName": name}) == expected


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(DOCUMENTS), VARIANTS, st.sampled_from([0, 20, 5_000]))
def test_variants_get_what_they_get_alone(text, variant, values):
    """Other values, comments and white space; errors with their places included."""
    asyncio.run(check_same(text, changed(text, **variant), values=values))


@settings(max_examples=40, deadline=None)
@given(from_schema(printed_schema()), VARIANTS, st.sampled_from(RESULTS))
def test_variants_of_generated_documents(document, variant, result):
    """Whatever document fits the schema."""
    asyncio.run(check_same(str(document), changed(str(document), **variant), result=result))


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(DOCUMENTS),
    st.lists(
        st.tuples(
            st.integers(0, 10**6),
            st.sampled_from([*'"#-01.e+\\{}()[]:$@! ,\n\r\t\x00\x01\x02\x0b\x1c\u2028\ufeff\ud800éa',
                             '"""', '""', "1.5", "0x", "12345678901"]),
            st.integers(0, 2),
        ),
        min_size=1,
        max_size=3,
    ),
)  # fmt: skip
def test_broken_variants_are_not_taken_for_sound_ones(text, changes):
    """A character too many or too few, where it hurts most: what is invalid stays so."""
    broken = text
    for anywhere, character, gone in changes:
        place = anywhere % len(broken)
        broken = broken[:place] + character + broken[place + gone :]
    asyncio.run(check_same(text, broken))


SAME = [
    ('{ a(b: "x") }', '{ a(b: "y, {}#é") }'),
    ("{ a(b: 1) }", "{\n  a(b: -999999999)  # one\n}"),
    ("{ a }", "#\n\t{ a # }\n}"),
    ('{ a(b: "x", c: "x") }', '{ a(b: "", c: "") }'),
    ("{ a1 b2c _3 }", "{ a1 b2c\n_3 }"),
    ("{ a }", '# """\n{ a }'),
]
OTHER = [
    ('{ a(b: "x") }', "{ a(b: 1) }"),
    ('{ a(b: "x", c: "x") }', '{ a(b: "x", c: "y") }'),
    ('{ a(b: "x", c: "y", d: "x") }', '{ a(b: "x", c: "y", d: "y") }'),
    ("{ a(b: 1) }", "{ a(b: 1.0) }"),
    ("{ a(b: 1) }", "{ a(b: 1234567890) }"),
    ("{ a(b: X) }", "{ a(b: Y) }"),
    ("{ a(b: true) }", "{ a(b: false) }"),
    ("{ a1 }", "{ a2 }"),
    ("{ a b }", "{ ab }"),
    ("{ a(b: 1 c: 2) }", "{ a(b: 1c: 2) }"),
    ("{ a(b: 0) }", "{ a(b: 00) }"),
]
NONE = ['{ a(b: """x""") }', '{ a(b: """""") }', '{ a(b: ["x""y"]) }', r'{ a(b: "\n") }',
        '{ a(b: "x) }', "{ a\x0b}", "\ufeff{ a }", "{ é }",
        '{ a(b: "\t") }', '{ a(b: "\ud800") }', "{ a #\ud800\n}", '{ a(b: "x\n") }', "{ a \x00 }"]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), SAME)
def test_values_and_white_space_are_no_part_of_the_shape(one, other):
    """What differs between requests that do the same with other values."""
    first, second = shape_of(one), shape_of(other)

    assert first is not None
    assert second is not None
    assert first.key == second.key


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_everything_else_is(one, other):
    """Which values are equal too: fields with equal arguments are merged."""
    first, second = shape_of(one), shape_of(other)

    assert first is not None
    assert second is None or first.key != second.key


@pytest.mark.parametrize("text", NONE, ids=ascii)
def test_what_is_odd_has_no_shape(text):
    """It is read as it is."""
    assert shape_of(text) is None
    assert literal_places(text) == {}


@pytest.mark.parametrize("text", DOCUMENTS)
def test_literals_are_found_where_they_begin(text):
    """So that a plan knows which of its values are the shape's."""
    shape, places = shape_of(text), literal_places(text)

    assert shape is not None
    assert [*places.values()] == [*range(len(shape.literals))]
    for start, position in places.items():
        assert text[start:].startswith(shape.literals[position])


def test_no_input_of_the_schema_judges_values():
    """A scalar of our own that did would have to be left out of shapes."""
    own = {
        type_.name
        for schema in (SCHEMA, executable_schema(federation=True))
        for type_ in schema.type_map.values()
        if isinstance(type_, GraphQLScalarType)
    } - {"ID", "String", "Int", "Float", "Boolean"}

    # JSON is never an input; whatever stands for `_Any` and `_FieldSet` is passed on as it is.
    assert own <= {"JSON", "_Any", "_FieldSet", "FieldSet"}


class Counting(DocumentReader):
    """A reader that counts."""

    read_texts = 0

    def read(self, text):
        self.read_texts += 1
        return super().read(text)


def cache_of(limits: Limits = WIDE, **bounds: int) -> tuple[DocumentCache, Counting]:
    reader = Counting(SCHEMA, limits, introspection=False)
    return DocumentCache(reader.read, shape=reader.shape, **bounds), reader


def test_variants_share_one_plan_and_are_not_read():
    """One is read, one plan is made, and each has its own text and values."""
    cache, reader = cache_of()
    first = cache.get(INVITE)
    plan = Planner(SCHEMA).plan(first, first.operation(None))

    for n in range(50):
        text = INVITE.replace("Ada", f"Ada {n}")
        document = cache.get(text)

        assert document.text == text
        assert document.literals[0] == f'"Ada {n}"'
        assert Planner(SCHEMA).plan(document, document.operation(None)) is plan
    assert plan is not None
    assert reader.read_texts == 1


def test_documents_that_select_the_same_share_what_reads_it():
    """Documents that are all new would fill the memory with equal plans."""
    cache, _ = cache_of()
    planner = Planner(SCHEMA)

    plans = [
        planner.plan(document, document.operation(None))
        for document in (
            cache.get(f"mutation M{n} {INVITE.partition('Invite')[2]}") for n in (1, 2)
        )
    ]

    first, second = (plan and plan.complete for plan in plans)
    assert first is not None
    assert first is second


def test_planned_documents_keep_no_tree():
    """It takes most of a document's memory; the rare error has it parsed again."""
    cache, _ = cache_of()
    document = cache.get(INVITE)

    Planner(SCHEMA).plan(document, document.operation(None))

    assert document._ast is None
    assert document.ast is document.ast


def test_plan_is_made_of_the_document_that_was_read():
    """The first of a shape need not be the first that is run."""
    cache, _ = cache_of()
    cache.get(INVITE)
    variant = cache.get(INVITE.replace('"Ada"', '"A longer name"').replace("6578", "5"))

    plan = Planner(SCHEMA).plan(variant, variant.operation(None))

    assert plan is not None
    arguments = plan.arguments(None, variant.literals)
    assert arguments is not None
    assert arguments["input"]["candidateName"] == "A longer name"
    assert arguments["input"]["trackId"] == "5"


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        (Limits(max_document_bytes=400), INVITE + "#" * 200),
        (Limits(max_document_bytes=400), INVITE.replace("Ada", "é" * 90)),
        (Limits(max_tokens=60), INVITE + "#\n" * 61),
    ],
    ids=["characters", "bytes", "comments"],
)
def test_limits_hold_for_variants(limits, text):
    """A document that is longer than allowed is refused, whatever its shape."""
    cache, reader = cache_of(limits)
    cache.get(INVITE)

    with pytest.raises(Exception, match=r"is longer than|has more than"):
        cache.get(text)
    assert reader.read_texts == 2


def test_strangers_variants_do_not_grow_the_cache():
    """They pass through it as other new documents do, and what is found by shape goes with them."""
    cache, _ = cache_of(max_documents=20, max_characters=20_000)

    for n in range(500):
        cache.get(INVITE.replace("Ada", f"Ada {n}"))
        cache.get(f"{{ a{n}: __typename }}")

    assert len(cache) <= 20
    assert len(cache._by_shape) <= 20
    assert sum(entry.size for entry in cache._by_text.values()) <= 20_000
    assert set(cache._by_shape.values()) <= set(cache._by_text.values())


def test_document_that_variants_are_made_of_stays():
    """Each variant counts as a use of it."""
    cache, reader = cache_of(max_documents=20)
    cache.get(INVITE)

    for n in range(500):
        cache.get(INVITE.replace("Ada", f"Ada {n}"))
        cache.get(f"{{ a{n}: __typename }}")

    assert reader.read_texts == 501


async def test_variant_can_be_persisted_by_its_own_hash():
    """The hash that a document is named by is its own text's."""
    core = Core(PLANNING)
    other = INVITE.replace("Ada", "Bob")
    sha256 = hashlib.sha256(other.encode()).hexdigest()
    named = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": sha256}}}

    await core.answer({"query": INVITE})
    await core.answer({"query": other, **named})
    core.inviter.drafts = []
    status, _ = await core.answer(named)

    assert status == 200
    assert [draft.candidate_name for draft in core.inviter.drafts] == ["Bob"]


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet='"#-019.aé \n\t\\{}:,', max_size=30))
def test_literals_are_the_lexers_own(text):
    """Where a text can be lexed, each literal of its shape is a token of the same extent."""
    shape, lexer, tokens = shape_of(text), Lexer(Source(text)), {}
    try:
        while (token := lexer.advance()).kind is not TokenKind.EOF:
            tokens[token.start] = text[token.start : token.end]
    except GraphQLSyntaxError:
        return

    for start, position in literal_places(text).items():
        assert shape is not None
        assert tokens[start] == shape.literals[position]
