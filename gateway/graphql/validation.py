"""graphql-core's validation rules, with the methods for each kind of node looked up once.

graphql-core asks each rule, for each document, whether it has a method for each kind of node.
Here that is a table, made once. Rules and errors are the library's; the tests compare this with
its `validate`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

from graphql import (
    SKIP,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    Node,
    TypeInfo,
    UniqueDirectivesPerLocationRule,
    assert_valid_schema,
)
from graphql.language import ast
from graphql.validation import ASTValidationRule, ValidationContext
from graphql.validation.validate import (
    FragmentNestingVisitor,
    ValidationAbortedError,
    query_document_keys_to_validate,
)

_Method: TypeAlias = Callable[..., Any]
_Keys: TypeAlias = tuple[str, ...]
_TOO_MANY = "Too many validation errors, error limit reached. Validation aborted."
_KEYS: dict[str, _Keys] = {
    node.kind: query_document_keys_to_validate.get(node.kind, ())
    for node in vars(ast).values()
    if isinstance(node, type) and issubclass(node, Node)
}


class _Kind(NamedTuple):
    """The methods to call at one kind of node, with the positions of their rules."""

    enter: tuple[tuple[int, _Method], ...]
    leave: tuple[tuple[int, _Method], ...]
    enter_types: _Method | None
    leave_types: _Method | None
    keys: _Keys


class Validator:
    """Validates documents against one schema, with the same errors as graphql-core."""

    def __init__(
        self,
        schema: GraphQLSchema,
        rules: Sequence[type[ASTValidationRule]],
        *,
        max_errors: int,
        hide_suggestions: bool,
    ) -> None:
        assert_valid_schema(schema)
        self._schema = schema
        self._rules = tuple(rules)
        self._max_errors = max_errors
        self._hide_suggestions = hide_suggestions
        # The visitor that limits how deep fragments nest comes first, as in the library.
        self._kinds = {
            kind: _kind(kind, (FragmentNestingVisitor, *self._rules), keys)
            for kind, keys in _KEYS.items()
        }

    def __call__(self, document: DocumentNode) -> list[GraphQLError]:
        """The document's errors, at most `max_errors` and one more that says so."""
        errors: list[GraphQLError] = []

        def on_error(error: GraphQLError) -> None:
            if len(errors) >= self._max_errors:
                raise ValidationAbortedError(_TOO_MANY)
            errors.append(error)

        types = TypeInfo(self._schema)
        context = _Context(self._schema, document, types, on_error, self._hide_suggestions)
        fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        visitors = [FragmentNestingVisitor(fragments), *(rule(context) for rule in self._rules)]
        walk = _Walk(self._kinds, types, visitors)
        try:
            walk.node(document, None, None)
        except ValidationAbortedError as error:
            # The traceback and the context would keep the walk's frames alive.
            error.__context__ = None
            errors.append(error.with_traceback(None))
        except RecursionError:
            errors.append(ValidationAbortedError("Validation aborted."))
        return errors


class _ByIdentity(dict[Any, Any]):
    """A cache by node identity, as hashing a node hashes its tree; the document keeps it alive."""

    def get(self, node: object, default: Any = None) -> Any:
        return super().get(id(node), default)

    def __setitem__(self, node: object, value: Any) -> None:
        super().__setitem__(id(node), value)


class _Context(ValidationContext):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._fragment_spreads = _ByIdentity()
        self._variable_usages = _ByIdentity()
        self._recursive_variable_usages = _ByIdentity()


class _Walk:
    """One walk over a document for all rules; each may skip parts of it."""

    def __init__(
        self, kinds: dict[str, _Kind], types: TypeInfo, visitors: Sequence[object]
    ) -> None:
        self._kinds = kinds
        self._types = types
        self._visitors = visitors
        self._skipped: list[Node | bool | None] = [None] * len(visitors)
        self._path: list[str | int] = []
        self._ancestors: list[Any] = []

    def node(self, node: Node, key: str | int | None, parent: Any) -> None:
        kind, skipped = self._kinds[node.kind], self._skipped
        if kind.enter_types is not None:
            kind.enter_types(self._types, node)
        left_out = False
        for rule, enter in kind.enter:
            if skipped[rule] is None:
                result = enter(self._visitors[rule], node, key, parent, self._path, self._ancestors)
                if result is not None:
                    # Any other value ends the walk for this rule.
                    skipped[rule] = node if result is SKIP or result is False else True
                    left_out = True
        if kind.keys:
            self._below(node, kind.keys, parent)
        if kind.leave or left_out:
            self._leave(kind, node, key, parent)
        if kind.leave_types is not None:
            kind.leave_types(self._types)

    def _leave(self, kind: _Kind, node: Node, key: str | int | None, parent: Any) -> None:
        skipped = self._skipped
        for rule, leave in kind.leave:
            if skipped[rule] is None:
                result = leave(self._visitors[rule], node, key, parent, self._path, self._ancestors)
                if result is not None and result is not SKIP and result is not False:
                    skipped[rule] = True
        for rule, _ in kind.enter:
            if skipped[rule] is node:
                skipped[rule] = None

    def _below(self, node: Node, keys: _Keys, parent: Any) -> None:
        path, ancestors = self._path, self._ancestors
        if parent is not None:
            ancestors.append(parent)
        for key in keys:
            child = getattr(node, key, None)
            if child is None:
                continue
            path.append(key)
            if type(child) is tuple:
                ancestors.append(node)
                for index, one in enumerate(child):
                    path.append(index)
                    self.node(one, index, child)
                    path.pop()
                ancestors.pop()
            else:
                self.node(child, key, node)
            path.pop()
        if parent is not None:
            ancestors.pop()


def _kind(kind: str, visitors: Sequence[type], keys: _Keys) -> _Kind:
    def methods(verb: str) -> tuple[tuple[int, _Method], ...]:
        found = (
            (position, getattr(visitor, f"{verb}_{kind}", None) or getattr(visitor, verb, None))
            for position, visitor in enumerate(visitors)
            # It visits all nodes, though only some can have directives.
            if visitor is not UniqueDirectivesPerLocationRule or "directives" in keys
        )
        return tuple((position, method) for position, method in found if method is not None)

    return _Kind(
        methods("enter"),
        methods("leave"),
        getattr(TypeInfo, f"enter_{kind}", None),
        getattr(TypeInfo, f"leave_{kind}", None),
        keys,
    )
