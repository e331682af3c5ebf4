"""The upstream's list of applicants: what is asked, and what is read of the answer."""

from __future__ import annotations

import json
from typing import Literal

import pytest

from gateway.upstream.api_key import FixedApiKey
from gateway.upstream.call import applicant_call, applicants_call
from gateway.upstream.client import client_for
from gateway.upstream.wire import (
    Applicant,
    ApplicantPage,
    Fault,
    NoReply,
    Reply,
    read_applicants,
)
from tests.fakes.recorder import recording

PAGE = {
    "data": [
        {"application_id": 7, "email": "a@example.com", "date_added": "2026-11-23", "score": 1.5},
        {"application_id": "8", "email": "b@example.com"},
    ],
    "pagination": {"page": 1, "has_next": True},
}


def the_list(url: str, kind: Literal["direct", "httpx2"]):
    return client_for(
        url, api_key=FixedApiKey("secret"), api_key_header="apiKey", concurrency=1, kind=kind
    )


@pytest.mark.parametrize("kind", ["direct", "httpx2"])
async def test_asks_as_documented(kind):
    """A GET with the key, the page and the filter, and no body."""
    async with recording() as server:
        client = the_list(server.url + "/api/v2/", kind)
        query = {"email": "ada+x@example.com", "page": "1"}
        reply = await client.send(applicants_call(6578, query, timeout_seconds=5))
        await client.aclose()

    assert isinstance(reply, Reply)
    assert server.requests[0].startswith(
        b"GET /api/v2/tracks/6578/applicants?email=ada%2Bx%40example.com&page=1 HTTP/1.1\r\n"
    )
    assert server.header("apiKey") == "secret"
    assert server.requests[0].endswith(b"\r\n\r\n")


@pytest.mark.parametrize("kind", ["direct", "httpx2"])
async def test_asks_for_one_as_documented(kind):
    """One application has an address of its own; a caller's key is sent instead of the own."""
    async with recording() as server:
        client = the_list(server.url + "/api/v2", kind)
        await client.send(applicant_call(6578, 2**63 - 1, timeout_seconds=5))
        await client.send(applicant_call(6578, 1, timeout_seconds=5, api_key="theirs"))
        await client.send(applicants_call(6578, {"page": "1"}, timeout_seconds=5, api_key="theirs"))
        await client.send(applicants_call(6578, {"page": "1"}, timeout_seconds=5))
        await client.aclose()

    assert [request.partition(b" HTTP")[0] for request in server.requests] == [
        b"GET /api/v2/tracks/6578/applicants/9223372036854775807",
        b"GET /api/v2/tracks/6578/applicants/1",
        b"GET /api/v2/tracks/6578/applicants?page=1",
        b"GET /api/v2/tracks/6578/applicants?page=1",
    ]
    keys = [server.header("apiKey", number) for number in range(4)]
    assert keys == ["secret", "theirs", "theirs", "secret"]


@pytest.mark.parametrize("kind", ["direct", "httpx2"])
async def test_unreachable_list_is_no_reply(kind):
    """What cannot be asked is reported like every other call."""
    async with recording() as server:
        url = server.url
    client = the_list(url, kind)

    replies = [
        await client.send(applicants_call(1, {}, timeout_seconds=5)),
        await client.send(applicant_call(1, 2, timeout_seconds=5)),
    ]

    await client.aclose()
    assert replies == [NoReply(Fault.CONNECT, possibly_sent=False)] * 2


def test_reads_a_page():
    """Ids, addresses and dates are read; what else is there does not matter."""
    assert read_applicants(Reply(200, json.dumps(PAGE).encode())) == ApplicantPage(
        (Applicant("7", "a@example.com", "2026-11-23"), Applicant("8", "b@example.com", None)),
        has_next=True,
    )


def test_what_became_of_an_applicant_denies_no_page():
    """Only what the page says of itself does."""
    entry = {"application_id": 1, "email": "a@example.com", "status": "rejected", "error": "No"}

    page = read_applicants(Reply(200, json.dumps({**PAGE, "data": [entry]}).encode()))

    assert page is not None
    assert [one.application_id for one in page.applicants] == ["1"]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(201, json.dumps(PAGE).encode()),
        Reply(200, json.dumps(PAGE).encode(), body_complete=False),
        Reply(200, json.dumps({**PAGE, "pagination": {"has_next": "yes"}}).encode()),
        Reply(200, json.dumps({**PAGE, "pagination": None}).encode()),
        Reply(200, json.dumps({**PAGE, "data": {}}).encode()),
        Reply(200, json.dumps({**PAGE, "data": [{"application_id": 1}]}).encode()),
        Reply(200, json.dumps({**PAGE, "data": [{"email": "a@example.com"}]}).encode()),
        Reply(200, json.dumps({**PAGE, "data": ["a"]}).encode()),
        Reply(200, b"<html>"),
        Reply(200, b"[]"),
    ],
)
def test_strange_page_is_no_page(reply):
    """A page that is not wholly understood might hide somebody."""
    assert read_applicants(reply) is None
