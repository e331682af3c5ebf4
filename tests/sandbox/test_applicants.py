"""`GET /tracks/<id>/applicants`, as the upstream's page describes it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from gateway.sandbox import Listed, Platform, create_sandbox, running_sandbox
from gateway.sandbox.failures import READ_REFUSALS
from tests.sandbox.conftest import client_of

LATE = Platform(listed=Listed.LATE, late_seconds=60)


@pytest.fixture
async def applicants(client):
    """Three invites to track 6578, one to another."""
    for email, name in [("ada@a.example", "Ada"), ("ADA@b.example", "Bob"), ("cy@a.example", "Cy")]:
        await client.invite(email, candidate_name=name)
    await client.invite("ada@a.example", track_id=1)

    async def ask(**query):
        return await client.get("/tracks/6578/applicants", params=query)

    return ask


def ids(reply: httpx2.Response) -> list[int]:
    return [applicant["application_id"] for applicant in reply.json()["data"]]


async def test_applicant_has_the_documented_fields(applicants):
    """Each applicant shows all documented fields, of their documented types."""
    applicant = (await applicants(name="cy")).json()["data"][0]

    assert {name: type(value).__name__ for name, value in applicant.items()} == {
        "application_id": "int",
        "candidate_id": "int",
        "name": "str",
        "email": "str",
        "stage_id": "int",
        "stage_name": "str",
        "stage_type": "str",
        "stage_status": "str",
        "score": "int",
        "date_added": "str",
        "last_updated_at": "str",
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [1000003, 1000002, 1000001]),
        ({"email": "ada@"}, [1000002, 1000001]),
        ({"email": "ADA@A.EXAMPLE"}, [1000001]),
        ({"name": "b"}, [1000002]),
        ({"application_id": "1000002"}, [1000002]),
        ({"application_id": "1000004"}, []),
        ({"stage_id": "1"}, [1000003, 1000002, 1000001]),
        ({"stage_id": "2"}, []),
        ({"unknown": "x"}, [1000003, 1000002, 1000001]),
    ],
    ids=str,
)
async def test_filters_narrow_the_list(applicants, query, expected):
    """Text filters match any part, whatever the case; ids match exactly."""
    assert expected == ids(await applicants(**query))


async def test_candidate_id_belongs_to_the_address(applicants):
    """One person keeps one candidate id, by which the list can be narrowed."""
    ada = (await applicants(email="ada@a")).json()["data"][0]

    assert ids(await applicants(candidate_id=str(ada["candidate_id"]))) == [1000001]


async def test_list_is_paged(applicants):
    """The pagination block says what there is around a page."""
    first, last = await applicants(per_page="2"), await applicants(per_page="2", page="2")

    assert (ids(first), ids(last)) == ([1000003, 1000002], [1000001])
    common = {"per_page": 2, "total": 3, "total_pages": 2}
    assert first.json()["pagination"] == common | {"page": 1, "has_next": True, "has_prev": False}
    assert last.json()["pagination"] == common | {"page": 2, "has_next": False, "has_prev": True}


async def test_empty_list_has_no_pages(client):
    """A track without invites has an empty list."""
    reply = await client.get("/tracks/7/applicants")

    assert reply.json() == {
        "data": [],
        "pagination": {
            "page": 1,
            "per_page": 25,
            "total": 0,
            "total_pages": 0,
            "has_next": False,
            "has_prev": False,
        },
    }


@pytest.mark.parametrize(
    "query",
    [
        {"page": "0"},
        {"page": "x"},
        {"page": "9" * 5000},
        {"per_page": "201"},
        {"per_page": "-1"},
        {"application_id": "abc"},
        {"from_date": "yesterday"},
        {"sort_by": "name"},
        {"stage_status": "pending"},
    ],
    ids=lambda query: next(iter(query)),
)
async def test_query_beyond_the_page_is_refused(applicants, query):
    """A wrong value, or a parameter whose values nobody knows, is a 400."""
    reply = await applicants(**query)

    assert reply.status_code == 400
    assert list(reply.json()) == ["error"]


async def test_dates_are_inclusive():
    """An invite is found by the very day and the very moment that its date shows."""
    noon = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
    async with (
        running_sandbox(create_sandbox(now=lambda: noon)) as address,
        client_of(address) as client,
    ):
        await client.invite()

        async def found(**query: str) -> int:
            return len(ids(await client.get("/tracks/6578/applicants", params=query)))

        shown = "2026-11-23T12:00:00.123+00:00"
        assert await found(from_date="2026-11-23", to_date="2026-11-23") == 1
        assert await found(from_date=shown, to_date=shown) == 1
        assert await found(from_date="2026-11-23T12:00:00.123") == 1
        assert await found(from_date="2026-11-24") == 0
        assert await found(to_date="2026-11-22") == 0
        assert await found(to_date="9999-12-31") == 1


async def test_list_may_lag_behind():
    """An invite that is accepted shows in the list, and by its id, only after the lag."""
    now = [datetime(2026, 11, 23, tzinfo=UTC)]
    sandbox = create_sandbox(LATE, now=lambda: now[0])
    async with running_sandbox(sandbox) as address, client_of(address) as client:
        await client.invite()
        paths = ("/tracks/6578/applicants", "/tracks/6578/applicants/1000001")
        early = [await client.get(path) for path in paths]
        now[0] += timedelta(seconds=60)
        late = [await client.get(path) for path in paths]

    assert (ids(early[0]), early[1].status_code) == ([], 404)
    assert (ids(late[0]), late[1].status_code) == ([1000001], 200)


async def test_one_applicant_can_be_read(client):
    """The details have the documented shape."""
    await client.invite()

    details = (await client.get("/tracks/6578/applicants/1000001")).json()

    assert (details["track_id"], details["applicant"]["email"]) == (6578, "ada@example.com")
    assert set(details) == {
        "track_id",
        "track_title",
        "applicant",
        "current_stage",
        "stages",
        "submitted_response",
        "stage_wise_report",
        "parsed_resume",
    }
    assert set(details["current_stage"]) == {"stage_id", "name", "type", "color"}


@pytest.mark.parametrize("path", ["/tracks/6578/applicants/7", "/tracks/1/applicants/1000001"])
async def test_unknown_applicant_is_not_found(client, path):
    """An applicant exists in the track that he or she was invited to, and only there."""
    await client.invite()

    reply = await client.get(path)

    assert (reply.status_code, reply.json()) == (404, {"error": "Applicant not found"})


@pytest.mark.parametrize("track_id", READ_REFUSALS)
async def test_some_tracks_cannot_be_read(client, track_id):
    """Inviting to them is no different; reading them fails as their number says."""
    invited = await client.invite(track_id=track_id)
    application_id = invited.json()["application_id"]

    for path in ("applicants", f"applicants/{application_id}"):
        reply = await client.get(f"/tracks/{track_id}/{path}")
        assert f"{reply.status_code}" * 2 == str(track_id)
        assert reply.json() == READ_REFUSALS[track_id].body
        assert reply.headers.items() >= READ_REFUSALS[track_id].headers.items()


async def test_stats_count_the_listed(applicants, client):
    """Title, state and counts, of the track that is asked for."""
    reply = await client.get("/tracks/6578/stats")

    assert reply.json() == {
        "track_id": 6578,
        "title": "Track 6578",
        "active": True,
        "totals": {"by_status": {"pending": 3}},
        "stages": [{"stage_id": 1, "name": "Invited", "count": 3}],
    }


@pytest.mark.parametrize(("track_id", "active"), [(6578, True), (404405, False)])
async def test_stats_say_whether_a_track_is_active(client, track_id, active):
    """One track is not, and takes invites all the same."""
    stats = (await client.get(f"/tracks/{track_id}/stats")).json()

    assert stats["active"] is active
    assert (await client.invite(track_id=track_id)).status_code == 200


async def test_stats_of_no_track(client):
    """As its list says it."""
    reply = await client.get("/tracks/404404/stats")

    assert (reply.status_code, reply.json()) == (404, {"error": "Track not found"})
