"""Dates of the platform: each is read as all that it may mean, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from gateway.invites.dates import Span, span_of

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()
HOUR = 3600
INDIA = ZoneInfo("Asia/Kolkata")


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("2026-11-23T12:00:00+00:00", Span(NOON, NOON + 1, 1)),
        ("2026-11-23T12:00:00Z", Span(NOON, NOON + 1, 1)),
        ("2026-11-23T14:00:00+02:00", Span(NOON, NOON + 1, 1)),
        ("2026-11-23 17:30:00+0530", Span(NOON, NOON + 1, 1)),
        ("2026-11-23T12:00Z", Span(NOON, NOON + 60, 0)),
        ("2026-11-23T12:00:00.5Z", Span(NOON + 0.5, NOON + 0.6, 0.1)),
        ("2026-11-23T12:00:00.250Z", Span(NOON + 0.25, NOON + 0.251, 0.001)),
        ("2026-11-23T12:00:00.250000Z", Span(NOON + 0.25, NOON + 0.250001, 0.000001)),
        ("2026-11-23T12:00:00.250000789Z", Span(NOON + 0.25, NOON + 0.250001, 0.000001)),
        ("Mon, 23 Nov 2026 12:00:00 GMT", Span(NOON, NOON + 1, 1)),
        ("23 Nov 2026 14:00:00 +0200", Span(NOON, NOON + 1, 1)),
    ],
)
def test_date_with_a_zone_means_one_moment(text, span):
    """To the unit that it tells."""
    read = span_of(text)

    assert read is not None
    assert read.earliest == span.earliest
    assert read.cut_to == pytest.approx(span.cut_to)
    assert read.latest == pytest.approx(span.latest, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-11-23 12:00", 60),
        ("2026-11-23 12:00:00", 1),
        ("2026-11-23T12:00:00", 1),
        ("Nov 23, 2026, 12:00:00 PM", 1),
    ],
)
def test_date_without_a_zone_may_be_any_zones(text, seconds):
    """From the easternmost to the westernmost, unless the operator knows the platform's."""
    assert span_of(text) == Span(NOON - 14 * HOUR, NOON + 12 * HOUR + seconds, 0)


@pytest.mark.parametrize("zone", [INDIA, timezone(timedelta(hours=5, minutes=30))])
def test_date_without_a_zone_is_in_the_operators(zone):
    """A name or an offset make one moment of it."""
    assert span_of("2026-11-23 17:30:00", zone=zone) == Span(NOON, NOON + 1, 1)


def test_operators_zone_does_not_outweigh_the_dates_own():
    """What the platform says goes first."""
    assert span_of("2026-11-23T12:00:00Z", zone=INDIA) == Span(NOON, NOON + 1, 1)


@pytest.mark.parametrize(
    ("zone", "hours"),
    [(None, (-14, 36)), (UTC, (0, 24)), (timezone(timedelta(hours=-3)), (3, 27))],
)
def test_date_alone_is_its_whole_day(zone, hours):
    """Wherever that day is."""
    midnight = NOON - 12 * HOUR
    first, last = hours

    span = span_of("2026-11-23", zone=zone)

    assert span == Span(midnight + first * HOUR, midnight + last * HOUR, 0)


def test_hour_that_comes_twice_may_be_either():
    """When clocks are set back, one time means two moments."""
    span = span_of("2026-10-25 02:30:00", zone=ZoneInfo("Europe/Berlin"))

    assert span is not None
    assert span.latest - span.earliest == HOUR + 1
    assert span.cut_to == 0


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Jul 05, 2025, 4:42:45 AM", datetime(2025, 7, 5, 4, 42, 45, tzinfo=UTC)),
        ("Jul 5, 2025, 4:42:45 PM", datetime(2025, 7, 5, 16, 42, 45, tzinfo=UTC)),
        ("Jan 01, 1990, 1:00:00 AM", datetime(1990, 1, 1, 1, tzinfo=UTC)),
        ("Jul 05, 2025, 12:42:45 AM", datetime(2025, 7, 5, 0, 42, 45, tzinfo=UTC)),
        ("Dec 31, 2025, 12:00:00\u202fPM", datetime(2025, 12, 31, 12, tzinfo=UTC)),
    ],
)
def test_english_form_of_the_siblings(text, moment):
    """Their documentation shows it without a zone."""
    span = span_of(text, zone=UTC)

    assert span == Span(moment.timestamp(), moment.timestamp() + 1, 1)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "yesterday",
        "0001-01-01",
        "1989-12-31T23:59:59Z",
        "9999-12-31",
        # Each of these a tolerant reader takes for another moment than it may mean.
        "1800000000000",
        "20270115",
        "2027-W02",
        "2027-01-15T20",
        "15 Jan 2027 08:00 PM",
        "Jan 15, 2027 08:00:00 PM",
        "Jan 15, 2027, 13:00:00 PM",
        "Jan 15, 2027, 0:00:00 AM",
        "Jab 15, 2027, 1:00:00 AM",
        "Fri, 15 Jan 2027 08:00:00 PM",
        "15 Jan 27 08:00:00 GMT",
        "2027-13-01",
        "2027-02-30T00:00:00Z",
        "Feb 30, 2027, 1:00:00 AM",
        "32 Jan 2027 08:00:00 GMT",
    ],
)
def test_other_forms_are_not_read(text):
    """No date is better than a wrong one."""
    assert span_of(text) is None


@pytest.mark.parametrize(
    ("span", "moment", "expected"),
    [
        (Span(10, 11, 1), 10.9, True),
        (Span(10, 11, 1), 11.0, False),
        (Span(10.5, 10.6, 0), 10.5, True),
        (Span(10.5, 10.6, 0), 10.51, False),
        (Span(10.5, 10.6, 0.1), 10.58, True),
        (Span(10.5, 10.6, 0.1), 10.61, False),
        (Span(10, 70, 0), 10.1, False),
    ],
)
def test_moments_are_cut_like_the_date(span, moment, expected):
    """A platform that tells whole seconds seems to have acted before the second had begun."""
    assert span.is_after(moment) is expected
