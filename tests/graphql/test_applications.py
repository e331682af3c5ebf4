"""What became of an invite, through the application that `serve` runs."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from functools import partial
from urllib.parse import urlencode

import pytest
from pydantic import SecretStr

from gateway.app import create_app
from gateway.sandbox import API_KEY, create_sandbox, running_sandbox
from gateway.upstream.wire import Fault, NoReply, Reply
from tests.fakes.applications import FakeTrack, answered, details, entry, listed
from tests.fakes.gateway import LIST, ONE, Ask, asked, asking, the_error
from tests.fakes.invites import MemoryStore
from tests.fakes.settings import settings
from tests.sandbox.conftest import client_of


@pytest.fixture
async def ask() -> AsyncIterator[Ask]:
    """Asks a gateway before a stand-in that has three applications to track 6578."""
    async with running_sandbox(create_sandbox()) as address, client_of(address) as client:
        for name in ("Ada", "Bob", "Cy"):
            await client.invite(f"{name.lower()}@example.com", candidate_name=name)
        given = settings(upstream_url=address, upstream_api_key=SecretStr(API_KEY))
        yield partial(asked, create_app(given, store=MemoryStore()))


async def test_one_application(ask):
    """All that the platform tells of one application can be asked for."""
    answer = await ask(ONE, track=6578, application="1000001")

    application = answer["data"]["application"]
    assert application.pop("dateAdded")
    assert application == {
        "applicationId": "1000001",
        "trackId": "6578",
        "name": "Ada",
        "email": "ada@example.com",
        "score": 0.0,
        "stageStatus": "pending",
        "currentStage": {
            "stageId": "1",
            "name": "Invited",
            "type": "invite",
            "color": "#888888",
        },
        "details": {
            "trackTitle": "Track 6578",
            "stages": [{"name": "Invited", "color": None}],
            "submittedResponses": [],
            "parsedResume": {},
        },
    }


async def test_unknown_application_is_null(ask):
    """The platform cannot tell a missing application from a missing track: both are null."""
    missing = await ask(ONE, track=6578, application=7)
    elsewhere = await ask(ONE, track=404404, application=1000001)

    assert missing == elsewhere == {"data": {"application": None}}


async def test_list_is_a_connection(ask):
    """A part of the list comes with its cursors, and goes on behind the last one."""
    first = (await ask(LIST, track=6578, first=2))["data"]["applications"]
    end = first["pageInfo"]["endCursor"]
    second = (await ask(LIST, track=6578, first=2, after=end))["data"]["applications"]

    assert [node["name"] for node in first["nodes"]] == ["Cy", "Bob"]
    assert [edge["node"] for edge in first["edges"]] == first["nodes"]
    assert first["pageInfo"]["hasNextPage"] is True
    assert first["pageInfo"]["hasPreviousPage"] is False
    assert [node["name"] for node in second["nodes"]] == ["Ada"]
    assert second["pageInfo"]["hasNextPage"] is False
    assert second["pageInfo"]["hasPreviousPage"] is True
    assert first["totalCount"] == second["totalCount"] == 3


async def test_unknown_track_has_no_list(ask):
    """What fails is an error of the field, with the code that an invite would have had."""
    answer = await ask(LIST, track=404404)

    assert answer["data"] is None
    (error,) = answer["errors"]
    assert error["path"] == ["applications"]
    assert error["message"] == "There is no track with this id."
    assert error["extensions"] == {
        "code": "TRACK_NOT_FOUND",
        "retryable": False,
        "upstreamStatus": 404,
    }


async def test_list_is_filtered(ask):
    """A filter is passed on; what is null in it, or it itself, filters nothing."""
    found = await ask(LIST, track=6578, filter={"email": "BOB@", "name": None})
    everybody = await ask(LIST, track=6578, filter=None, first=None, after=None)

    assert [node["name"] for node in found["data"]["applications"]["nodes"]] == ["Bob"]
    assert found["data"]["applications"]["totalCount"] == 1
    assert everybody["data"]["applications"]["totalCount"] == 3


async def test_filters_reach_the_upstream_by_its_names():
    """As they were written, and nothing else does."""
    track = FakeTrack()
    given = {
        "name": "Ada",
        "email": "@example",
        "candidateId": 70_007,
        "applicationId": "7",
        "stageId": "3",
        "fromDate": "2026-11-01",
        "toDate": "2026-11-30",
    }

    await asking(track)(LIST, track=1, filter=given)

    assert track.queries == [
        {
            "name": "Ada",
            "email": "@example",
            "candidate_id": "70007",
            "application_id": "7",
            "stage_id": "3",
            "from_date": "2026-11-01",
            "to_date": "2026-11-30",
            "page": "1",
            "per_page": "25",
        }
    ]


async def test_all_that_is_wrong_is_told_at_once():
    """With the names that the client used, and without the values; nothing is asked for."""
    track = FakeTrack()

    answer = await asking(track)(
        LIST, track="zzyzx", first=-1, after="zzyzx", filter={"name": "a\n", "fromDate": "zzyzx"}
    )

    assert the_error(answer)["extensions"] == {
        "code": "INVALID_INPUT",
        "retryable": False,
        "issues": [
            {
                "field": "trackId",
                "message": "Must be a whole number from 1 to 9223372036854775807, in digits only.",
            },
            {"field": "first", "message": "Must be 0 to 200."},
            {"field": "after", "message": "Must be a cursor that this gateway has given."},
            {
                "field": "filter.name",
                "message": "Must not contain control characters, line breaks or broken characters.",
            },
            {"field": "filter.fromDate", "message": "Must be a day, such as 2026-11-23."},
        ],
    }
    assert "zzyzx" not in json.dumps(answer)
    assert track.calls == 0


async def test_wrong_ids_are_told():
    """Null would say that there is no such application."""
    answer = await asking(FakeTrack())(ONE, track=0, application="seven")

    error = the_error(answer)
    assert answer["data"] == {"application": None}
    assert error["path"] == ["application"]
    assert error["extensions"]["code"] == "INVALID_INPUT"
    assert [issue["field"] for issue in error["extensions"]["issues"]] == [
        "trackId",
        "applicationId",
    ]


@pytest.mark.parametrize(
    ("exchange", "expected"),
    [
        (
            Reply(429, retry_after="60"),
            {
                "code": "RATE_LIMITED",
                "retryable": True,
                "retryAfterSeconds": 60,
                "upstreamStatus": 429,
            },
        ),
        (Reply(401), {"code": "UPSTREAM_UNAUTHORIZED", "retryable": False, "upstreamStatus": 401}),
        (Reply(500), {"code": "UPSTREAM_FAULT", "retryable": True, "upstreamStatus": 500}),
        (
            Reply(200, b"<html>"),
            {"code": "UPSTREAM_FAULT", "retryable": False, "upstreamStatus": 200},
        ),
        (
            NoReply(Fault.DEADLINE, possibly_sent=True),
            {"code": "UPSTREAM_TIMEOUT", "retryable": True},
        ),
        (
            NoReply(Fault.CERTIFICATE, possibly_sent=False),
            {"code": "UPSTREAM_UNAVAILABLE", "retryable": False},
        ),
    ],
    ids=lambda given: given.get("code", "") if isinstance(given, dict) else "",
)
async def test_failures_have_the_words_of_invites(exchange, expected):
    """Both fields tell them alike, with all the numbers that are known."""
    for query in (ONE, LIST):
        track = FakeTrack()
        track.answers.append(exchange)

        answer = await asking(track)(query, track=1, application=7)

        assert the_error(answer)["extensions"] == expected


DETAILED = """
query Detailed($first: Int) {
  applications(trackId: 6578, first: $first) {
    nodes { applicationId currentStage { color } details { trackTitle } }
    edges { node { again: details { stages { name } } } }
  }
  application(trackId: 6578, applicationId: 2) { details { parsedResume } }
}
"""


async def test_details_are_read_once_each():
    """Wherever in a request an application's details are asked for."""
    track = FakeTrack(3)

    answer = await asking(track)(DETAILED)

    assert "errors" not in answer
    assert sorted(track.asked_for) == [1, 2, 3]
    assert answer["data"]["applications"]["nodes"][0] == {
        "applicationId": "1",
        "currentStage": {"color": "#123456"},
        "details": {"trackTitle": "Backend"},
    }


