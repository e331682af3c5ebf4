"""What the platform's page leaves open, played one way or another."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from gateway.sandbox import (
    EmailFilter,
    Listed,
    Platform,
    SecondInvite,
    Times,
    create_sandbox,
    running_sandbox,
)
from tests.sandbox.conftest import SandboxClient, client_of

MOMENT = datetime(2025, 7, 4, 23, 12, 45, 678_000, tzinfo=UTC)


@contextlib.asynccontextmanager
async def playing(platform: Platform, **options: object) -> AsyncIterator[SandboxClient]:
    sandbox = create_sandbox(platform, **options)  # type: ignore[arg-type]
    async with running_sandbox(sandbox) as address, client_of(address) as client:
        yield client


async def listed(client: SandboxClient, **query: str) -> list[str]:
    reply = await client.get("/tracks/6578/applicants", params=query)
    return [entry["email"] for entry in reply.json()["data"]]


SECOND = {
    SecondInvite.NEW: (200, 2),
    SecondInvite.SAME: (200, 1),
    SecondInvite.ACCEPTED: (202, 1),
    SecondInvite.INVALID: (400, 1),
    SecondInvite.CONFLICT: (409, 1),
}


@pytest.mark.parametrize("way", SecondInvite, ids=lambda way: way.value)
@pytest.mark.parametrize("by", ["option", "address"])
async def test_a_second_invite(way, by):
    """By the command's option for all, or by the address; a person is not told by case."""
    status, count = SECOND[way]
    platform = Platform(second_invite=way) if by == "option" else Platform()
    email = "ada@example.com" if by == "option" else f"again-{way.value}@example.com"
    async with playing(platform) as client:
        first = await client.invite(email, invite_format="sendlink")
        second = await client.invite(email.upper(), invite_format="sendlink")
        other = await client.invite(email, track_id=7)
        seen = (await client.get("/sandbox/invites")).json()

    assert (second.status_code, other.status_code) == (status, 200)
    assert (seen["count"], seen["emails"]) == (count + 1, count)
    if count == 1 and status < 300:
        assert second.json() == first.json()


@pytest.mark.parametrize("by", ["option", "address"])
async def test_people_are_listed_once_they_open_their_link(by):
    """Neither the list nor the application's own address shows them before."""
    platform = Platform(listed=Listed.OPENED) if by == "option" else Platform()
    email = "ada@example.com" if by == "option" else "listed-opened@example.com"
    async with playing(platform) as client:
        invited = (await client.invite(email)).json()
        own = f"/tracks/6578/applicants/{invited['application_id']}"
        before = await listed(client), (await client.get(own)).status_code
        await client.get(invited["invite_link"])
        after = await listed(client), (await client.get(own)).status_code

    assert before == ([], 404)
    assert after == ([email], 200)


@pytest.mark.parametrize("way", [Listed.LATE, Listed.NEVER], ids=lambda way: way.value)
@pytest.mark.parametrize("by", ["option", "address"])
async def test_people_are_listed_late_or_never(way, by):
    """Opening their link changes nothing about it."""
    now = [MOMENT]
    platform = Platform(listed=way) if by == "option" else Platform()
    email = "ada@example.com" if by == "option" else f"listed-{way.value}@example.com"
    async with playing(platform, now=lambda: now[0]) as client:
        await client.get((await client.invite(email)).json()["invite_link"])
        at_once = await listed(client)
        now[0] += timedelta(seconds=60)
        later = await listed(client)

    assert at_once == []
    assert later == ([email] if way is Listed.LATE else [])


