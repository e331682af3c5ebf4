"""Parameters are read exactly or refused, and never echoed."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from gateway.graphql.requests import (
    GraphQLRequest,
    read_json,
    request_from_body,
    request_from_query,
)
from gateway.http.errors import RequestError
from gateway.http.requests import request_head
from gateway.settings.limits import Limits

LIMITS = Limits()
HASH = "ab" * 32


def of_body(**parameters: object) -> GraphQLRequest:
    return request_from_body(json.dumps(parameters).encode(), LIMITS)


def refusal(body: bytes) -> str:
    with pytest.raises(RequestError) as caught:
        request_from_body(body, LIMITS)
    assert caught.value.status == 400
    assert not caught.value.well_formed
    return str(caught.value)


def test_parameters_are_read():
    """Each parameter arrives as it was sent; nulls are as good as nothing."""
    request = of_body(query="{a}", operationName="A", variables={"b": 1}, extensions=None)

    assert request == GraphQLRequest("{a}", None, None, "A", {"b": 1})
    assert of_body(query="{a}", operationName=None, variables=None) == GraphQLRequest("{a}")


def test_empty_operation_name_is_none():
    """Some clients send an empty name for an operation without one."""
    assert of_body(query="{a}", operationName="").operation_name is None


@pytest.mark.parametrize("name", ["documentId", "doc_id", "id"])
def test_document_can_be_named(name):
    """The appendix of the specification, Relay and others each have a name for it."""
    assert of_body(**{name: "abc"}).document_id == "abc"


def test_sent_document_goes_before_a_named_one():
    """A field called `id` beside a document means something else."""
    assert of_body(query="{a}", id=5).document_id is None


@pytest.mark.parametrize("beside", [{}, {"query": "{a}"}, {"query": "{a}", "variables": {}}])
def test_hash_is_read(beside):
    """An automatic persisted query brings its hash, as it is, whatever stands beside it."""
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": HASH.upper()}}

    assert of_body(extensions=extensions, **beside).document_hash == HASH.upper()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "The body is not valid JSON."),
        (b"null", "The body must be a JSON object."),
        (b"5", "The body must be a JSON object."),
        (b'"x"', "The body must be a JSON object."),
        (b'[{"query":"{a}"}]', "Send one request at a time: batches are not accepted."),
        (b"{}", "The parameter `query` is missing."),
        (b'{"query":null}', "The parameter `query` is missing."),
        (b'{"query":5}', "The parameter `query` must be a string."),
        (b'{"query":"{a}","variables":[]}', "The parameter `variables` must be an object."),
        (b'{"query":"{a}","operationName":{}}', "The parameter `operationName` must be a string."),
        (b'{"query":"{a}","extensions":"x"}', "The parameter `extensions` must be an object."),
        (b'{"documentId":5}', "The parameter `documentId` must be a string."),
        (b'{"id":"' + b"x" * 300 + b'"}', "The parameter `id` is too long."),
        (
            b'{"extensions":{"persistedQuery":[]}}',
            "The extension `persistedQuery` must be an object of version 1.",
        ),
        (
            b'{"extensions":{"persistedQuery":{"version":2}}}',
            "The extension `persistedQuery` must be an object of version 1.",
        ),
        (
            b'{"extensions":{"persistedQuery":{"version":1,"sha256Hash":""}}}',
            "`persistedQuery.sha256Hash` must be 64 hexadecimal digits.",
        ),
        (
            b'{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"' + b"0" * 257 + b'"}}}',
            "`persistedQuery.sha256Hash` must be 64 hexadecimal digits.",
        ),
        (b'\xef\xbb\xbf\xef\xbb\xbf{"query":"{a}"}', "The body is not valid JSON."),
        (b'\xef\xbb\xbf{"query":"{a}"', "The body is not valid JSON."),
        (b"\xef\xbb\xbf", "The body is not valid JSON."),
        (b'{"query":"\xff"}', "The body is not valid JSON."),
        (b'{"query":"\xed\xa0\x80"}', "The body is not valid JSON."),
        (b'{"query":"\\ud800', "The body is not valid JSON."),
        (b'{"query":"\\ud800","a":NaN}', "The body is not valid JSON."),
        (b'{"query":"\\ud800","a":-Infinity}', "The body is not valid JSON."),
        (b'{"query":"\\ud800\n"}', "The body is not valid JSON."),
        (b'{"query":"\\ud800"}'.decode().encode("utf-16"), "The body is not valid JSON."),
        (b'["\\ud800"' + b",[" * 50_000, "The body is not valid JSON."),
        (b'["\\ud800",' + b"[" * 40 + b"]" * 41, "The body is nested deeper than the 32 levels"),
        (b'{"a":"\\ud800","b":' + b"1" * 101 + b"}", "The body has a number that is too long."),
        (b'{"query":"","variables":{}}', "The parameter `query` is missing."),
        (b'{"query":"","id":"","extensions":{}}', "The parameter `query` is missing."),
        (b'{"query":NaN}', "The body is not valid JSON."),
        (b"[" * 100_000, "The body is not valid JSON."),
        (b"[" * 40 + b"]" * 40, "The body is nested deeper than the 32 levels allowed."),
        (b'{"a":' + b"1" * 101 + b"}", "The body has a number that is too long."),
        (b'{"a":' + b"1" * 5_000 + b"}", "The body has a number that is too long."),
        (b'{"a":1.' + b"1" * 100 + b"}", "The body has a number that is too long."),
    ],
    ids=lambda value: value[:30].decode("latin-1") if isinstance(value, bytes) else "",
)
def test_unreadable_parameters_are_refused(body, message):
    """Each mistake is named; the values are not repeated."""
    assert refusal(body).startswith(message) or (
        # Longer than the parser itself takes.
        len(body) > 1_000 and refusal(body) == "The body is not valid JSON."
    )


@pytest.mark.parametrize(
    "number", [2**53 + 1, 2**63 - 1, 2**64 + 1, -(2**80), 10**99], ids=lambda n: f"{n:.0e}"
)
def test_integers_stay_exact(number):
    """An id beyond 64 bits is not rounded to somebody else's."""
    assert read_json(b'{"a":[%d,"b"]}' % number, LIMITS, what="body") == {"a": [number, "b"]}


