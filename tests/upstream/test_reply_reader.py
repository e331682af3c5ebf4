from __future__ import annotations

import gzip

import pytest

from gateway.upstream.bounds import LARGEST_BODY, LARGEST_HEAD
from gateway.upstream.reply_reader import ReplyReader
from gateway.upstream.wire import Fault, NoReply, Reply

LENGTH = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n1;a=b\r\n}\r\n0\r\nx: y\r\n\r\n"
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\n\r\n{}"


def read(*parts: bytes, closed: bool = False) -> ReplyReader:
    reader = ReplyReader()
    for part in parts:
        reader.feed(part)
    if closed:
        reader.end_of_connection()
    return reader


def facts(reader: ReplyReader) -> Reply | NoReply:
    return reader.facts(Fault.PROTOCOL)


@pytest.mark.parametrize(
    "answer",
    [pytest.param(LENGTH, id="length"), pytest.param(CHUNKED, id="chunked")],
)
def test_an_answer_is_complete_at_its_own_end(answer):
    """However the bytes are cut, the last one completes the answer."""
    reader = read(*(bytes([octet]) for octet in answer[:-1]))
    before = reader.complete

    reader.feed(answer[-1:])

    assert not before
    assert (reader.complete, reader.reusable) == (True, True)
    assert facts(reader) == Reply(200, b"{}")


def test_a_body_without_length_ends_with_the_connection():
    """Only the end of the connection completes it, and the connection is spent."""
    assert facts(read(UNTIL_CLOSE)) == Reply(200, b"{}", body_complete=False)
    assert facts(read(UNTIL_CLOSE, closed=True)) == Reply(200, b"{}")
    assert not read(UNTIL_CLOSE, closed=True).reusable


@pytest.mark.parametrize(
    "answer",
    [pytest.param(LENGTH[:-1], id="length"), pytest.param(CHUNKED[:-4], id="chunked")],
)
def test_a_cut_body_stays_incomplete(answer):
    """The status stands, and that the body was cut is known."""
    reply = facts(read(answer, closed=True))

    assert isinstance(reply, Reply)
    assert (reply.status, reply.body_complete) == (200, False)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-le", id="half-a-head"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n", id="informational-only"),
    ],
)
def test_without_a_whole_head_there_is_no_reply(answer):
    """The fault that ended it is told, and that the request may have arrived."""
    reader = read(answer, closed=True)

    assert not reader.complete
    assert facts(reader) == NoReply(Fault.PROTOCOL, possibly_sent=True)


def test_informational_answers_are_passed_over():
    """Neither their status nor their headers are those of the answer."""
    first = b"HTTP/1.1 103 Early Hints\r\nretry-after: 9\r\n\r\n"

    reader = read(b"HTTP/1.1 100 Continue\r\n\r\n" + first + LENGTH)

    assert facts(reader) == Reply(200, b"{}")
    assert reader.reusable


@pytest.mark.parametrize("upgrade", [b"", b"connection: upgrade\r\nupgrade: h2c\r\n"])
def test_a_switch_of_protocols_is_no_reply(upgrade):
    """No request asks for it, and what follows is not HTTP."""
    reader = read(b"HTTP/1.1 101 Switching\r\n" + upgrade + b"\r\n" + LENGTH)

    assert (reader.broken, reader.reusable) == (True, False)
    assert facts(reader) == NoReply(Fault.PROTOCOL, possibly_sent=True)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(
            b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n", id="1.1"
        ),
        pytest.param(b"HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n", id="1.0"),
    ],
)
def test_a_connection_that_ends_is_not_reusable(answer):
    """The upstream's own word on the connection is kept to."""
    reader = read(answer)

    assert (reader.complete, reader.reusable) == (True, False)


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param(LENGTH, id="second-answer"),
        pytest.param(
            b"HTTP/1.1 409 No\r\nretry-after: 1\r\ncontent-length: 2\r\n\r\nno", id="another-answer"
        ),
        pytest.param(b"HTTP/1.1 2", id="half-an-answer"),
        pytest.param(b"garbage", id="garbage"),
        pytest.param(b"\r\n", id="empty-line"),
    ],
)
@pytest.mark.parametrize("answer", [LENGTH, CHUNKED], ids=["length", "chunked"])
@pytest.mark.parametrize("cut", [0, 1, 3])
def test_bytes_behind_the_answer_spend_the_connection(answer, extra, cut):
    """They belong to no request, and change nothing of the answer."""
    whole = answer[: len(answer) - cut], answer[len(answer) - cut :] + extra
    reader = read(*whole)

    assert (reader.complete, reader.broken, reader.reusable) == (True, False, False)
    assert facts(reader) == Reply(200, b"{}")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", id="not-http"),
        pytest.param(b"HTTP/1.1 abc\r\n\r\n", id="no-status"),
        pytest.param(b"HTTP/1.1 200 OK\r\nx: " + b"y" * LARGEST_HEAD, id="endless-header"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nx: " + b"y" * LARGEST_HEAD + b"\r\n\r\n", id="long-header"
        ),
        pytest.param(b"HTTP/1.1 200 " + b"y" * 2 * LARGEST_HEAD + b"\r\n\r\n", id="long-reason"),
        pytest.param(b"HTTP/1.1 100 Go\r\n\r\n" * 4000, id="endless-interim"),
        pytest.param(b"RTSP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n", id="another-protocol"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n" + LENGTH, id="coding"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n", id="coding-alone"
        ),
        pytest.param(b"HTTP/1.1 101 Switching\r\n\r\n", id="switch-alone"),
        pytest.param(b"HTTP/1.1 200 O\x00K\r\ncontent-length: 0\r\n\r\n", id="nul-in-reason"),
    ],
)
def test_a_broken_head_is_no_reply(answer):
    """What is not HTTP, or does not end, is given up."""
    reader = read(answer)

    assert reader.broken
    assert facts(reader) == NoReply(Fault.PROTOCOL, possibly_sent=True)