async def test_details_are_read_only_if_they_are_asked_for():
    """All else is in the list."""
    track = FakeTrack(3)

    await asking(track)(
        "{applications(trackId:1){nodes{name email score currentStage{stageId name type}}}}"
    )

    assert (track.calls, track.asked_for) == (1, [])


async def test_missing_details_hide_nobody():
    """An application that is gone, or cannot be read, is listed all the same."""
    track = FakeTrack(2)
    missing = answered({"error": "Applicant not found"}, 404)
    track.answers += [answered(listed(entry(1), entry(2))), missing, Reply(500)]

    answer = await asking(track)("{applications(trackId:1){nodes{name details{trackTitle}}}}")

    assert [node["details"] for node in answer["data"]["applications"]["nodes"]] == [None, None]
    assert the_error(answer)["extensions"]["code"] == "UPSTREAM_FAULT"
    assert the_error(answer)["path"] == ["applications", "nodes", 1, "details"]


async def test_color_is_that_of_the_stage():
    """An application that has moved on since it was listed lends its new colour to none."""
    track = FakeTrack(1)
    moved = details(1, current_stage={"stage_id": 4, "color": "#ffffff"})
    track.answers += [answered(listed(entry(1))), answered(moved)]

    answer = await asking(track)("{applications(trackId:6578){nodes{currentStage{name color}}}}")

    assert answer["data"]["applications"]["nodes"] == [
        {"currentStage": {"name": "Interview", "color": None}}
    ]


