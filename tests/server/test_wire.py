"""What responses look like, byte by byte."""

from __future__ import annotations

import pytest

from gateway.http.responses import Response
from gateway.server.wire import written

DATE = b"date: Wed, 25 Nov 2026 00:00:00 GMT\r\n"
TYPE = (b"content-type", b"application/json")


def lines_of_answer(response: Response, **options: bool) -> list[bytes]:
    return written(response, before=DATE, **{"close": False, **options}).split(b"\r\n")


def test_answer_is_one_piece():
    """Status line, all headers, the body's length and the body."""
    lines = lines_of_answer(Response(200, (TYPE,), b"{}", own=((b"x-request-id", b"1"),)))

    assert lines == [
        b"HTTP/1.1 200 OK",
        b"date: Wed, 25 Nov 2026 00:00:00 GMT",
        b"content-type: application/json",
        b"x-request-id: 1",
        b"content-length: 2",
        b"",
        b"{}",
    ]


def test_last_answer_says_so():
    """A client learns that its connection ends."""
    assert b"connection: close" in lines_of_answer(Response(200, (TYPE,)), close=True)
    assert b"connection: close" not in lines_of_answer(Response(200, (TYPE,)))


@pytest.mark.parametrize("control", ["\r\nx-more: 1", "\n", "\r", "\0", "\x7f"], ids=repr)
def test_no_header_can_begin_another(control):
    """A header with a line break or another control character is left out; the answer is not."""
    bad = (b"x-name", f"a{control}".encode())

    shared, own = Response(200, (bad, TYPE), b"{}"), Response(200, (TYPE,), b"{}", own=(bad,))

    expected = lines_of_answer(Response(200, (TYPE,), b"{}"))
    assert lines_of_answer(shared) == expected
    assert lines_of_answer(own) == expected


@pytest.mark.parametrize("status", [204, 304])
def test_response_without_a_body_has_no_length(status):
    """It would be that of another response."""
    assert lines_of_answer(Response(status, (TYPE,)))[-3:] == [
        b"content-type: application/json",
        b"",
        b"",
    ]


def test_response_to_head_has_the_length_alone():
    """That of the body which GET would have."""
    assert lines_of_answer(Response(200, (), b"{}"), head_only=True)[-3:] == [
        b"content-length: 2",
        b"",
        b"",
    ]
