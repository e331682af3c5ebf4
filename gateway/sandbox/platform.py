"""The stand-in's behaviour where the platform's documentation leaves it open."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import Any, Final

_INDIA: Final = timezone(timedelta(hours=5, minutes=30))


class SecondInvite(Enum):
    """The reply to inviting the same address to the same track again."""

    NEW = "new"
    """Another application with another link, e-mailed if asked for."""
    SAME = "same"
    """200 with the first invite's application and link; no e-mail is sent."""
    ACCEPTED = "accepted"
    """202, otherwise like `same`."""
    INVALID = "invalid"
    """400."""
    CONFLICT = "conflict"
    """409."""


class Listed(Enum):
    """When the applicants list shows an invited person."""

    AT_ONCE = "at-once"
    OPENED = "opened"
    """Once the page behind the link has been opened."""
    LATE = "late"
    NEVER = "never"


class Times(Enum):
    """How the list writes times."""

    UTC = "utc"
    """`2026-01-15T10:00:00.000+00:00`"""
    INDIA = "india"
    """`2026-01-15T15:30:00.000+05:30`"""
    LOCAL = "local"
    """`2026-01-15T15:30:00`: India's time, without an offset."""
    DATE = "date"
    """`2026-01-15`, also India's."""
    WORDS = "words"
    """`Jan 15, 2026, 3:30:00 PM`, also India's."""


class EmailFilter(Enum):
    """How the list's `email` filter reads its text, ignoring case."""

    SUBSTRING = "substring"
    PATTERN = "pattern"
    """As a regular expression: `.` matches any character, and `+` repeats."""


@dataclass(frozen=True, slots=True)
class Platform:
    """One variant of the platform.

    `page` is the status of an HTML page shown instead of it. Without a `rate_limit` any number of
    invites is accepted, else this many within `rate_seconds`.
    """

    second_invite: SecondInvite = SecondInvite.NEW
    listed: Listed = Listed.AT_ONCE
    late_seconds: float = 60.0
    times: Times = Times.UTC
    email_filter: EmailFilter = EmailFilter.SUBSTRING
    page: int | None = None
    rate_limit: int | None = None
    rate_seconds: float = 1.0

    def towards(self, email: str) -> Platform:
        """The same variant with the changes that the address asks for."""
        return replace(self, **ADDRESSES.get(local_part_of(email), {}))

    def written(self, moment: datetime) -> str:
        """A time as the list shows it."""
        local = moment.astimezone(_INDIA)
        match self.times:
            case Times.UTC:
                return moment.isoformat(timespec="milliseconds")
            case Times.INDIA:
                return local.isoformat(timespec="milliseconds")
            case Times.LOCAL:
                return local.replace(tzinfo=None).isoformat(timespec="seconds")
            case Times.DATE:
                return local.date().isoformat()
            case Times.WORDS:
                return f"{local:%b %d, %Y}, {local.hour % 12 or 12}:{local:%M:%S %p}"

    def finds(self, text: str, email: str) -> bool:
        """Whether the filter with this text matches the address."""
        text, email = text.lower(), email.lower()
        if self.email_filter is EmailFilter.PATTERN:
            try:
                pattern = re.escape(text).replace(r"\+", "+").replace(r"\.", ".")
                return re.search(pattern, email) is not None
            except re.error:
                return False
        return text in email


ADDRESSES: Final[Mapping[str, Mapping[str, Any]]] = {
    **{f"again-{one.value}": {"second_invite": one} for one in SecondInvite},
    **{f"listed-{one.value}": {"listed": one} for one in Listed},
}
"""The behaviour that an address's local part asks for, for this person only."""


def local_part_of(email: str) -> str:
    """The part before the `@`, lowercased, without `+suffix`."""
    return email.rpartition("@")[0].partition("+")[0].lower()
