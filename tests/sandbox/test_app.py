"""The stand-in keeps to the upstream's page."""

from __future__ import annotations

import json

import pytest

from gateway.sandbox import create_sandbox, running_sandbox
from tests.sandbox.conftest import client_of, invite_body


async def test_invite_answers_with_the_documented_fields(client):
    """A good request gets all six fields of the upstream's answer."""
    reply = await client.invite("ada@example.com")

    answer = reply.json()
    assert reply.status_code == 200
    assert answer == {
        "application_id": 1000001,
        "email": "ada@example.com",
        "invite_link": str(client.base_url.join("/sandbox/invites/1000001")),
        "invite_status": "invited",
        "name": "Ada Lovelace",
        "track_id": 6578,
    }


async def test_api_lives_under_its_base_path_too(client):
    """The upstream's own base path, /api/v2, leads to the same invites."""
    reply = await client.post("/api/v2/tracks/invite", json=invite_body())

    assert reply.status_code == 200
    assert await client.count() == 1


async def test_every_accepted_request_is_an_invite(client):
    """The same person invited twice is two invites: the upstream promises nothing else."""
    first, second = await client.invite(), await client.invite()

    assert first.json()["application_id"] != second.json()["application_id"]
    assert await client.count() == 2


async def test_accepted_invites_are_listed_in_full(client):
    """The list says who was invited to what, how, with which key, and who got an e-mail."""
    body = invite_body("grace@example.com", invite_format="sendlink", track_id=2**63 - 1)
    await client.invite("ada@example.com")
    await client.post("/tracks/invite", json=body, headers={"idempotency-key": "k1"})

    listed = (await client.get("/sandbox/invites")).json()
    ada, grace = listed["invites"]

    assert (listed["count"], listed["emails"]) == (2, 1)
    assert grace.pop("accepted_at").endswith("+00:00")
    assert grace == {
        "application_id": 1000002,
        "candidate_name": "Ada Lovelace",
        "candidate_email": "grace@example.com",
        "track_id": 2**63 - 1,
        "invite_format": "sendlink",
        "emailed": True,
        "idempotency_key": "k1",
    }
    assert (ada["idempotency_key"], ada["emailed"]) == (None, False)


async def test_list_can_be_started_anew(client):
    """After a DELETE nothing is counted, and ids go on where they were."""
    await client.invite()

    cleared = await client.delete("/sandbox/invites")
    again = await client.invite()

    assert cleared.status_code == 204
    assert again.json()["application_id"] == 1000002
    assert await client.count() == 1


async def test_missing_track_is_not_found(client):
    """Any track exists but 404404."""
    reply = await client.invite(track_id=404404)

    assert (reply.status_code, reply.json()) == (404, {"error": "Track not found"})
    assert await client.count() == 0


@pytest.mark.parametrize("key", [None, "", "wrong", "sandbox-key2"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/tracks/invite"),
        ("GET", "/tracks/1/applicants"),
        ("GET", "/tracks/1/applicants/1"),
    ],
)
async def test_wrong_key_is_unauthorized(client, method, path, key):
    """Without the right key nothing is read or accepted."""
    del client.headers["apiKey"]
    headers = {} if key is None else {"apiKey": key}

    reply = await client.request(method, path, headers=headers, json=invite_body())

    assert (reply.status_code, reply.json()) == (401, {"error": "API key missing or invalid"})
    assert await client.count() == 0


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/tracks/invite", 405),
        ("PUT", "/tracks/invite", 405),
        ("POST", "/tracks/1/applicants", 405),
        ("POST", "/sandbox/invites", 405),
        ("POST", "/", 405),
        ("POST", "/tracks/invite/", 404),
        ("POST", "/api/v1/tracks/invite", 404),
        ("GET", "/tracks/x/applicants", 404),
        ("GET", "/tracks/99999999999999999999/applicants", 404),
        ("GET", "/tracks/404404/applicants", 404),
    ],
)
async def test_wrong_method_or_path_is_refused(client, method, path, status):
    """What the page does not document is refused, in its error shape."""
    reply = await client.request(method, path, json=invite_body())

    assert status == reply.status_code
    assert list(reply.json()) == ["error"]
    assert await client.count() == 0


@pytest.mark.parametrize(
    "changed",
    [
        {"candidate_name": None},
        {"candidate_name": " "},
        {"candidate_name": 5},
        {"candidate_name": "a" * 301},
        {"candidate_email": None},
        {"candidate_email": "ada"},
        {"candidate_email": "@example.com"},
        {"candidate_email": "a@b@c.example"},
        {"candidate_email": "a b@c.example"},
        {"candidate_email": "a" * 320 + "@c.example"},
        {"track_id": None},
        {"track_id": "6578"},
        {"track_id": True},
        {"track_id": 1.0},
        {"track_id": 0},
        {"track_id": -1},
        {"track_id": 2**63},
        {"invite_format": None},
        {"invite_format": "GET_LINK"},
        {"invite_format": ["getlink"]},
    ],
    ids=str,
)
async def test_wrong_field_is_a_bad_request(client, changed):
    """A field of another type or value than documented is named in a 400."""
    reply = await client.invite(**changed)

    assert reply.status_code == 400
    assert reply.json() == {"error": f"Missing or invalid field: {next(iter(changed))}"}
    assert await client.count() == 0


