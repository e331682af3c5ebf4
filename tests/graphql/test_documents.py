"""Documents are held to the limits before they are held to the schema."""

from __future__ import annotations

from typing import cast

import pytest
from graphql import GraphQLInterfaceType, OperationType, parse

from gateway.graphql.documents import CachedDocument, DocumentReader
from gateway.graphql.schema import executable_schema
from gateway.http.errors import RequestError
from gateway.settings.limits import Limits

INVITE_ERROR = cast("GraphQLInterfaceType", executable_schema().get_type("InviteError"))


@pytest.fixture
def reader(schema) -> DocumentReader:
    return DocumentReader(schema, Limits(max_document_bytes=200), introspection=False)


def test_operations_are_known_by_name(reader):
    """Each operation has its type and the number of invites that it may send."""
    document = reader.read(
        "query A{__typename} mutation B($i:InviteCandidateInput!){inviteCandidate(input:$i){name}}"
    )

    assert document.operation("A").type is OperationType.QUERY
    assert document.operation("A").invites == 0
    assert document.operation("B").type is OperationType.MUTATION
    assert document.operation("B").invites == 1


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("{__typename}", "A", "The document has no operation of this name."),
        ("query A{__typename}", "B", "The document has no operation of this name."),
        (
            "query A{__typename} query B{__typename}",
            None,
            "The document has several operations: name one in `operationName`.",
        ),
    ],
)
def test_operation_is_never_guessed(reader, text, name, message):
    """The only operation needs no name; of several, the caller says which."""
    with pytest.raises(RequestError) as caught:
        reader.read(text).operation(name)

    assert str(caught.value) == message


def test_document_without_operation_is_said_to_have_none(schema):
    """A document of fragments alone cannot be run."""
    document = CachedDocument("", parse("fragment A on Query{a}"), {})

    with pytest.raises(RequestError, match="no operation"):
        document.operation(None)


@pytest.mark.parametrize(
    "text",
    ["{__typename}" + "," * 200, "{__typename}#" + "é" * 100],
    ids=["ignored-characters", "bytes"],
)
def test_long_document_is_413(reader, text):
    """Characters that mean nothing count, and so do bytes rather than characters."""
    with pytest.raises(RequestError) as caught:
        reader.read(text)

    assert caught.value.status == 413


@pytest.mark.parametrize("text", ["{" + "a " * 60 + "}", "{a}" + "#\n" * 60])
def test_tokens_are_counted_while_parsing(schema, text):
    """Neither tokens nor comments are read beyond their bound."""
    reader = DocumentReader(schema, Limits(max_tokens=50), introspection=False)

    with pytest.raises(
        RequestError, match=r"has more than the 50 (tokens allowed: send the values|comments)"
    ):
        reader.read(text)


CANDIDATES = ",".join(
    f'{{candidateName:"Candidate Number {n}",candidateEmail:"candidate.number{n}@mail.example.com"'
    f',idempotencyKey:"0f3a5c8e-1b2d-4c6f-8e9a-{n:012}"}}'
    for n in range(100)
)
LIST_OF_100 = (
    f"mutation{{inviteCandidates(input:{{trackId:6578,candidates:[{CANDIDATES}]}}){{failedCount}}}}"
)
ERRORS = [one.name for one in executable_schema().get_implementations(INVITE_ERROR).objects]
# As swift-graphql and elm-graphql write it: an alias for every field, of every member.
ALL_ALIASED = (
    "mutation($i:InviteCandidateInput!){a1:inviteCandidate(input:$i){__typename"
    " ...on InviteCandidateSuccess{a2:invite{a3:applicationId a4:inviteLink}}"
    + "".join(
        f"...on {name}{{c:code m{n}:message o{n}:outcome r{n}:retryable}}"
        for n, name in enumerate(ERRORS)
    )
    + "}}"
)


@pytest.mark.parametrize("text", [LIST_OF_100, ALL_ALIASED], ids=["list-of-100", "all-aliased"])
def test_what_clients_write_is_within_the_limits(text):
    """A whole list as literals, and clients that name every field anew."""
    reader = DocumentReader(executable_schema(), Limits(), introspection=False)

    assert reader.read(text).text == text


def test_limits_are_checked_before_the_schema(reader):
    """A document beyond a limit is not validated."""
    with pytest.raises(RequestError, match="root fields"):
        reader.read("{" + "nothing " * 20 + "}")
