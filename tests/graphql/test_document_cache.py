"""Documents are read once, and strangers can neither grow nor empty the cache."""

from __future__ import annotations

import pytest
from graphql import parse

from gateway.graphql.document_cache import DocumentCache
from gateway.graphql.documents import CachedDocument
from gateway.http.errors import RequestError, request_error


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


@pytest.mark.parametrize("by_hash", [False, True], ids=["text", "hash"])
def test_document_asked_for_often_outlasts_those_read_again(reading, by_hash):
    """Each time a document is asked for counts, though it was read only once."""
    cache = DocumentCache(reading, max_documents=20)
    cache.name_by_hash(cache.get("{used}"), "used")
    for _ in range(50):
        assert cache.get_by_hash("used") if by_hash else cache.get("{used}")
    for n in range(19):
        cache.get(f"{{old{n}}}")

    for _ in range(3):
        for n in range(4):
            cache.get(f"{{new{n}}}")

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


def test_documents_in_turn_are_all_kept(reading):
    """More documents than the ante-room holds are remembered where there are places."""
    cache = DocumentCache(reading, max_documents=20)

    for _ in range(3):
        for n in range(15):
            cache.get(f"{{a{n}}}")

    assert len(reading.texts) == 15
