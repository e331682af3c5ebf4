"""Each limit on documents holds at its bound and not before."""

from __future__ import annotations

from dataclasses import replace

import pytest
from graphql import GraphQLError, OperationDefinitionNode, parse

from gateway.graphql.survey import check_document, count_invites, fragments_of, root_fields
from gateway.settings.limits import Limits

INVITE = "inviteCandidate(input: $i) { name }"


@pytest.mark.parametrize(
    ("limit", "bound", "document"),
    [
        ("max_depth", 3, "{a{b{c}}}"),
        ("max_depth", 3, "{...A} fragment A on Q{a{b{c}}}"),
        ("max_depth", 3, "{a{...A}} fragment A on Q{b{c}}"),
        ("max_depth", 3, "{a{... on Q{c}}}"),
        ("max_depth", 4, "{...B} fragment A on Q{c} fragment B on Q{a{b{d{...A}}}}"),
        ("max_input_depth", 2, "{a(b: [{c: 1}])}"),
        ("max_input_depth", 2, "query($v: X = {c: [1]}){a}"),
        ("max_input_depth", 1, "{a @b(c: [1])}"),
        ("max_fields", 3, "{a b c}"),
        ("max_fields", 5, "{...A x{...A}} fragment A on Q{a b}"),
        ("max_aliases", 2, "{x:a y:b}"),
        ("max_aliases", 2, "{...A} fragment A on Q{x:a{y:b}}"),
        ("max_root_fields", 2, "{a b{c d e}}"),
        ("max_root_fields", 2, "{a ...A ...A} fragment A on Q{b}"),
        ("max_root_fields", 2, "{a ... on Q{b}}"),
        ("max_directives", 2, "{a @x @y}"),
        ("max_directives", 4, "query($v: X @q) @p{...A @r} fragment A on Q @s{a}"),
        ("max_operations", 2, "query A{a} query B{b}"),
        ("max_fragments", 2, "{...A ...B} fragment A on Q{a} fragment B on Q{b}"),
        ("max_fragments", 1, "{...A a{...A}} fragment A on Q{a}"),
        ("max_overlaps", 3, "{a a a}"),
        ("max_overlaps", 2, "{a{b} a{b}}"),
        ("max_overlaps", 1, "{x:a ...A} fragment A on Q{x:b}"),
        ("max_overlaps", 0, "{a{x} b{x}}"),
        ("max_invites", 2, "mutation{a:" + INVITE + " b:" + INVITE + "}"),
    ],
)
def test_limit_holds_at_its_bound(limit, bound, document):
    """A document at the bound passes, and breaks a bound that is one lower."""
    parsed = parse(document)
    roomy = Limits(max_invites=9)

    check_document(parsed, replace(roomy, **{limit: bound}))
    with pytest.raises(GraphQLError, match=f"than the {_told(limit, bound)} allowed"):
        check_document(parsed, replace(roomy, **{limit: bound - 1}))


def _told(limit: str, bound: int) -> int:
    return 2 * (bound - 1) if (limit, bound) == ("max_fragments", 1) else bound - 1


@pytest.mark.parametrize(
    ("selections", "invites"),
    [
        ("__typename", 0),
        (INVITE, 1),
        (INVITE + " " + INVITE, 1),
        ("a:" + INVITE + " b:" + INVITE, 2),
        ("a:" + INVITE + " ... on M { b:" + INVITE + " }", 2),
        ("...A ...A ...B", 3),
        ("inviteCandidate(input: $i) @skip(if: true) { name }", 1),
        ("inviteCandidates { a } " + INVITE, 2),
        ("other { " + INVITE + " }", 0),
    ],
)
def test_invites_are_counted(selections, invites):
    """What may be run counts, however it is written; fields with one response name are one."""
    text = (
        f"mutation {{ {selections} }} fragment A on M {{ a:{INVITE} ...B ...A ...Unknown }}"
        f" fragment B on M {{ b:{INVITE} c:{INVITE} }}"
    )
    document = parse(text)
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)

    assert count_invites(root_fields(operation, fragments_of(document))) == invites


@pytest.mark.parametrize(
    "document",
    [
        "{...A} fragment A on Q{...B} fragment B on Q{...A}",
        "{...A} fragment A on Q{a}  fragment C on Q{...Unknown}",
    ],
    ids=["cycle", "unknown"],
)
def test_broken_fragments_are_left_to_validation(document):
    """What validation words better is not refused here."""
    check_document(parse(document), Limits())


def test_cycle_of_fields_ends():
    """Fragments in a circle spread out to a document without end, which is refused."""
    with pytest.raises(GraphQLError, match="nested"):
        check_document(parse("{...A} fragment A on Q{a{...A} b{...A}}"), Limits())


def test_doubling_fragments_are_counted_in_a_moment():
    """Fragments that spread out to a billion fields are refused without spreading them."""
    doubling = " ".join(f"fragment F{n} on Q{{a ...F{n + 1} ...F{n + 1}}}" for n in range(29))

    with pytest.raises(GraphQLError, match="more fields, fragments spread out, than the 500"):
        check_document(parse("{...F0}" + doubling), Limits())


def test_limits_raised_too_far_are_no_crash():
    """A document deeper than Python can follow is refused all the same."""
    spread = "a{" * 150 + "...F#" + "}" * 150
    chain = " ".join(f"fragment F{n} on Q{{{spread.replace('#', str(n + 1))}}}" for n in range(20))

    with pytest.raises(GraphQLError, match="nested too deeply"):
        check_document(parse("{...F0} " + chain), Limits(max_depth=100_000, max_fields=100_000))


def test_fault_says_where():
    """A limit's error points at the place that broke it."""
    with pytest.raises(GraphQLError) as caught:
        check_document(parse("{\n  x:a\n  y:b\n}"), Limits(max_aliases=1))

    assert caught.value.locations is not None
    assert caught.value.locations[0].line == 3
