"""What the platform's replies say about applications, as typed facts.

Source: the platform's public documentation of `GET /tracks/<id>/applicants` and
`GET /tracks/<id>/applicants/<id>`, which promises none of the fields: each may be None.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from http import HTTPStatus
from typing import Any, TypeAlias, TypeVar, cast

import orjson

from gateway.upstream.columns import (
    column,
    ids,
    number_of,
    numbers,
    reference_of,
    references,
    texts,
)
from gateway.upstream.wire import Reply, id_of, json_of, text_of

Json: TypeAlias = Any
"""Any JSON value that can be written as JSON again."""
_Item = TypeVar("_Item")
_Object: TypeAlias = Mapping[str, object]

# orjson writes at most 254 levels, and the response around the value takes some of them.
_LEVELS_AROUND_JSON = 40


@dataclass(frozen=True, slots=True)
class Stage:
    """A step of a track; only an application's current stage has a `color`."""

    stage_id: str | None = None
    name: str | None = None
    type: str | None = None
    color: str | None = None


@dataclass(slots=True)
class Application:
    """The fields that a list and a single read share; dates are as the platform writes them."""

    application_id: str
    candidate_id: str | None = None
    name: str | None = None
    email: str | None = None
    stage_status: str | None = None
    score: float | None = None
    date_added: str | None = None
    last_updated_at: str | None = None
    current_stage: Stage | None = None


@dataclass(frozen=True, slots=True)
class SubmittedResponse:
    """One of the candidate's answers to the track's questions."""

    label: str | None
    value: Json


@dataclass(frozen=True, slots=True)
class ApplicationDetails:
    """One application with all its details; `size` is the reply's length in bytes."""

    application: Application
    size: int
    track_title: str | None = None
    stages: tuple[Stage, ...] | None = None
    submitted_responses: tuple[SubmittedResponse, ...] | None = None
    stage_wise_report: Json = None
    parsed_resume: Json = None


@dataclass(frozen=True, slots=True)
class ApplicationPage:
    """One page of a track's list; `size` is the reply's length in bytes."""

    applications: tuple[Application, ...]
    has_next: bool
    total: int | None
    size: int


def read_application_page(reply: Reply, *, page: int, per_page: int) -> ApplicationPage | None:
    """The requested page, or None unless all of it is readable.

    A page with an entry missing, or a different page, would hide an applicant.
    """
    body = object_of(reply)
    data, pagination = body.get("data"), body.get("pagination")
    if not isinstance(data, list) or not isinstance(pagination, dict):
        return None
    has_next, total = pagination.get("has_next"), count_of(pagination.get("total"))
    if not isinstance(has_next, bool) or count_of(pagination.get("per_page")) not in (
        None,
        per_page,
    ):
        return None
    if count_of(pagination.get("page")) not in (None, page):
        # Some servers reply with their last page when a later one is requested.
        return None if has_next else ApplicationPage((), has_next=False, total=total, size=0)
    entries = _entries(data)
    if entries is None or len(entries) > per_page or (has_next and not entries):
        return None
    return ApplicationPage(entries, has_next, total, len(reply.body))


def read_application(
    reply: Reply, *, track_id: int, application_id: int
) -> ApplicationDetails | None:
    """The requested application, or None if the reply is not about it or cannot be read."""
    body = object_of(reply)
    applicant, stage = body.get("applicant"), body.get("current_stage")
    if not isinstance(applicant, dict) or not (
        _is_or_absent(applicant.get("application_id"), application_id)
        and _is_or_absent(body.get("track_id"), track_id)
    ):
        return None
    return ApplicationDetails(
        _application(str(application_id), applicant, _stage(stage)),
        len(reply.body),
        track_title=text_of(body.get("track_title")),
        stages=_all(body.get("stages"), _stage),
        submitted_responses=_all(_json(body.get("submitted_response")), _response),
        stage_wise_report=_json(body.get("stage_wise_report")),
        parsed_resume=_json(body.get("parsed_resume")),
    )


def object_of(reply: Reply) -> _Object:
    """The body of a complete 200; empty if it is not an object, or reports a failure."""
    body = json_of(reply) if reply.status == HTTPStatus.OK and reply.body_complete else None
    if not isinstance(body, dict) or body.get("success") is False or text_of(body.get("error")):
        return {}
    return body


def _entries(data: list[Any]) -> tuple[Application, ...] | None:
    """All entries of a page, or None if one of them cannot be read."""
    if not all(isinstance(entry, dict) for entry in data):
        return None
    application_ids = ids(column(data, "application_id"))
    if None in application_ids:
        return None
    stages = zip(
        references(column(data, "stage_id")),
        texts(column(data, "stage_name")),
        texts(column(data, "stage_type")),
        strict=True,
    )
    return tuple(
        map(
            Application,
            cast("list[str]", application_ids),
            references(column(data, "candidate_id")),
            texts(column(data, "name")),
            texts(column(data, "email")),
            texts(column(data, "stage_status")),
            numbers(column(data, "score")),
            texts(column(data, "date_added")),
            texts(column(data, "last_updated_at")),
            _stages(stages),
        )
    )


def _stages(parts: Iterable[tuple[str | None, str | None, str | None]]) -> list[Stage | None]:
    """The stage of each entry; equal ones are one object, as a page has few different stages."""
    made: dict[tuple[str | None, ...], Stage | None] = {(None, None, None): None}
    stages = []
    for one in parts:
        if one not in made:
            made[one] = Stage(*one)
        stages.append(made[one])
    return stages


def _application(application_id: str, given: _Object, stage: Stage | None) -> Application:
    return Application(
        application_id,
        candidate_id=reference_of(given.get("candidate_id")),
        name=text_of(given.get("name")),
        email=text_of(given.get("email")),
        stage_status=text_of(given.get("stage_status")),
        score=number_of(given.get("score")),
        date_added=text_of(given.get("date_added")),
        last_updated_at=text_of(given.get("last_updated_at")),
        current_stage=stage,
    )


def _stage(given: object) -> Stage | None:
    if not isinstance(given, dict):
        return None
    return Stage(
        reference_of(given.get("stage_id")),
        text_of(given.get("name")),
        text_of(given.get("type")),
        reference_of(given.get("color")),
    )


def _response(given: object) -> SubmittedResponse | None:
    if not isinstance(given, dict):
        return None
    return SubmittedResponse(text_of(given.get("label")), given.get("value"))


def _all(given: object, read: Callable[[object], _Item | None]) -> tuple[_Item, ...] | None:
    """All items of a list, or None if it is not a list or an item cannot be read."""
    if not isinstance(given, list):
        return None
    items = [read(one) for one in given]
    return None if None in items else tuple(item for item in items if item is not None)


def _is_or_absent(given: object, asked: int) -> bool:
    return given is None or id_of(given) == str(asked)


def count_of(given: object) -> int | None:
    """The number if it can be a count."""
    is_count = isinstance(given, int) and not isinstance(given, bool) and given >= 0
    return given if is_count else None  # type: ignore[return-value]


def _json(given: object) -> Json:
    """The value, without what JSON cannot express; None if it is nested too deeply."""
    if _can_be_written(given):
        return given
    try:
        # Lone surrogates, and integers beyond 64 bits.
        value = orjson.loads(json.dumps(given, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return value if _can_be_written(value) else None


def _can_be_written(value: object) -> bool:
    try:
        orjson.dumps(reduce(lambda inner, _: [inner], range(_LEVELS_AROUND_JSON), value))
    except TypeError:
        return False
    return True
