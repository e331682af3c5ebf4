"""Documents are read once, and strangers can neither grow nor empty the cache."""

from __future__ import annotations

from typing import cast

import pytest
from graphql import GraphQLInterfaceType, OperationType, parse

from gateway.graphql.documents import CachedDocument, DocumentCache, DocumentReader
from gateway.graphql.schema import executable_schema
from gateway.http.errors import RequestError, request_error
from gateway.settings.limits import Limits

INVITE_ERROR = cast("GraphQLInterfaceType", executable_schema().get_type("InviteError"))


class Reading:
    """Stands in for the reader and remembers what it was asked to read."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, text: str) -> CachedDocument:
        self.texts.append(text)
        if "wrong" in text:
            raise request_error("Wrong.")
        return CachedDocument(text, parse("{a}"), {})

    def count(self, text: str) -> int:
        return self.texts.count(text)


@pytest.fixture
def reading() -> Reading:
    return Reading()


def test_document_is_read_once(reading):
    """A text that came before is not parsed again."""
    cache = DocumentCache(reading)

    assert cache.get("{a}") is cache.get("{a}")
    assert reading.texts == ["{a}"]


def test_wrong_documents_are_not_remembered(reading):
    """What cannot be run takes no memory."""
    cache = DocumentCache(reading)

    for n in range(100):
        with pytest.raises(RequestError):
            cache.get(f"wrong {n}")

    assert len(cache) == 0


def test_cache_does_not_grow(reading):
    """However many documents come and however often, their number is bounded."""
    cache = DocumentCache(reading, max_documents=20)

    for n in range(1_000):
        for _ in range(n % 4 + 1):
            cache.get(f"{{a{n}}}")

    assert len(cache) <= 20
    assert len(cache._counts) <= 80


def test_text_is_bounded_too(reading):
    """Few but long documents do not take more memory than many short ones."""
    cache = DocumentCache(reading, max_documents=1_000, max_characters=1_000)

    for n in range(200):
        for _ in range(3):
            cache.get(f"{n:090}")

    assert len(cache) * 90 <= 1_000


def test_document_longer_than_the_cache_is_still_answered(reading):
    """A document that could never be kept is read each time it comes back late."""
    cache = DocumentCache(reading, max_documents=20, max_characters=100)
    long = "x" * 500

    for _ in range(3):
        cache.get(long)
        cache.get("{a}")
        cache.get("{b}")

    assert reading.count(long) >= 2
    assert reading.count("{a}") == 1


def test_stream_of_new_documents_leaves_those_in_use(reading):
    """A document that was used again survives any number that are sent once."""
    cache = DocumentCache(reading, max_documents=20)
    cache.get("{used}")
    cache.get("{used}")

    for n in range(2_000):
        cache.get(f"{{a{n}}}")

    cache.get("{used}")
    assert reading.count("{used}") == 1


def test_documents_sent_twice_do_not_drive_out_one_that_is_used_more(reading):
    """To take a place, a document must have been used more than the one that has it."""
    cache = DocumentCache(reading, max_documents=20)
    for _ in range(50):
        cache.get("{used}")

    for n in range(2_000):
        for _ in range(2):
            cache.get(f"{{a{n}}}")
        cache.get("{used}")

    assert reading.count("{used}") == 1


def test_documents_out_of_use_make_room(reading):
    """What was popular once gives way in the end to what is popular now."""
    cache = DocumentCache(reading, max_documents=20)
    for n in range(18):
        for _ in range(100):
            cache.get(f"{{old{n}}}")

    for _ in range(40):
        for n in range(18):
            cache.get(f"{{new{n}}}")
        cache.get(f"{{once{len(reading.texts)}}}")
        cache.get(f"{{once{len(reading.texts)}}}")
        cache.get(f"{{once{len(reading.texts)}}}")

    before = len(reading.texts)
    for n in range(18):
        cache.get(f"{{new{n}}}")
    assert len(reading.texts) - before <= 4


def test_hash_is_forgotten_with_its_document(reading):
    """Names by hash are bounded as the documents are."""
    cache = DocumentCache(reading, max_documents=20)

    for n in range(100):
        cache.name_by_hash(cache.get(f"{{a{n}}}"), str(n))

    known = [n for n in range(100) if cache.get_by_hash(str(n)) is not None]
    assert len(known) <= 20
    assert known[-1] == 99


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


def test_documents_in_turn_are_all_kept(reading):
    """More documents than the ante-room holds are remembered where there are places."""
    cache = DocumentCache(reading, max_documents=20)

    for _ in range(3):
        for n in range(15):
            cache.get(f"{{a{n}}}")

    assert len(reading.texts) == 15
