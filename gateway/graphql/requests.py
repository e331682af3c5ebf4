"""The GraphQL parameters in a request's body or query string."""

from __future__ import annotations

import codecs
import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import orjson

from gateway.http.errors import request_error
from gateway.settings.limits import Limits


@dataclass(slots=True, repr=False)
class GraphQLRequest:
    """The parameters of a GraphQL-over-HTTP request; at least one of the first three is set.

    `document_id` names a trusted document; `document_hash` is the SHA-256 that a client gives for
    an automatic persisted query, which may also be the id of a trusted document.
    """

    query: str | None = None
    document_id: str | None = None
    document_hash: str | None = None
    operation_name: str | None = None
    variables: dict[str, Any] | None = None


def request_from_body(body: bytes, limits: Limits) -> GraphQLRequest:
    """The parameters of a POST; raises RequestError if they cannot be read."""
    return _request(read_json(body, limits, what="body"))


def request_from_query(query_string: bytes, limits: Limits) -> GraphQLRequest:
    """The parameters of a GET; raises RequestError if they cannot be read."""
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=_MAX_QUERY_PARAMETERS,
            errors="strict",
        )
    except ValueError:
        raise request_error("The query string cannot be read.") from None
    parameters: dict[str, Any] = dict(pairs)
    if len(parameters) != len(pairs):
        raise request_error("The query string has a parameter twice.")
    for name in ("variables", "extensions"):
        if text := parameters.get(name):
            parameters[name] = read_json(text.encode(), limits, what=f"parameter `{name}`")
        else:
            parameters.pop(name, None)
    return _request(parameters)


_MAX_QUERY_PARAMETERS = 20
_MAX_DOCUMENT_ID = 256
_DOCUMENT_ID_NAMES = ("documentId", "doc_id", "id")


def _request(parameters: object) -> GraphQLRequest:
    if isinstance(parameters, list):
        raise request_error("Send one request at a time: batches are not accepted.")
    if not isinstance(parameters, dict):
        raise request_error("The body must be a JSON object.")
    given, variables = parameters.get("query"), parameters.get("variables")
    if given and type(given) is str and type(variables) is dict and "extensions" not in parameters:
        # What most clients send. Below is the same, step by step, for all others.
        return GraphQLRequest(given, None, None, _operation_name(parameters), variables)
    # Some clients send an empty document along with an id.
    query = _parameter(parameters, "query", str) or None
    extensions = _parameter(parameters, "extensions", dict)
    document_id = _document_id(parameters) if query is None else None
    document_hash = _document_hash(extensions) if extensions else None
    if query is None and document_id is None and document_hash is None:
        raise request_error("The parameter `query` is missing.")
    return GraphQLRequest(
        query,
        document_id,
        document_hash,
        _operation_name(parameters),
        _parameter(parameters, "variables", dict),
    )


def _operation_name(parameters: dict[str, Any]) -> str | None:
    return _parameter(parameters, "operationName", str) or None


def _parameter(parameters: dict[str, Any], name: str, kind: type) -> Any:
    value = parameters.get(name)
    if value is not None and type(value) is not kind:
        described = "a string" if kind is str else "an object"
        raise request_error(f"The parameter `{name}` must be {described}.")
    return value


def _document_id(parameters: dict[str, Any]) -> str | None:
    for name in _DOCUMENT_ID_NAMES:
        if document_id := _parameter(parameters, name, str):
            if len(document_id) > _MAX_DOCUMENT_ID:
                raise request_error(f"The parameter `{name}` is too long.")
            return str(document_id)
    return None


def _document_hash(extensions: dict[str, Any]) -> str | None:
    persisted = extensions.get("persistedQuery")
    if persisted is None:
        return None
    if not isinstance(persisted, dict) or persisted.get("version") != 1:
        raise request_error("The extension `persistedQuery` must be an object of version 1.")
    name = persisted.get("sha256Hash")
    if not isinstance(name, str) or not 0 < len(name) <= _MAX_DOCUMENT_ID:
        raise request_error("`persistedQuery.sha256Hash` must be 64 hexadecimal digits.")
    return name


# orjson turns an integer beyond 64 bits into a float, which would change a caller's id; and a float
# of 16 digits and a point can lose a fraction. Numbers of fewer digits are exact.
_LONG_NUMBER = b"0" * 17
# Each digit or point becomes a zero, everything else a space.
_SKETCH = bytes(ord("0" if sign in "0123456789." else " ") for sign in map(chr, range(256)))
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_NUMBER = re.compile(rb"[-+.0-9eE]+")
_AS_SQUARE = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


# A lone surrogate, which JavaScript writes when a text is cut within a character.
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def read_json(text: bytes, limits: Limits, *, what: str) -> Any:
    """The value of a JSON text in UTF-8, integers exact; raises RequestError if it is not JSON.

    Strings may hold lone surrogates; code that uses them must check. A fraction that a float
    would round is a decimal.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        text = text.removeprefix(codecs.BOM_UTF8)
        value = _read_unusual(text, what)
    # Only valid JSON is searched for strings: in invalid text, unclosed quotes would make the
    # search quadratic. orjson itself stops at a depth of 1024.
    if _may_be_deep(text, limits.max_json_depth):
        _check_depth(text, limits.max_json_depth, what)
    if not _may_hold_long_number(text):
        return value
    longest = max((len(n) for n in _NUMBER.findall(_STRING.sub(b"", text))), default=0)
    if longest > limits.max_json_number_length:
        raise request_error(f"The {what} has a number that is too long.")
    return json.loads(text, parse_float=Decimal)


def _read_unusual(text: bytes, what: str) -> Any:
    """The value of a text that has a byte order mark or lone surrogates."""
    try:
        if _SURROGATE.search(text):
            # Only the standard library reads these; its extra constants (NaN) are not JSON.
            return json.loads(text.decode(), parse_constant=_refuse)
        return orjson.loads(text)
    except (ValueError, RecursionError):
        raise request_error(f"The {what} is not valid JSON.") from None


def _refuse(word: str) -> None:
    raise ValueError(word)


def _may_be_deep(text: bytes, limit: int) -> bool:
    """Whether it opens more brackets than that, those in strings included."""
    # Counts faster than `count` does, and no further than needed.
    rest = text.replace(b"{", b"", limit + 1).replace(b"[", b"", limit + 1)
    return len(text) - len(rest) > limit


def _may_hold_long_number(text: bytes) -> bool:
    """Whether it has 17 digits or points in a row, those in strings included."""
    # They cover two neighbours of every eighth place. Searching what is sketched is several times
    # as fast as a regular expression, or as `in`.
    places = text[7::8].translate(_SKETCH)
    return places.find(b"00") >= 0 and text.translate(_SKETCH).find(_LONG_NUMBER) >= 0


def _check_depth(text: bytes, limit: int, what: str) -> None:
    brackets = _STRING.sub(b"", text).translate(_AS_SQUARE, _NOT_BRACKETS)
    for _ in range(limit):
        # Each round removes the innermost level.
        brackets = brackets.replace(b"[]", b"")
        if not brackets:
            return
    raise request_error(f"The {what} is nested deeper than the {limit} levels allowed.")