@pytest.mark.parametrize("field", invite_body())
async def test_missing_field_is_a_bad_request(client, field):
    """All four fields are required."""
    body = invite_body()
    del body[field]

    reply = await client.post("/tracks/invite", json=body)

    assert (400, {"error": f"Missing or invalid field: {field}"}) == (
        reply.status_code,
        reply.json(),
    )


@pytest.mark.parametrize("content", [b"", b"{", b"null", b"[]", b'"text"', b"\xff", b"[" * 9999])
async def test_body_that_is_no_object_is_a_bad_request(client, content):
    """Only a JSON object is a body."""
    headers = {"content-type": "application/json"}

    reply = await client.post("/tracks/invite", content=content, headers=headers)

    assert reply.status_code == 400
    assert list(reply.json()) == ["error"]


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/jsonx", "application/xml"])
async def test_body_that_is_not_declared_as_json_is_a_bad_request(client, content_type):
    """The content type has to be JSON's."""
    reply = await client.post(
        "/tracks/invite",
        content=json.dumps(invite_body()),
        headers={"content-type": content_type},
    )

    assert reply.status_code == 400
    assert await client.count() == 0


async def test_content_type_may_have_a_charset_and_capitals(client):
    """The media type is compared as HTTP says: without parameters, whatever the case."""
    reply = await client.post(
        "/tracks/invite",
        content=json.dumps(invite_body()),
        headers={"content-type": "Application/JSON; charset=utf-8"},
    )

    assert reply.status_code == 200


async def test_large_body_is_refused(client):
    """A body beyond 16 KiB is not kept."""
    reply = await client.post(
        "/tracks/invite",
        content=b" " * 1_000_000,
        headers={"content-type": "application/json"},
    )

    assert (reply.status_code, reply.json()) == (413, {"error": "Body too large"})


async def test_memory_is_bounded_and_the_count_exact():
    """Beyond the bound the oldest invites are only counted, and their links are dead."""
    async with (
        running_sandbox(create_sandbox(most_kept=2)) as address,
        client_of(address) as client,
    ):
        links = [(await client.invite()).json()["invite_link"] for _ in range(3)]

        listed = (await client.get("/sandbox/invites")).json()
        assert (listed["count"], len(listed["invites"])) == (3, 2)
        assert [(await client.get(link)).status_code for link in links] == [404, 200, 200]


async def test_link_opens_a_page_about_the_invite(client):
    """The page says who was invited to what."""
    link = (await client.invite(invite_format="sendlink")).json()["invite_link"]

    page = await client.get(link)

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "Ada Lovelace (ada@example.com) is invited to track 6578." in page.text
    assert "by e-mail" in page.text


async def test_page_escapes_what_it_was_sent(client):
    """A name is text, never markup."""
    link = (await client.invite(candidate_name="<script>alert(1)</script>")).json()["invite_link"]

    page = await client.get(link)

    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "nobody is e-mailed" in page.text


@pytest.mark.parametrize("path", ["/sandbox/invites/1", "/sandbox/invites/x"])
async def test_unknown_link_is_not_found(client, path):
    """A link that was never handed out leads nowhere."""
    assert (await client.get(path)).status_code == 404


async def test_link_uses_the_address_that_listens(client):
    """A Host header cannot make the link point elsewhere."""
    reply = await client.post(
        "/tracks/invite", json=invite_body(), headers={"host": "elsewhere.example"}
    )

    assert reply.json()["invite_link"].startswith(f"http://127.0.0.1:{client.base_url.port}/")


async def test_list_is_a_table_for_people(client):
    """A browser gets a page, newest first, with what it was sent as text."""
    await client.invite(candidate_name="First", candidate_email="a@example.com")
    await client.invite(candidate_name="<b>", invite_format="sendlink")

    page = await client.get("/sandbox/invites", headers={"accept": "text/html,*/*;q=0.8"})

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "2 accepted, 1 of them by e-mail" in page.text
    assert '<a href="invites/1000002">&lt;b&gt;</a>' in page.text
    assert page.text.index("invites/1000002") < page.text.index("invites/1000001")
    assert '<td data-label="E-mailed">yes</td>' in page.text


@pytest.mark.parametrize("prefix", ["", "/api/v2"])
async def test_root_leads_to_the_list(client, prefix):
    """Whoever opens the printed address finds something."""
    reply = await client.get(f"{prefix}/")

    assert (reply.status_code, reply.headers["location"]) == (303, "sandbox/invites")
