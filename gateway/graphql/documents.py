"""Documents: parsed and validated once, and remembered."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    ValuesOfCorrectTypeRule,
    parse,
    specified_rules,
)
from graphql.validation import ASTValidationRule, ValidationRule

from gateway.graphql.errors import syntax_error, validation_error, without_value
from gateway.graphql.survey import check_document, count_invites, fragments_of, root_fields
from gateway.graphql.validation import Validator
from gateway.http.errors import request_error
from gateway.settings.limits import Limits

MAX_VALIDATION_ERRORS = 5
_COUNTS_PER_DOCUMENT = 4


@dataclass(slots=True)
class Operation:
    """One operation of a valid document."""

    node: OperationDefinitionNode
    type: OperationType
    name: str | None
    invites: int
    """How many invites it may run at most."""
    plan: object = None
    """For whoever runs it to leave what was made ready for the next time."""


@dataclass(slots=True)
class CachedDocument:
    """A document that is valid for the schema and within the limits."""

    text: str
    ast: DocumentNode
    operations: Mapping[str | None, Operation]
    uses: int = 1
    """How often it was asked for of late; the cache counts it."""
    sha256: str | None = None
    """The hash that callers may name it by, if one did."""

    def operation(self, name: str | None) -> Operation:
        """The operation to run; raises RequestError if that is none or not certain."""
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        if name is None:
            raise request_error(
                "The document has several operations: name one in `operationName`."
                if self.operations
                else "The document has no operation.",
                well_formed=True,
            )
        if name not in self.operations:
            raise request_error("The document has no operation of this name.", well_formed=True)
        return self.operations[name]


class DocumentReader:
    """Makes a valid document of a text."""

    def __init__(self, schema: GraphQLSchema, limits: Limits, *, introspection: bool) -> None:
        self._limits = limits
        self._validate = Validator(
            schema,
            validation_rules(introspection=introspection),
            max_errors=MAX_VALIDATION_ERRORS,
            hide_suggestions=not introspection,
        )

    def read(self, text: str) -> CachedDocument:
        """Raises RequestError that says what is wrong; each limit is checked as soon as it can."""
        limits = self._limits
        if len(text) > limits.max_document_bytes or _size(text) > limits.max_document_bytes:
            raise request_error(
                f"The document is longer than the {limits.max_document_bytes} bytes allowed:"
                " send the values in it as variables.",
                status=413,
            )
        document = self._parse(text)
        try:
            check_document(document, limits)
        except GraphQLError as error:
            raise validation_error([error]) from None
        if errors := self._validate(document):
            raise validation_error(errors)
        return _cached(text, document)

    def _parse(self, text: str) -> DocumentNode:
        tokens = self._limits.max_tokens
        try:
            return parse(text, max_lexical_tokens=tokens, max_comments=tokens)
        except GraphQLSyntaxError as error:
            raise syntax_error(error) from None


class _ValuesWithoutEcho(ValuesOfCorrectTypeRule):
    """Says which value is wrong, and not what it is."""

    def report_error(self, error: GraphQLError) -> None:
        super().report_error(GraphQLError(without_value(error.message), error.nodes))


class _NoServiceRule(ValidationRule):
    """Keeps the schema from those who may not ask for it, as it can be read through federation."""

    def enter_field(self, node: FieldNode, *_: object) -> None:
        if node.name.value == "_service" and self.context.get_field_def() is not None:
            message = (
                "The schema is not told here. Compose the output of"
                " `gateway schema --federation` instead."
            )
            self.report_error(GraphQLError(message, node))


def validation_rules(*, introspection: bool) -> tuple[type[ASTValidationRule], ...]:
    """graphql-core's rules, with our own words where theirs quote what was sent."""
    rules = tuple(
        _ValuesWithoutEcho if rule is ValuesOfCorrectTypeRule else rule for rule in specified_rules
    )
    if introspection:
        return rules
    return (*rules, NoSchemaIntrospectionCustomRule, _NoServiceRule)


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _cached(text: str, document: DocumentNode) -> CachedDocument:
    fragments = fragments_of(document)
    operations = {}
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            invites = count_invites(root_fields(node, fragments))
            name = node.name.value if node.name else None
            operations[name] = Operation(node, node.operation, name, invites)
    return CachedDocument(text, document, operations)


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
    """

    def __init__(
        self,
        read: Callable[[str], CachedDocument],
        *,
        max_documents: int = 500,
        max_characters: int = 500_000,
    ) -> None:
        self._read = read
        self._by_text: dict[str, CachedDocument] = {}
        self._by_hash: dict[str, CachedDocument] = {}
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
        entry = self._read(text)
        entry.uses += self._counts.pop(hash(text), 0)
        while self._waiting.documents and not self._waiting.has_room_for(entry):
            self._leave(self._waiting.pop())
        self._by_text[text] = entry
        self._waiting.push(entry)
        return entry

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
            and self.characters + len(entry.text) <= self.max_characters
        )

    def push(self, entry: CachedDocument) -> None:
        self.documents.append(entry)
        self.characters += len(entry.text)

    def pop(self) -> CachedDocument:
        entry = self.documents.popleft()
        self.characters -= len(entry.text)
        return entry
