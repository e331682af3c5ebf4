"""The media type of an answer, from the Accept headers that clients really send."""

from __future__ import annotations

import pytest

from gateway.http.media_types import MediaType, accepted, is_json

JSON, GRAPHQL = MediaType.JSON, MediaType.GRAPHQL_RESPONSE


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, JSON),
        (b"", JSON),
        (b"*/*", JSON),
        (b"application/*", JSON),
        (b"application/json", JSON),
        (b"APPLICATION/JSON", JSON),
        (b"application/graphql-response+json", GRAPHQL),
        (b"application/graphql-response+json; charset=utf-8, application/json", GRAPHQL),
        (b"application/graphql-response+json;q=0.9, application/json", JSON),
        (b"application/json;q=0.9, application/graphql-response+json", GRAPHQL),
        (b"application/json, application/graphql-response+json", JSON),
        (
            (
                b"application/graphql-response+json, application/graphql+json, application/json,"
                b" text/event-stream, multipart/mixed"
            ),
            GRAPHQL,
        ),
        (
            (
                b"multipart/mixed;deferSpec=20220824,"
                b"application/graphql-response+json,application/json;q=0.9"
            ),
            GRAPHQL,
        ),
        (b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", JSON),
        (b"application/json;q=0, */*", GRAPHQL),
        (b"application/graphql-response+json;q=0.5, */*;q=0.1", GRAPHQL),
        (b"*/*, application/graphql-response+json;q=0.5", JSON),
        (b"application/json;charset=latin-1, application/graphql-response+json;q=0.1", GRAPHQL),
        (b"text/html", None),
        (b"application/jsonp", None),
        (b"application/json;q=0", None),
        (b"application/json;q=x", None),
        (b"application/json;q=2", None),
        (b"application/json;q=nan", None),
        (b"text/html, " * 60 + b"*/*", None),
        (b"\xff\xfe", None),
        (b",;=,,;q", None),
    ],
)
def test_answer_type_follows_accept(accept, expected):
    """Quality decides, then the order; wildcards mean JSON; nonsense matches nothing."""
    assert accepted(accept) is expected


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        (None, False),
        (b"application/json", True),
        (b" Application/JSON ; charset = utf-8", True),
        (b"application/json; foo=bar", True),
        (b"application/json;charset=utf-16", False),
        (b"application/graphql-response+json", False),
        (b"text/plain; application/json", False),
        (b"application/json; foo=bar, text/plain", False),
        (b"application/json, application/json", True),
        (b"application/json,Application/JSON; charset=UTF-8", True),
        (b"application/json, application/json; charset=utf-16", False),
        (b"application/json, text/plain", False),
        (b"text/plain, application/json", False),
        (b"application/json,", False),
        (b"\xff", False),
    ],
)
def test_only_json_in_utf8_is_read(content_type, expected):
    """The media type is compared whole, and its charset is looked at."""
    assert is_json(content_type) is expected