@pytest.mark.parametrize(
    "text",
    [
        b"4503599627370496.5",
        b"9007199254740991.4",
        b"6578.00000000000000000001",
        b"65780000000000001e-13",
        b"450359962737049649E-2",
    ],
)
def test_fractions_are_not_rounded_away(text):
    """What a float would make a whole number of is no integer."""
    value = read_json(b'{"a":%s}' % text, LIMITS, what="body")["a"]

    assert value == Decimal(text.decode())
    assert value != int(value)


@pytest.mark.parametrize("before", range(17))
def test_fraction_is_exact_wherever_it_stands(before):
    """The shortest one that a float may round is found at every distance from the beginning."""
    text = b'{"%s":1234567890123.456}' % (b"x" * before)

    (value,) = read_json(text, LIMITS, what="body").values()

    assert value == Decimal("1234567890123.456")


@pytest.mark.parametrize("text", ["\ud83d", "Ada \ud83d", "\udc00\ud800", "\ud83d😀"], ids=ascii)
def test_lone_surrogates_are_read(text):
    """A name that was cut in the middle of an emoji is for the name's own rules to judge."""
    assert read_json(json.dumps({"a": [text]}).encode(), LIMITS, what="body") == {"a": [text]}


@pytest.mark.parametrize("text", ['{"a": 1}', '{"a": 1.5}', '{"a": "\\ud800"}'])
def test_byte_order_mark_is_no_part_of_the_text(text):
    """Some programs write one in front of everything."""
    body = b"\xef\xbb\xbf" + text.encode()

    assert read_json(body, LIMITS, what="body") == json.loads(text)


