"""Why the outcome of an invite is still unknown."""

from __future__ import annotations

from enum import Enum
from typing import Final


class Doubt(Enum):
    """Why the outcome of an invite is still unknown; the values are kept in records."""

    NOT_LOOKED_UP = "not_looked_up"
    OFF = "off"
    OWN_KEY = "own_key"
    REFUSED = "refused"
    UNREADABLE = "unreadable"
    OTHER_RECORD = "other_record"
    UNDATED = "undated"
    EARLIER = "earlier"
    UNCLEAR_DATE = "unclear_date"
    RIVALS = "rivals"
    NOT_LISTED = "not_listed"
    NO_WITNESS = "no_witness"

    @property
    def description(self) -> str:
        """A sentence for the operator."""
        return _DESCRIPTIONS[self]

    @property
    def settles_itself(self) -> bool:
        """A later look-up may settle it; else only a person can."""
        return self in _SETTLES_ITSELF


_DESCRIPTIONS: Final = {
    Doubt.NOT_LOOKED_UP: "the platform's list has not been looked at yet",
    Doubt.OFF: "reading the platform's list is switched off (GATEWAY_READ_BACK)",
    Doubt.OWN_KEY: (
        "it was sent with the caller's own API key, which is not kept, so the gateway cannot read"
        " that account's list"
    ),
    Doubt.REFUSED: "the platform does not let its list be read",
    Doubt.UNREADABLE: "the platform's list could not be read as a whole",
    Doubt.OTHER_RECORD: "the candidate is listed, but for another invite that is recorded here",
    Doubt.UNDATED: "the candidate is listed, without a date that can be read",
    Doubt.EARLIER: (
        "the candidate was listed before this invite, and the list does not tell whether it was"
        " invited once more"
    ),
    Doubt.UNCLEAR_DATE: (
        "the candidate is listed with a date that may be before or after this invite, or is in"
        " the future"
        " (GATEWAY_UPSTREAM_TIME_ZONE says what times without a zone mean)"
    ),
    Doubt.RIVALS: (
        "the candidate is listed, but another invite of unknown outcome may have caused the entry"
    ),
    Doubt.NOT_LISTED: ("the candidate is not listed, which counts only after the quiet period"),
    Doubt.NO_WITNESS: (
        "the candidate is not listed, but the list is not known to show people who have not acted"
        " on their invite yet (GATEWAY_LIST_SHOWS_INVITED)"
    ),
}
_SETTLES_ITSELF: Final = frozenset(
    {Doubt.NOT_LOOKED_UP, Doubt.UNREADABLE, Doubt.NOT_LISTED, Doubt.NO_WITNESS}
)
