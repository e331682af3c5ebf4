"""Validation of a caller's input, complete before anything goes to the upstream."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from gateway.invites.models import (
    InputIssue,
    InviteFormat,
    InviteRequest,
    InviteResult,
    Origin,
)
from gateway.upstream.wire import LARGEST_ID

LONGEST_NAME = 200
LONGEST_KEY = 255
LONGEST_EMAIL = 254
KEY_MISSING = "Is required here: a new random UUID for each invite, the same for its repetitions."

# Control characters, lone surrogates, line and paragraph separators.
_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
# Blanks and zero-width characters that copying leaves around a text. Joiners are kept: in some
# scripts they shape the last letter of a name.
_AROUND = " \u00a0\u00ad\u061c\u1680\u180e\u202f\u205f\u3000\ufeff" + "".join(
    map(
        chr,
        (*range(0x2000, 0x200C), 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x2070)),
    )
)
_JOINERS = "\u200c\u200d"
_AROUND_EMAIL = _AROUND + _JOINERS
# Characters that are never joined begin their Unicode names so.
_WITHOUT_JOINERS = ("LATIN ", "GREEK ", "CYRILLIC ", "COMBINING ")
# The fillers of Hangul, and the Braille pattern without dots.
_BLANK_LETTERS = "\u115f\u1160\u3164\uffa0\u2800"
# Most addresses have this form, are valid and normalised, and need no full validation: words of
# lower-case letters and digits, joined by single signs, not under a reserved domain.
_SET_APART = frozenset({"arpa", "invalid", "local", "localhost", "onion", "test"})
_PLAIN_EMAIL = re.compile(
    r"(?=.{1,64}@)[a-z0-9]+(?:[._+-][a-z0-9]+)*+"
    r"@(?:(?=[^.]{1,63}\.)[a-z0-9]+(?:-[a-z0-9]+)*+\.)++"
    rf"(?!(?:{'|'.join(_SET_APART)})\Z)[a-z]{{2,63}}"
)
_DECIMAL = re.compile(r"[1-9][0-9]{0,18}")


# Neither frozen nor with a repr: see CONTRIBUTING, "The hot path".
@dataclass(slots=True, repr=False)
class InviteDraft:
    """A request for one invite as the caller wrote it, unchecked."""

    candidate_name: str
    candidate_email: str
    track_id: str
    invite_format: InviteFormat
    idempotency_key: str | None = None


InviteEnded: TypeAlias = Callable[[InviteDraft, InviteResult, Origin], None]
"""Called once an invite has ended, whatever its result; it must not raise."""


def ignored(_draft: InviteDraft, _result: InviteResult, _origin: Origin) -> None:
    """Do nothing: the default hook."""


def check(
    draft: InviteDraft, *, key_required: bool = False
) -> InviteRequest | tuple[InputIssue, ...]:
    """The checked request, or all of its issues; no issue quotes the input."""
    name, track, key = trimmed(draft.candidate_name), draft.track_id, draft.idempotency_key
    email = normalised_email(draft.candidate_email)
    if (
        email is None
        or name_problem(name) is not None
        or id_problem(track) is not None
        or (key_required if key is None else not _is_key(key))
    ):
        return tuple(_issues(draft, email, key_required))
    return InviteRequest(name, email, int(track), draft.invite_format, key)


def trimmed(text: str, around: str = _AROUND) -> str:
    """The text without surrounding blanks and zero-width characters."""
    return text.strip(" ") if text.isascii() else text.strip(around)


def _issues(
    draft: InviteDraft,
    email: str | None,
    key_required: bool,  # noqa: FBT001 - as `check` has it
) -> Iterator[InputIssue]:
    if problem := name_problem(trimmed(draft.candidate_name)):
        yield InputIssue("candidate_name", problem)
    if email is None:
        yield InputIssue("candidate_email", _email_problem(draft.candidate_email))
    if problem := id_problem(draft.track_id):
        yield InputIssue("track_id", problem)
    if draft.idempotency_key is None:
        if key_required:
            yield InputIssue("idempotency_key", KEY_MISSING)
    elif not _is_key(draft.idempotency_key):
        yield InputIssue(
            "idempotency_key", f"Must be 1 to {LONGEST_KEY} printable ASCII characters."
        )


def name_problem(name: str, *, longest: int = LONGEST_NAME) -> str | None:
    """What is wrong with a trimmed name, or another line of at most `longest` characters."""
    # The check for printable text is the quick one: almost every name passes it, and of the
    # characters to look for, only U+FFFD does, which marks a letter that was lost in decoding.
    if ("\ufffd" in name or not name.isprintable()) and (problem := _character_problem(name)):
        return problem
    if not name or not (name.isascii() or any(map(_is_seen, name))):
        return "Must not be blank."
    if len(name) > longest:
        return f"Must have at most {longest} characters."
    return None


def _character_problem(name: str) -> str | None:
    before = ""
    for character in name:
        category = unicodedata.category(character)
        if character == "\ufffd" or category in _FORBIDDEN_CATEGORIES:
            return "Must not contain control characters, line breaks or broken characters."
        if category == "Cf" and not (character in _JOINERS and _takes_joiner(before)):
            named = f"U+{ord(character):04X} ({unicodedata.name(character)})"
            return f"Must not contain the invisible character {named}: type the name anew."
        before = character
    return None


def _takes_joiner(character: str) -> bool:
    """Whether a joiner after it may shape a letter or an emoji."""
    return unicodedata.category(character or " ")[0] in "LMS" and not unicodedata.name(
        character, ""
    ).startswith(_WITHOUT_JOINERS)


def _is_seen(character: str) -> bool:
    """Whether the character is visible: a letter, a number, a sign or a symbol."""
    return unicodedata.category(character)[0] in "LNPS" and character not in _BLANK_LETTERS


def normalised_email(email: str) -> str | None:
    """The address in the form that is sent, or None if it is invalid."""
    if len(email) <= LONGEST_EMAIL and _PLAIN_EMAIL.fullmatch(email):
        return email
    email = trimmed(email, _AROUND_EMAIL)
    if len(email) > LONGEST_EMAIL:
        return None
    # Slow to load: `gateway serve` loads it in the background, by `load_long_check`.
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 - see above

    try:
        return validate_email(email, check_deliverability=False, strict=True).normalized
    except (EmailNotValidError, UnicodeError):
        return None


def load_long_check() -> None:
    """Load the full address check in advance, so that no request waits for it."""
    normalised_email("Ada@EXAMPLE.com")


def lowercased(email: str) -> str:
    """The address in lower case."""
    # Not `casefold`, which turns ß into ss: those are two different domains.
    return email.lower()


def comparable_email(email: str) -> str:
    """An address in a form that is the same for every spelling the platform may use.

    The platform may change case, and write an internationalised domain in ASCII.
    """
    email = email.strip()
    if "xn--" in email.lower():
        email = normalised_email(email) or email
    return lowercased(email)


def _email_problem(email: str) -> str:
    email = trimmed(email, _AROUND_EMAIL)
    if not email:
        return "Must not be blank."
    if len(email) > LONGEST_EMAIL:
        return f"Must have at most {LONGEST_EMAIL} characters."
    return "Must be one e-mail address that mail can be sent to, like name@example.com."


def id_problem(text: str) -> str | None:
    """What is wrong with the id of a track or an application, as the upstream numbers them."""
    if _DECIMAL.fullmatch(text) is not None and int(text) <= LARGEST_ID:
        return None
    return "Must be a whole number from 1 to 9223372036854775807, in digits only."


def _is_key(key: str) -> bool:
    return 0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()
