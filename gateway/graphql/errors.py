"""Errors of GraphQL itself, without the values that were sent."""

from __future__ import annotations

import re
from collections.abc import Iterable

from graphql import GraphQLError, GraphQLSyntaxError

from gateway.http.errors import ErrorCode, FormattedError, RequestError, formatted, internal_error


def syntax_error(error: GraphQLSyntaxError) -> RequestError:
    """Where the document's syntax is wrong, without quoting the text."""
    code = ErrorCode.GRAPHQL_PARSE_FAILED
    if broken := _TOO_MANY.match(error.message):
        count, what = broken.groups()
        message = f"The document has more than the {count} {what} allowed"
        message += ": send the values in it as variables." if what == "tokens" else "."
        code = ErrorCode.GRAPHQL_VALIDATION_FAILED
    else:
        message = _without_token_value(error.message)
    return RequestError([_located(message, error, code)], well_formed=True)


def validation_error(errors: Iterable[GraphQLError]) -> RequestError:
    """Why the document does not fit the schema or a limit."""
    code = ErrorCode.GRAPHQL_VALIDATION_FAILED
    return RequestError([_located(e.message, e, code) for e in errors], well_formed=True)


def coercion_error(errors: Iterable[GraphQLError]) -> RequestError:
    """Which variables do not fit their types, without the values."""
    code = ErrorCode.BAD_USER_INPUT
    return RequestError(
        [_located(without_value(e.message), e, code) for e in errors], well_formed=True
    )


def field_error(error: GraphQLError) -> FormattedError:
    """A field error for the caller: the caller's mistakes are shown, bugs are masked."""
    if error.extensions and "code" in error.extensions:
        return dict(error.formatted)
    if _is_of_the_library(error) and error.message.startswith(_ARGUMENT_FAULTS):
        formatted_error = _located(without_value(error.message), error, ErrorCode.BAD_USER_INPUT)
    else:
        formatted_error = internal_error(error.original_error or error)
        formatted_error |= {k: v for k, v in error.formatted.items() if k == "locations"}
    if error.path is not None:
        formatted_error["path"] = error.path
    return formatted_error


def _is_of_the_library(error: GraphQLError) -> bool:
    return error.original_error is None or isinstance(error.original_error, GraphQLError)


def _located(message: str, error: GraphQLError, code: ErrorCode) -> FormattedError:
    located = formatted(message, code)
    if error.locations:
        located["locations"] = [place.formatted for place in error.locations]
    return located


# The library's messages end with the value. The known, safe parts are picked out instead of
# cutting the value off: of an unfamiliar message nothing is shown.
_ARGUMENT_FAULTS = ("Argument '", "Expected variable '")
_PLACE = re.compile(
    r"(?:Variable '\$\w+'|Argument '\w+') has invalid (?:default )?value"
    r"(?: at (?:\.\w+|\[\d+\])+)?",
    re.ASCII,
)
_SAFE = tuple(
    re.compile(pattern, re.ASCII)
    for pattern in (
        r"(?:Int|Float|String|Boolean|ID) cannot represent (?:a |an )?non[\w -]+ value(?=:)",
        r"(?:Int|Float|String|Boolean|ID) cannot represent value(?=:)",
        r"Expected (?:a )?value of non-null type '[\w!\[\]]+' (?:not to be None|to be provided)",
        r"Expected value of type '[\w!\[\]]+' to be an object",
        r"Expected value of type '[\w!\[\]]+' to include required field '\w+'",
        r"Expected value of type '[\w!\[\]]+' not to include unknown field '\w{1,100}'",
        r"Expected value of type '[\w!\[\]]+'(?=,)",
        (
            r"Expected variable '\$\w+' provided to (?:non-null )?type '[\w!\[\]]+'"
            r" (?:not to be None|to provide a runtime value)"
        ),
        r"Exactly one key must be specified for OneOf type '\w+'",
        r"Enum '\w+' cannot represent non-[\w ]+ value(?=:)",
        r"Too many errors processing variables",
        r"Variable values are nested too deeply",
        (
            r"Variable '\$\w+' expected value of type '[\w!\[\]]+' which cannot be used as an input"
            r" type"
        ),
    )
)
_ENUM_VALUE = re.compile(r"Value '.*' does not exist in '(\w+)' enum", re.ASCII | re.DOTALL)


def without_value(message: str) -> str:
    """The library's message about a value, without the value."""
    place = _PLACE.match(message)
    fault = message[place.end() :].removeprefix(": ") if place else message
    safe = _safe_part(fault)
    return f"{place.group()}: {safe}" if place else safe


def _safe_part(fault: str) -> str:
    for pattern in _SAFE:
        if match := pattern.match(fault):
            safe = match.group().replace("None", "null")
            # The library also says so of integers sent as a float, such as 1e17.
            safe = safe.replace("represent non-integer", "represent non 32-bit signed integer")
            return f"{safe}."
    if match := _ENUM_VALUE.match(fault):
        return f"Value does not exist in '{match[1]}' enum."
    return "The value does not fit its type."


_TOO_MANY = re.compile(r"Syntax Error: Document contains more than (\d+) (tokens|comments)")
_TOKEN = re.compile(r"\b(Name|String|BlockString|Int|Float) '.*'", re.DOTALL)
_LITERAL_END = re.compile(r"(?:, did you mean '0\.|: '\\).*", re.DOTALL)


def _without_token_value(message: str) -> str:
    return _LITERAL_END.sub(".", _TOKEN.sub(r"\1", message))