@pytest.mark.parametrize(
    ("times", "written"),
    [
        (Times.UTC, "2025-07-04T23:12:45.678+00:00"),
        (Times.INDIA, "2025-07-05T04:42:45.678+05:30"),
        (Times.LOCAL, "2025-07-05T04:42:45"),
        (Times.DATE, "2025-07-05"),
        (Times.WORDS, "Jul 05, 2025, 4:42:45 AM"),
    ],
    ids=lambda value: getattr(value, "value", None),
)
async def test_times_are_written_in_many_ways(times, written):
    """In the list and in the details."""
    async with playing(Platform(times=times), now=lambda: MOMENT) as client:
        await client.invite()
        entry = (await client.get("/tracks/6578/applicants")).json()["data"][0]
        details = (await client.get("/tracks/6578/applicants/1000001")).json()["applicant"]

    for shown in (entry, details):
        assert (shown["date_added"], shown["last_updated_at"]) == (written, written)


def test_noon_and_midnight_in_words():
    """There is no hour 0 on such a clock."""
    platform = Platform(times=Times.WORDS)
    midnight = datetime(2026, 1, 14, 18, 30, tzinfo=UTC)

    assert platform.written(midnight) == "Jan 15, 2026, 12:00:00 AM"
    assert platform.written(midnight + timedelta(hours=12)) == "Jan 15, 2026, 12:00:00 PM"


@pytest.mark.parametrize(
    ("kind", "text", "found"),
    [
        (EmailFilter.SUBSTRING, "ADA+x@", ["ada+x@a.example"]),
        (EmailFilter.SUBSTRING, "a.e", ["adaaax@a.example", "ada+x@a.example"]),
        (EmailFilter.PATTERN, "ADA+x@", ["adaaax@a.example"]),
        (EmailFilter.PATTERN, "x.a", ["adaaax@a.example", "ada+x@a.example"]),
        (EmailFilter.PATTERN, "[a]", []),
        (EmailFilter.PATTERN, "+a", []),
    ],
)
async def test_filter_takes_its_text_for_a_part_or_a_pattern(kind, text, found):
    """A plus sign in an address may mean something else; what is no pattern finds nobody."""
    async with playing(Platform(email_filter=kind)) as client:
        for email in ("ada+x@a.example", "adaaax@a.example"):
            await client.invite(email)

        assert await listed(client, email=text) == found


@pytest.mark.parametrize("status", [200, 403, 404, 503])
async def test_a_page_in_between_answers_everything(status):
    """Whatever is asked, with whatever key, and nobody is invited."""
    async with playing(Platform(page=status)) as client:
        paths = [f"/api/v2/tracks/6578/{end}" for end in ("stats", "applicants", "applicants/1")]
        replies = [await client.get(path, headers={"apiKey": ""}) for path in paths]
        replies.append(await client.invite())

        assert {reply.status_code for reply in replies} == {status}
        assert all(reply.text.startswith("<!doctype html>") for reply in replies)
        assert await client.count() == 0


async def test_more_invites_than_the_limit_are_turned_away():
    """They invite nobody, are told when to come back, and reading is not limited."""
    async with playing(Platform(rate_limit=2, rate_seconds=3), now=lambda: MOMENT) as client:
        replies = [await client.invite(f"{name}@a.example") for name in "abc"]

        assert [reply.status_code for reply in replies] == [200, 200, 429]
        assert replies[2].headers["retry-after"] == "3"
        assert len(await listed(client)) == await client.count() == 2


async def test_old_invites_are_forgotten_as_persons_too():
    """Beyond the bound, a second invite is a first one again; a later one is still known."""
    async with playing(Platform(second_invite=SecondInvite.SAME), most_kept=2) as client:
        replies = [await client.invite(f"{name}@a.example") for name in ("a", "b", "c", "a", "c")]

    ids = [reply.json()["application_id"] for reply in replies]
    assert ids == [1000001, 1000002, 1000003, 1000004, 1000003]


async def test_a_person_invited_anew_is_known_by_the_latest():
    """The older application leaves without taking the later one along."""
    async with playing(Platform(second_invite=SecondInvite.NEW), most_kept=2) as client:
        for name in ("again-same", "other", "other"):
            await client.invite(f"{name}@a.example")

        assert (await client.invite("other@a.example")).json()["application_id"] == 1000004
        assert (await client.invite("again-same@a.example")).json()["application_id"] == 1000005
