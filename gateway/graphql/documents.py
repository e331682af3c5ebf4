"""Documents: parsed, held to the limits and validated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
from gateway.graphql.shapes import Shape, shape_of
from gateway.graphql.survey import check_document, count_invites, fragments_of, root_fields
from gateway.graphql.validation import Validator
from gateway.http.errors import request_error
from gateway.settings.limits import Limits

MAX_VALIDATION_ERRORS = 5


@dataclass(slots=True)
class Operation:
    """One operation of a valid document."""

    type: OperationType
    name: str | None
    invites: int
    """How many invites it may run at most."""
    plan: object = None
    """The executor's plan of it, once made."""


class CachedDocument:
    """A document that is valid for the schema and within the limits.

    A document that shares the shape of a valid `origin` uses the origin's operations and plans.
    A dropped `ast` is parsed again on access.
    """

    __slots__ = (
        "_ast",
        "literals",
        "operations",
        "origin",
        "sha256",
        "shape",
        "size",
        "text",
        "uses",
    )

    def __init__(
        self,
        text: str,
        ast: DocumentNode | None,
        operations: Mapping[str | None, Operation],
        *,
        shape: Shape | None = None,
        origin: CachedDocument | None = None,
    ) -> None:
        self.text = text
        self._ast = ast
        self.operations = operations
        key = shape.key if shape else None
        self.shape: str | None = origin.shape if origin else key
        self.literals = shape.literals if shape else ()
        self.origin = origin
        self.size = len(text) + len(origin.text if origin else self.shape or "")
        """How many characters are kept for it."""
        self.uses = 1
        """How often it was asked for of late; the cache counts it."""
        self.sha256: str | None = None
        """The hash that callers may name it by, if one did."""

    @property
    def ast(self) -> DocumentNode:
        if self._ast is None:
            self._ast = parse(self.text)
        return self._ast

    def forget_ast(self) -> None:
        """Frees most of the document's memory; a plan needs the `ast` for errors only."""
        self._ast = None

    def node(self, operation: Operation) -> OperationDefinitionNode:
        """The operation as written in this document, not its origin."""
        return next(
            one
            for one in self.ast.definitions
            if isinstance(one, OperationDefinitionNode)
            and (one.name.value if one.name else None) == operation.name
        )

    def of_same_shape(self, text: str, shape: Shape) -> CachedDocument:
        """The document of another text with the same shape."""
        return CachedDocument(text, None, self.operations, shape=shape, origin=self)

    def operation(self, name: str | None) -> Operation:
        """The operation to run; raises RequestError if there is none or several match."""
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
        """Raises RequestError if invalid; each limit is checked as early as possible."""
        limits = self._limits
        if not self._fits(text):
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
        return _cached(text, document, self.shape(text))

    def shape(self, text: str) -> Shape | None:
        """The document's shape; None if it has none or breaks a limit on its text."""
        shape = shape_of(text) if self._fits(text) else None
        return shape if shape is not None and shape.comments <= self._limits.max_tokens else None

    def _fits(self, text: str) -> bool:
        most = self._limits.max_document_bytes
        return len(text) <= most and (
            text.isascii() or len(text.encode("utf-8", "surrogatepass")) <= most
        )

    def _parse(self, text: str) -> DocumentNode:
        tokens = self._limits.max_tokens
        try:
            return parse(text, max_lexical_tokens=tokens, max_comments=tokens)
        except GraphQLSyntaxError as error:
            raise syntax_error(error) from None


class _ValuesWithoutEcho(ValuesOfCorrectTypeRule):
    """Says which value is wrong, without quoting it."""

    def report_error(self, error: GraphQLError) -> None:
        super().report_error(GraphQLError(without_value(error.message), error.nodes))


class _NoServiceRule(ValidationRule):
    """Refuses `_service`, by which federation exposes the schema, if introspection is off."""

    def enter_field(self, node: FieldNode, *_: object) -> None:
        if node.name.value == "_service" and self.context.get_field_def() is not None:
            message = (
                "The schema is not shown here. Compose the output of"
                " `gateway schema --federation` instead."
            )
            self.report_error(GraphQLError(message, node))


def validation_rules(*, introspection: bool) -> tuple[type[ASTValidationRule], ...]:
    """graphql-core's rules, reworded where they would quote what was sent."""
    rules = tuple(
        _ValuesWithoutEcho if rule is ValuesOfCorrectTypeRule else rule for rule in specified_rules
    )
    if introspection:
        return rules
    return (*rules, NoSchemaIntrospectionCustomRule, _NoServiceRule)


def _cached(text: str, document: DocumentNode, shape: Shape | None) -> CachedDocument:
    fragments = fragments_of(document)
    operations = {}
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            invites = count_invites(root_fields(node, fragments))
            name = node.name.value if node.name else None
            operations[name] = Operation(node.operation, name, invites)
    return CachedDocument(text, document, operations, shape=shape)
