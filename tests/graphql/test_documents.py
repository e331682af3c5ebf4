"""Documents are held to the limits before they are held to the schema."""

from __future__ import annotations

import pytest
from graphql import OperationType, parse

from gateway.graphql.documents import CachedDocument, DocumentReader
from gateway.http.errors import RequestError
from gateway.settings.limits import Limits


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

    with pytest.raises(RequestError, match="contains more than 50"):
        reader.read(text)


def test_limits_are_checked_before_the_schema(reader):
    """A document beyond a limit is not validated."""
    with pytest.raises(RequestError, match="root fields"):
        reader.read("{" + "nothing " * 20 + "}")
