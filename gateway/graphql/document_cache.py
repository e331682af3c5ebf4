"""Documents remembered in bounded memory, found by their text, their hash or their shape."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.graphql.documents import CachedDocument
from gateway.graphql.shapes import Shape

_COUNTS_PER_DOCUMENT = 4


class DocumentCache:
    """Remembers documents, in bounded memory, by the text they came as.

    A stranger can neither make it grow nor empty it cheaply. A new document waits in a small
    ante-room until other new ones push it out. Where all places are taken, it is forgotten then,
    so a stream of documents that differ each time passes through that room alone. Only one that
    was asked for again (its count is remembered a while longer than itself) gets a place, and
    only if it was used more often of late than the document whose turn it is; otherwise that
    one's count is halved, and its next turn comes last. To drive out a document in use, a
    stranger has to ask for more documents than there are places, each more often than everybody
    else asks for theirs, and pays for parsing every one of them.

    A new document that has the `shape` of a remembered one is not read, as it is known to be
    valid; for the rest it is treated as any other, and the one it was made of as used again.
    """

    def __init__(
        self,
        read: Callable[[str], CachedDocument],
        *,
        shape: Callable[[str], Shape | None] = lambda _: None,
        max_documents: int = 500,
        max_characters: int = 500_000,
    ) -> None:
        self._read = read
        self._shape = shape
        self._by_text: dict[str, CachedDocument] = {}
        self._by_hash: dict[str, CachedDocument] = {}
        self._by_shape: dict[str, CachedDocument] = {}
        self._counts: dict[int, int] = {}
        self._max_counts = _COUNTS_PER_DOCUMENT * max_documents
        waiting = max(1, max_documents // 10)
        self._waiting = _Room(waiting, max_characters // 10)
        self._kept = _Room(max_documents - waiting, max_characters - max_characters // 10)

    def __len__(self) -> int:
        return len(self._by_text)

    def get(self, text: str) -> CachedDocument:
        """The document; raises RequestError if it is not valid, and remembers nothing of it."""
        entry = self._by_text.get(text)
        if entry is not None:
            entry.uses += 1
            return entry
        entry = self._found_by_shape(text) or self._read(text)
        entry.uses += self._counts.pop(hash(text), 0)
        while self._waiting.documents and not self._waiting.has_room_for(entry):
            self._leave(self._waiting.pop())
        self._by_text[text] = entry
        self._waiting.push(entry)
        if entry.shape is not None:
            self._by_shape.setdefault(entry.shape, entry)
        return entry

    def _found_by_shape(self, text: str) -> CachedDocument | None:
        shape = self._shape(text)
        found = self._by_shape.get(shape.key) if shape is not None else None
        if shape is None or found is None:
            return None
        found.uses += 1
        return found.of_same_shape(text, shape)

    def get_by_hash(self, sha256: str) -> CachedDocument | None:
        entry = self._by_hash.get(sha256)
        if entry is not None:
            entry.uses += 1
        return entry

    def name_by_hash(self, entry: CachedDocument, sha256: str) -> None:
        """Let `get_by_hash` find the document for as long as it is remembered."""
        entry.sha256 = sha256
        self._by_hash[sha256] = entry

    def _leave(self, entry: CachedDocument) -> None:
        if self._kept.has_room_for(entry) or (entry.uses > 1 and self._make_room_for(entry)):
            self._kept.push(entry)
        else:
            self._forget(entry)

    def _make_room_for(self, entry: CachedDocument) -> bool:
        while not self._kept.has_room_for(entry):
            if not self._kept.documents:
                return False
            rival = self._kept.pop()
            if rival.uses >= entry.uses:
                rival.uses //= 2
                self._kept.push(rival)
                return False
            self._forget(rival)
        return True

    def _forget(self, entry: CachedDocument) -> None:
        del self._by_text[entry.text]
        if entry.sha256 is not None:
            del self._by_hash[entry.sha256]
        if entry.shape is not None and self._by_shape.get(entry.shape) is entry:
            del self._by_shape[entry.shape]
        self._counts[hash(entry.text)] = entry.uses
        if len(self._counts) > self._max_counts:
            del self._counts[next(iter(self._counts))]


@dataclass(slots=True)
class _Room:
    """Documents in the order of their turns; bounded by number and, as memory is, by text."""

    max_documents: int
    max_characters: int
    documents: deque[CachedDocument] = field(default_factory=deque)
    characters: int = 0

    def has_room_for(self, entry: CachedDocument) -> bool:
        return (
            len(self.documents) < self.max_documents
            and self.characters + entry.size <= self.max_characters
        )

    def push(self, entry: CachedDocument) -> None:
        self.documents.append(entry)
        self.characters += entry.size

    def pop(self) -> CachedDocument:
        entry = self.documents.popleft()
        self.characters -= entry.size
        return entry
