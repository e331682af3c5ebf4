"""What is read of the upstream's answers about applications, and what is left alone."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.upstream.applications import (
    Application,
    ApplicationDetails,
    ApplicationPage,
    Stage,
    SubmittedResponse,
    read_application,
    read_application_page,
)
from gateway.upstream.wire import Reply
from tests.fakes.applications import TRACK, answered, details, entry, listed


def read_page(reply: Reply, *, page: int = 1, per_page: int = 25) -> ApplicationPage | None:
    return read_application_page(reply, page=page, per_page=per_page)


def read_one(reply: Reply) -> ApplicationDetails | None:
    return read_application(reply, track_id=TRACK, application_id=7)


def the_entry(**changed: object) -> Application:
    """How an entry is read in which this has changed."""
    page = read_page(answered(listed(entry(7, **changed))))
    assert page is not None
    return page.applications[0]


def the_details(**changed: object) -> ApplicationDetails:
    found = read_one(answered(details(**changed)))
    assert found is not None
    return found


def test_reads_a_page():
    """All that the list tells of an application is read."""
    reply = answered(listed(entry(7), has_next=True, total=40, page=2, per_page=1))

    assert read_page(reply, page=2, per_page=1) == ApplicationPage(
        (
            Application(
                "7",
                candidate_id="70007",
                name="Candidate 7",
                email="c7@example.com",
                stage_status="pending",
                score=71.5,
                date_added="2026-11-20",
                last_updated_at="2026-11-23",
                current_stage=Stage("3", "Interview", "interview"),
            ),
        ),
        has_next=True,
        total=40,
        size=len(reply.body),
    )


def test_reads_one_application():
    """All that the read of one tells is read."""
    reply = answered(details())

    assert read_one(reply) == ApplicationDetails(
        Application(
            "7",
            candidate_id="70007",
            name="Candidate 7",
            email="c7@example.com",
            score=71.5,
            date_added="2026-11-20",
            last_updated_at="2026-11-23",
            current_stage=Stage("3", "Interview", "t", "#123456"),
        ),
        size=len(reply.body),
        track_title="Backend",
        stages=(Stage("3", "Interview", "t"),),
        submitted_responses=(SubmittedResponse("Why?", "Because."),),
        stage_wise_report={"3": {"passed": True}},
        parsed_resume={"skills": ["COBOL"]},
    )


def test_stage_of_one_application_has_its_status():
    """As an entry of the list has."""
    found = the_details(applicant={"application_id": 7, "stage_status": "pending"})

    assert found.application.stage_status == "pending"


def test_nothing_but_the_id_is_needed():
    """What is left out is None, and no reason to hide the application."""
    page = read_page(answered(listed({"application_id": "9007199254740993"})))
    one = read_one(answered({"applicant": {}}))

    assert page is not None
    assert page.applications == (Application("9007199254740993"),)
    assert page.total is None
    assert one is not None
    assert one.application == Application("7")
    assert (one.stages, one.submitted_responses) == (None, None)
    assert (one.track_title, one.stage_wise_report, one.parsed_resume) == (None, None, None)


@pytest.mark.parametrize(
    "body",
    [
        listed("7"),
        listed({"email": "a@example.com"}),
        listed(entry(7), entry(0)),
        listed(entry(7), entry(7, application_id=7.0)),
        listed(entry(7), entry(7, application_id=True)),
        listed(entry(7), entry(7, application_id=2**63)),
        listed(entry(7), entry(7, application_id="x")),
        listed(entry(7), None),
        {"data": {"7": entry(7)}, "pagination": {"has_next": False}},
        {"data": [entry(7)]},
        {"data": [entry(7)], "pagination": {}},
        {"data": [entry(7)], "pagination": {"has_next": "no"}},
        {"data": [entry(7)], "pagination": []},
        {"success": False, "error": "no"},
        [entry(7)],
        None,
    ],
    ids=lambda body: json.dumps(body)[-60:],
)
def test_page_that_hides_somebody_is_none(body):
    """A page is told as a whole or not at all."""
    assert read_page(answered(body)) is None


@pytest.mark.parametrize(
    "body",
    [
        listed(entry(1), per_page=10),
        listed(entry(1), entry(2), has_next=True, page=7),
        listed(*map(entry, range(1, 28))),
        listed(has_next=True),
    ],
    ids=["other size", "other page", "too long", "endless"],
)
def test_page_of_another_place_is_none(body):
    """Where entries stand somewhere else than they are taken for, some would never be shown."""
    assert read_page(answered(body)) is None


def test_track_without_applicants_has_an_empty_page():
    """That is an answer, not a failure."""
    reply = answered(listed(total=0))

    assert read_page(reply) == ApplicationPage((), False, 0, len(reply.body))


def test_page_behind_the_last_is_empty():
    """An upstream that answers with its last page instead is understood."""
    reply = answered(listed(entry(1), page=2, total=26))

    assert read_page(reply, page=3) == ApplicationPage((), has_next=False, total=26, size=0)


@pytest.mark.parametrize(
    "reply",
    [
        answered(listed(entry(7)), 201),
        answered(listed(entry(7)), 206),
        answered(listed(entry(7)), body_complete=False),
        Reply(200, b"<!doctype html><p>It works!"),
        Reply(200, b""),
        Reply(200, json.dumps(listed(entry(7))).encode()[:-9]),
        Reply(204),
    ],
    ids=["201", "206", "cut", "HTML", "empty", "truncated", "204"],
)
def test_other_answers_are_no_page(reply):
    """Only a whole 200 tells a page, or an application."""
    assert read_page(reply) is None
    assert read_one(reply) is None


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"applicant": None},
        {"applicant": []},
        {"applicant": "7"},
        details(8),
        details(applicant={"application_id": "seven"}),
        details(track_id=1),
        {"success": False, "error": "no"},
        [details()],
    ],
    ids=lambda body: json.dumps(body)[:40],
)
def test_application_of_somebody_else_is_none(body):
    """What is not about the application that was asked for is not told for it."""
    assert read_one(answered(body)) is None


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (71.5, 71.5),
        (0, 0.0),
        (-1, -1.0),
        (2**70, float(2**70)),
        ("71.5", None),
        (True, None),
        (None, None),
        ([71], None),
    ],
)
def test_scores_are_numbers(told, expected):
    """A score that is none is not told; one that is zero is."""
    assert the_entry(score=told).score == expected
    assert type(the_entry(score=told).score) is type(expected)


@pytest.mark.parametrize("number", ["1e400", "-1e400", "NaN", "Infinity", "1" + "0" * 400])
def test_scores_are_finite(number):
    """What JSON cannot say is not passed on."""
    body = json.dumps(listed(entry(7, score="SCORE"))).replace('"SCORE"', number)

    page = read_page(Reply(200, body.encode()))

    assert page is not None
    assert page.applications[0].score is None


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (0, "0"),
        (-4, "-4"),
        (2**63, str(2**63)),
        ("screening-1", "screening-1"),
        ("", None),
        ("é", None),
        ("a\n", None),
        ("a" * 255, "a" * 255),
        ("a" * 256, None),
        (1.5, None),
        (True, None),
        ({}, None),
    ],
    ids=repr,
)
def test_other_ids_are_numbers_or_words(told, expected):
    """Nobody knows what kind they are, so they are told as they can be sent again."""
    application = the_entry(candidate_id=told, stage_id=told)

    assert application.candidate_id == expected
    assert application.current_stage is not None
    assert application.current_stage.stage_id == expected


@pytest.mark.parametrize("told", [3, ["Ada"], {"first": "Ada"}, "", "  ", None], ids=repr)
def test_texts_are_texts(told):
    """A text that is none, or blank, is not told."""
    application = the_entry(
        name=told, email=told, stage_status=told, date_added=told, last_updated_at=told
    )

    assert (application.name, application.email, application.stage_status) == (None,) * 3
    assert (application.date_added, application.last_updated_at) == (None,) * 2


def test_stage_without_facts_is_none():
    """An entry that tells nothing of a stage has none."""
    assert the_entry(stage_id=None, stage_name=None, stage_type=None).current_stage is None


@pytest.mark.parametrize("told", [None, "all", {}, [1], [{}, None]], ids=repr)
def test_lists_are_told_as_a_whole(told):
    """Half a list of stages or answers would be taken for all of it."""
    found = the_details(stages=told, submitted_response=told)

    assert found.stages is None
    assert found.submitted_responses is None


@pytest.mark.parametrize("total", [-1, "12", 1.5, True, None], ids=repr)
def test_strange_totals_are_not_told(total):
    """A total that cannot be one is left out; the page is as good as before."""
    page = read_page(answered(listed(entry(7), total=total)))

    assert page is not None
    assert page.total is None


def test_broken_characters_are_replaced():
    """Lone surrogates could not be answered in UTF-8."""
    body = json.dumps(details(track_title="TITLE", parsed_resume={"TITLE": ["TITLE", 2**70]}))

    found = read_one(Reply(200, body.replace("TITLE", "a\\ud800b").encode()))

    assert found is not None
    assert found.track_title == "a\ufffdb"
    assert found.parsed_resume == {"a?b": ["a?b", float(2**70)]}


@pytest.mark.parametrize("levels", [1, 200, 250, 500, 900])
def test_deep_json_is_told_if_it_can_be_answered(levels):
    """What is nested more deeply than an answer can be is left out, and breaks nothing."""
    deep: Any = []
    for _ in range(levels - 1):
        deep = [deep]

    found = the_details(parsed_resume=deep)

    assert found.parsed_resume == (deep if levels <= 200 else None)
    assert found.track_title == "Backend"


@pytest.mark.parametrize("denial", [{"success": False}, {"error": "no"}], ids=str)
def test_answer_that_denies_itself_is_none(denial):
    """A body that tells of an error is none to believe, whatever else is in it."""
    assert read_page(answered(listed(entry(7)) | denial)) is None
    assert read_one(answered(details() | denial)) is None
    assert read_page(answered(listed(entry(7)) | {"success": True, "error": None})) is not None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


def mangled(whole: dict[str, object]) -> st.SearchStrategy[Any]:
    """The answer with any of its fields replaced or left out."""
    return st.fixed_dictionaries(
        {}, optional={k: st.just(v) | json_values for k, v in whole.items()}
    )


ENTRIES = st.lists(mangled(entry(7)), max_size=3)
PAGES = st.fixed_dictionaries(
    {"data": ENTRIES | json_values},
    optional={"pagination": mangled({"has_next": False, "page": 1, "per_page": 25, "total": 3})},
)


@given(PAGES | mangled(details()) | json_values)
def test_any_answer_is_read_or_not(body):
    """Whatever comes, nothing is raised, and what is read can be written."""
    reply = Reply(200, json.dumps(body).encode("utf-8", "surrogatepass"))

    page, one = read_page(reply), read_one(reply)

    orjson.dumps([page, one])


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_not(body):
    """Not even what is no JSON."""
    assert read_page(Reply(200, body)) is None
    assert read_one(Reply(200, body)) is None