def test_broken_reason_stays_broken_however_it_is_cut():
    """What follows in it makes nothing good again."""
    head = b"HTTP/1.1 200 O\x00K and more\r\ncontent-length: 0\r\n\r\n"

    reader = read(*(bytes([octet]) for octet in head))

    assert facts(reader) == NoReply(Fault.PROTOCOL, possibly_sent=True)


def test_longest_body_is_whole():
    """One mebibyte is read."""
    body = b"x" * LARGEST_BODY
    head = f"HTTP/1.1 200 OK\r\ncontent-length: {LARGEST_BODY}\r\n\r\n"

    assert facts(read(head.encode(), body)) == Reply(200, body)


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param(["zz\r\n"], id="bad-chunk"),
        pytest.param(
            ["1\r\n{\r\n", *(f"1;{'x' * 9999}\r\n \r\n" for _ in range(250))], id="extensions"
        ),
        pytest.param([f"{LARGEST_BODY + 1:x}\r\n", "x" * (LARGEST_BODY + 1)], id="long"),
        pytest.param(["0\r\nx: ", "y" * LARGEST_HEAD, "\r\nz: y\r\n"], id="trailers"),
    ],
)
def test_a_broken_body_leaves_the_status(parts):
    """An invite that was made stays made, whatever its body looks like."""
    head = b"HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n"

    reader = read(head, *(part.encode() for part in parts))

    reply = facts(reader)
    assert reader.broken
    assert isinstance(reply, Reply)
    assert (reply.status, reply.body_complete) == (201, False)
    assert len(reply.body) <= LARGEST_BODY


def test_cut_body_is_cut_even_if_what_is_compressed_in_it_is_whole():
    """What was announced has not all arrived."""
    body = gzip.compress(b"{}")
    head = f"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {len(body) + 5}\r\n\r\n"

    reply = facts(read(head.encode() + body, closed=True))

    assert reply == Reply(200, b"{}", body_complete=False)


def test_trailers_are_not_headers():
    """What comes after the body cannot change what was said before it."""
    head = b"HTTP/1.1 429 No\r\nretry-after: 1\r\ntransfer-encoding: chunked\r\n\r\n"

    reply = facts(read(head + b"0\r\nretry-after: 99\r\n\r\n"))

    assert isinstance(reply, Reply)
    assert reply.retry_after == "1"


def test_repeated_headers_are_joined():
    """As RFC 9110, section 5.3, has it; none of them is preferred."""
    reply = facts(
        read(b"HTTP/1.1 429 No\r\nRetry-After: 1\r\nretry-after: 2\r\ncontent-length: 0\r\n\r\n")
    )

    assert isinstance(reply, Reply)
    assert reply.retry_after == "1, 2"


def test_blanks_around_a_value_are_no_part_of_it():
    """Section 5.5 of RFC 9110."""
    reply = facts(
        read(b"HTTP/1.1 429 No\r\nretry-after: \t 7 \t \r\ndate:\ta\r\ncontent-length: 0\r\n\r\n")
    )

    assert isinstance(reply, Reply)
    assert (reply.retry_after, reply.date) == ("7", "a")


def test_a_new_exchange_forgets_the_last():
    """Nothing of one candidate's answer is in another's."""
    reader = read(b"HTTP/1.1 429 No\r\nretry-after: 1\r\ncontent-length: 2\r\n\r\nno")

    reader.begin()
    reader.feed(LENGTH)

    assert facts(reader) == Reply(200, b"{}")