async def test_reads_of_a_request_are_bounded():
    """What goes beyond is refused and says so; the rest is there."""
    track = FakeTrack(9)

    answer = await asking(track, max_reads=4)(DETAILED, first=9)

    errors = answer["errors"]
    assert {error["extensions"]["code"] for error in errors} == {"BAD_USER_INPUT"}
    assert "4 reads" in errors[0]["message"]
    assert track.calls == 4
    assert len(answer["data"]["applications"]["nodes"]) == 9


async def test_aliases_count_as_reads():
    """Several lists in one request are several reads."""
    track = FakeTrack(9)
    lists = " ".join(
        f"l{number}:applications(trackId:{number}){{totalCount}}" for number in (1, 2, 3)
    )

    answer = await asking(track, max_reads=2)(f"{{{lists}}}")

    assert the_error(answer)["extensions"]["code"] == "BAD_USER_INPUT"
    assert track.calls == 2


@pytest.mark.parametrize("field", ["nodes{name email}", "edges{node{name}}"])
async def test_values_of_an_answer_are_bounded(field):
    """A long list with everything under many aliases is too much to tell."""
    aliases = " ".join(f"a{number}:{field}" for number in range(3))
    ask = asking(FakeTrack(200), max_values=1_500)

    few = await ask(f"{{applications(trackId:1,first:160){{{aliases}}}}}")
    many = await ask(f"{{applications(trackId:1,first:200){{{aliases}}}}}")

    assert "errors" not in few
    assert the_error(many)["extensions"]["code"] == "BAD_USER_INPUT"


async def test_bytes_of_an_answer_are_bounded():
    """A long résumé is told, but not for every alias again."""
    track = FakeTrack(1)
    track.answers += [answered(details(1, parsed_resume="a" * 900_000))] * 2
    ask = asking(track)
    query = "{application(trackId:6578,applicationId:1){details{%s}}}"

    once = await ask(query % "parsedResume")
    often = await ask(query % " ".join(f"a{number}:parsedResume" for number in range(8)))

    assert len(once["data"]["application"]["details"]["parsedResume"]) == 900_000
    assert often["data"]["application"]["details"] is None
    assert the_error(often)["extensions"]["code"] == "BAD_USER_INPUT"


