"""A bounded cache of documents by text, hash and shape."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.graphql.documents import CachedDocument
from gateway.graphql.shapes import Shape

_COUNTS_PER_DOCUMENT = 4


class DocumentCache:
    """Caches documents by their text, in bounded memory.

    Clients cannot make it grow, nor evict documents in use cheaply. New documents enter a small
    admission queue. If the cache is full, a document that leaves the queue is dropped unless it
    was requested again (counts outlive their documents for a while) and more often of late than
    the eviction candidate; otherwise the candidate's count is halved and it goes to the end of
    the eviction order. So one-off documents only pass through the queue. Evicting documents in
    use takes more documents than the cache holds, each requested more often than those in use,
    and each parsed at the attacker's expense.

    A new document with the `shape` of a cached one is not parsed, as it is known to be valid;
    otherwise it is treated like any other, and the cached one counts as used again.
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
        """The document; raises RequestError if it is invalid, and then caches nothing."""
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
        """Let `get_by_hash` find the document for as long as it is cached."""
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
    """Documents in eviction order; bounded by number and, as a proxy for memory, by text."""

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
