"""What a caller may ask to read, and what is said of the rest."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.applications.inputs import (
    ListDraft,
    ListRequest,
    check_key,
    check_list,
    cursor_at,
    start_after,
)
from gateway.applications.models import ApplicationKey

CANARY = "zzyzx"


def fields(checked: object) -> list[str]:
    assert isinstance(checked, tuple)
    return [issue.field for issue in checked]


def test_request_is_made_ready():
    """What is valid is passed on as it was written, without the blanks around it."""
    narrowed = {
        "name": "Ada",
        "email": "@Example",
        "candidate_id": "70007",
        "application_id": "7",
        "stage_id": "screening",
        "from_date": "2026-11-01",
        "to_date": "2026-11-30",
    }
    given = {name: f" {text}\u200b" for name, text in narrowed.items()}
    draft = ListDraft("6578", 200, cursor_at(41), given)

    assert check_list(draft) == ListRequest(6578, 42, 200, narrowed)


def test_list_begins_at_its_first():
    """Without a cursor nothing is passed over."""
    assert check_list(ListDraft("6578", 1)) == ListRequest(6578, 0, 1, {})


@pytest.mark.parametrize("first", [-1, 201, 2**31 - 1])
def test_size_of_a_part_is_bounded(first):
    """The upstream lists 200 at most."""
    assert fields(check_list(ListDraft("1", first))) == ["first"]


def test_nothing_of_a_list_may_be_asked_for():
    """What is known of the whole list comes without any of it."""
    assert check_list(ListDraft("1", 0)) == ListRequest(1, 0, 0, {})


@pytest.mark.parametrize("text", ["", " ", "\u00a0\u200b\ufeff"], ids=ascii)
def test_empty_filters_are_none(text):
    """A search box that is empty narrows nothing."""
    names = ("name", "email", "candidate_id", "application_id", "stage_id", "from_date", "to_date")

    draft = ListDraft("1", narrowed=dict.fromkeys(names, text))

    assert check_list(draft) == ListRequest(1, 0, 25, {})


@pytest.mark.parametrize(
    ("name", "texts"),
    {
        "name": ["a" * 201, "a\nb", "\x00", "\ud800"],
        "email": ["a" * 255, "a@b\r\n"],
        "candidate_id": ["a" * 256, "é", "a\n"],
        "stage_id": ["\x7f"],
        "application_id": ["0", "-1", "07", "1.0", "abc", str(2**63)],
        "from_date": ["2026", "20261123", "2026-W47-1", "2026-02-30", "2026-11-23T00:00"],
        "to_date": ["tomorrow", "9999-12-32"],
    }.items(),
)
def test_filters_are_checked(name, texts):
    """What the upstream could not make sense of does not leave the gateway."""
    for text in texts:
        assert fields(check_list(ListDraft("1", narrowed={name: text}))) == [f"filter.{name}"]


def test_all_issues_are_told_at_once():
    """Nobody has to find them out one by one, and none repeats what was sent."""
    wrong = dict.fromkeys(
        ("name", "email", "candidate_id", "application_id", "stage_id", "to_date"), f"{CANARY}\n"
    )
    issues = check_list(ListDraft(CANARY, -1, CANARY, wrong))

    assert fields(issues) == ["track_id", "first", "after", *(f"filter.{name}" for name in wrong)]
    assert CANARY not in str(issues)


def test_keys_are_numbers():
    """Both ids are checked at once."""
    assert check_key("6578", str(2**63 - 1)) == ApplicationKey(6578, 2**63 - 1)
    assert fields(check_key("0", "seven")) == ["track_id", "application_id"]
    assert fields(check_key("1", "")) == ["application_id"]


@given(st.integers(0, 10**9))
def test_cursor_leads_behind_its_place(position):
    """What was given out is understood, and shows nothing but letters that a URL may hold."""
    cursor = cursor_at(position)

    assert start_after(cursor) == position + 1
    assert cursor.replace("-", "").replace("_", "").isalnum()


@given(
    st.text(max_size=30)
    | st.binary(max_size=20).map(lambda text: base64.urlsafe_b64encode(text).decode())
    | st.integers().map(lambda number: base64.b64encode(b"at:%d" % number).decode().rstrip("="))
)
def test_other_cursors_are_none(text):
    """Whatever a caller makes up is no cursor, or is just the one that would be given out."""
    start = start_after(text)

    assert start is None or cursor_at(start - 1) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "YXQ6",
        cursor_at(1) + "=",
        cursor_at(1) + "\n",
        base64.urlsafe_b64encode(b"at:01").decode().rstrip("="),
        base64.urlsafe_b64encode(b"at:-1").decode().rstrip("="),
        base64.urlsafe_b64encode(b"7").decode().rstrip("="),
        base64.urlsafe_b64encode(b"at:" + b"9" * 5000).decode().rstrip("="),
        "é",
    ],
    ids=lambda text: repr(text[:12]),
)
def test_almost_cursors_are_none(text):
    """One place has one cursor."""
    assert start_after(text) is None
