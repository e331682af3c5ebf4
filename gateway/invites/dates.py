"""The platform's dates, each read as the span of moments that it may mean."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime
from typing import Final

# A misread date would make an invite look older or younger than it is. So only these exact forms
# are read: ISO 8601 with or without a time, RFC 5322, and `Jul 05, 2025, 4:42:45 AM`.
_ISO: Final = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"
)
_RFC: Final = re.compile(
    r"(?:[A-Z][a-z]{2}, )?\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (?:GMT|[+-]\d{4})"
)
_MONTHS: Final = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_ENGLISH: Final = re.compile(
    rf"({_MONTHS}) (\d\d?), (\d{{4}}), (\d\d?):(\d\d):(\d\d)[ \u00a0\u202f]([AP]M)"
)
_NOON: Final = 12
# Years outside this range cannot be those of an invite.
_YEARS: Final = range(1990, 9999)
_EASTERNMOST: Final = timezone(timedelta(hours=14))
_WESTERNMOST: Final = timezone(timedelta(hours=-12))


@dataclass(frozen=True, slots=True)
class Span:
    """The moments that a date may mean, in wall-clock seconds; the last is excluded.

    `cut_to` is the unit that the date was truncated to, if that is a second or less; else 0.
    """

    earliest: float
    latest: float
    cut_to: float = 0.0

    def is_after(self, moment: float) -> bool:
        """No moment of the span is before `moment`, truncated as the date was."""
        if self.cut_to:
            moment = math.floor(moment / self.cut_to) * self.cut_to
        return self.earliest >= moment


def span_of(text: str | None, *, zone: tzinfo | None = None) -> Span | None:
    """The span of a date; None if its form is unknown.

    A time without a zone is read in `zone`, or as in any zone if that is None. A date without a
    time means the whole day.
    """
    read = _read(text or "")
    if read is None:
        return None
    moment, length = read
    if moment.year not in _YEARS:
        return None
    earliest, latest = _in_zones(moment, zone)
    is_exact = length <= 1 and earliest == latest
    return Span(earliest, latest + length, cut_to=length if is_exact else 0.0)


def _in_zones(moment: datetime, zone: tzinfo | None) -> tuple[float, float]:
    if moment.tzinfo is not None:
        return moment.timestamp(), moment.timestamp()
    zones = (_EASTERNMOST, _WESTERNMOST) if zone is None else (zone,)
    # The hour that occurs twice when daylight saving ends may mean either.
    moments = [
        moment.replace(tzinfo=one, fold=fold).timestamp() for one in zones for fold in (0, 1)
    ]
    return min(moments), max(moments)


def _read(text: str) -> tuple[datetime, float] | None:
    """The first moment, and the number of seconds that are written the same way."""
    try:
        if _ISO.fullmatch(text):
            return datetime.fromisoformat(text), _seconds_of(text)
        if _RFC.fullmatch(text):
            return parsedate_to_datetime(text), 1.0
        if english := _ENGLISH.fullmatch(text):
            return _read_english(english), 1.0
    except (ValueError, OverflowError):
        pass
    return None


def _seconds_of(iso: str) -> float:
    if len(iso) == len("2026-11-23"):
        return timedelta(days=1).total_seconds()
    if iso[16:17] != ":":
        return 60.0
    fraction = re.search(r"\.(\d{1,6})", iso)
    return 1.0 if fraction is None else 10.0 ** -len(fraction[1])


def _read_english(text: re.Match[str]) -> datetime:
    month, half = _MONTHS.index(text[1]) // 4 + 1, text[7]
    day, year, hour, minute, second = map(int, text.group(2, 3, 4, 5, 6))
    if not 1 <= hour <= _NOON:
        raise ValueError(hour)
    hour = hour % _NOON + (_NOON if half == "PM" else 0)
    return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - the form has no zone