async def test_long_lists_of_one_application_are_bounded():
    """The platform decides how many answers there are, not how many are told."""
    track = FakeTrack(1)
    responses = [{"label": "l", "value": "v"}] * 1_000
    track.answers += [answered(details(1, submitted_response=responses, stages=[{}] * 1_000))]

    answer = await asking(track)(
        "{application(trackId:6578,applicationId:1){details{"
        "submittedResponses{label value} stages{stageId name type}}}}"
    )

    told = answer["data"]["application"]["details"]
    assert len(told["submittedResponses"]) == 1_000
    assert told["stages"] is None
    assert the_error(answer)["extensions"]["code"] == "BAD_USER_INPUT"


async def test_large_totals_are_left_out():
    """GraphQL's own numbers end where the platform's need not."""
    track = FakeTrack()
    track.answers.append(answered(listed(entry(1), total=2**31)))

    answer = await asking(track)("{applications(trackId:1){totalCount nodes{name}}}")

    assert answer["data"]["applications"] == {
        "totalCount": None,
        "nodes": [{"name": "Candidate 1"}],
    }


async def test_reading_can_be_switched_off():
    """Then the fields say so, and the platform is not asked."""
    track = FakeTrack(9)
    ask = asking(track, applications=False)

    for query in (ONE, LIST):
        answer = await ask(query, track=0, application=7)
        assert the_error(answer)["extensions"] == {"code": "FORBIDDEN"}
    assert track.calls == 0
    assert (await ask("{gateway{version}}"))["data"]["gateway"]


async def test_key_of_the_caller_is_used():
    """Where callers bring their keys, each reads its own account's applications."""
    track = FakeTrack(9)
    ask = asking(track, upstream_api_key=None, upstream_api_key_mode="forward")

    await ask(DETAILED, first=2, headers={"X-Upstream-Api-Key": "theirs"})

    assert track.api_keys == ["theirs"] * 3


async def test_time_of_the_caller_is_heeded():
    """`Request-Timeout` bounds reads as it bounds invites."""
    track = FakeTrack(9)
    ask = asking(track)

    await ask(LIST, track=1, headers={"Request-Timeout": "3"})
    await ask(LIST, track=1)

    assert [round(seconds) for seconds in track.timeouts] == [3, 10]


async def test_queries_may_come_by_get(ask):
    """Nothing is changed by a read, so the specification allows it."""
    query = urlencode({"query": "{application(trackId:6578,applicationId:1000001){name}}"})

    answer = await ask("", method="GET", query_string=query)

    assert answer == {"data": {"application": {"name": "Ada"}}}


async def test_empty_search_boxes_narrow_nothing(ask):
    """What a page sends before anything is typed."""
    answer = await ask(LIST, track=6578, filter={"name": "", "email": " ", "stageId": ""})

    assert answer["data"]["applications"]["totalCount"] == 3


async def test_counts_come_without_the_list(ask):
    """`first: 0` asks for the total alone."""
    answer = await ask(LIST, track=6578, first=0, filter={"name": "a"})

    assert answer["data"]["applications"] == {
        "totalCount": 1,
        "nodes": [],
        "edges": [],
        "pageInfo": {
            "hasNextPage": True,
            "hasPreviousPage": False,
            "startCursor": None,
            "endCursor": None,
        },
    }


async def test_track_of_the_stand_in(ask):
    """It counts as it lists; one that it does not know is null."""
    query = "query T($id: ID!) { track(trackId: $id) { title isActive applicationCount } }"

    assert await ask(query, id=6578) == {
        "data": {"track": {"title": "Track 6578", "isActive": True, "applicationCount": 3}}
    }
    assert await ask(query, id=404404) == {"data": {"track": None}}