@pytest.mark.parametrize(
    "beside",
    [
        {"documentId": "abc"},
        {"doc_id": "", "id": "abc"},
        {"documentId": "abc", "variables": {"a": 1}, "operationName": "A"},
    ],
    ids=["id", "another-empty", "variables"],
)
def test_empty_document_names_none(beside):
    """Beside a name, an empty text is no document."""
    request = of_body(query="", **beside)

    assert (request.query, request.document_id) == (None, "abc")


def test_empty_document_beside_a_hash_names_none():
    """In a URL, too."""
    extensions = json.dumps({"persistedQuery": {"version": 1, "sha256Hash": HASH}})

    request = request_from_query(f"query=&extensions={extensions}".encode(), LIMITS)

    assert (request.query, request.document_hash) == (None, HASH)


def test_digits_in_strings_are_no_numbers():
    """A long string of digits is left alone, escaped quotes and brackets included."""
    text = "9" * 500 + '"[{\\' + "1" * 500

    assert read_json(json.dumps([text]).encode(), LIMITS, what="body") == [text]


def test_brackets_in_strings_are_no_depth():
    """Depth is counted outside strings."""
    text = "[" * 100 + '"'

    assert read_json(json.dumps([text]).encode(), LIMITS, what="body") == [text]


@pytest.mark.parametrize(
    "text",
    [b"[" * 32 + b"]" * 32, b'{"a":' * 32 + b"1" + b"}" * 32, b'[{"a":' * 16 + b"1" + b"}]" * 16],
)
def test_depth_holds_at_its_bound(text):
    """Lists and objects are levels alike, and the bound is the first depth that is too deep."""
    read_json(text, LIMITS, what="body")

    with pytest.raises(RequestError, match="deeper than the 32 levels"):
        read_json(b"[[], " + text + b", {}]", LIMITS, what="body")


def test_wide_json_is_not_deep():
    """Many lists side by side are as deep as one of them."""
    assert len(read_json(b"[" + b"[[]]," * 50 + b"[]]", LIMITS, what="body")) == 51


def test_query_string_is_read():
    """GET carries the same parameters, objects as JSON."""
    request = request_from_query(
        b"query=%7Ba%7D&operationName=A&variables=%7B%22b%22%3A+1%7D&extensions=&x=y", LIMITS
    )

    assert request == GraphQLRequest("{a}", None, None, "A", {"b": 1})


@pytest.mark.parametrize(
    ("query_string", "message"),
    [
        (b"", "The parameter `query` is missing."),
        (b"query={a}&query={b}", "The query string has a parameter twice."),
        (b"query={a}&query=", "The query string has a parameter twice."),
        (b"query=&query={a}", "The query string has a parameter twice."),
        (b"query=%ff", "The query string cannot be read."),
        (b"query=\xff", "The query string cannot be read."),
        (b"a=b&" * 30, "The query string cannot be read."),
        (b"query={a}&variables={", "The parameter `variables` is not valid JSON."),
        (b"query={a}&variables=[]", "The parameter `variables` must be an object."),
        (b"query={a}&extensions=5", "The parameter `extensions` must be an object."),
    ],
)
def test_unreadable_query_string_is_refused(query_string, message):
    """What cannot be read is named and not guessed at."""
    with pytest.raises(RequestError) as caught:
        request_from_query(query_string, LIMITS)

    assert str(caught.value) == message


def test_repeated_headers_are_joined():
    """Two values of a header are seen as two: neither slips by behind the other."""
    head = request_head(
        {
            "method": "POST",
            "headers": [(b"accept", b"a"), (b"content-type", b"x"), (b"accept", b"b")],
        }
    )

    assert head.header(b"accept") == "a, b"
    assert head.header(b"content-type") == "x"
    assert head.header(b"origin") is None
    assert head.client is None


def test_caller_is_added_to_a_head():
    """A head stays as it is; the one with the caller is another."""
    head = request_head({"method": "GET", "headers": [], "client": ("127.0.0.1", 5)})

    assert head.called_by("ada").caller == "ada"
    assert head.caller is None
    assert head.client == "127.0.0.1"
