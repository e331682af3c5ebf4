"""What the upstream tells of applications, as typed facts.

Source: the upstream's public documentation of `GET /tracks/<id>/applicants` and
`GET /tracks/<id>/applicants/<id>`, which promises none of the fields: each may be None.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from http import HTTPStatus
from typing import Any, TypeAlias, TypeVar

import orjson

from gateway.upstream.wire import Reply, id_of, json_of, text_of

Json: TypeAlias = Any
"""Whatever JSON can say, in a form that can be written as JSON again."""
_Item = TypeVar("_Item")
_Object: TypeAlias = Mapping[str, object]

LONGEST_REFERENCE = 255
# orjson writes 254 levels, some of which are the answer's own.
_LEVELS_AROUND_JSON = 40


@dataclass(frozen=True, slots=True)
class Stage:
    """A step of a track; `color` is told of an application's current stage alone."""

    stage_id: str | None = None
    name: str | None = None
    type: str | None = None
    color: str | None = None


@dataclass(frozen=True, slots=True)
class Application:
    """What both reads tell of one application; ids are text, dates the upstream's own words."""

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
    """One answer of the candidate's."""

    label: str | None
    value: Json


@dataclass(frozen=True, slots=True)
class ApplicationDetails:
    """One application, and what only the read of one tells; `size` is that answer's bytes."""

    application: Application
    size: int
    track_title: str | None = None
    stages: tuple[Stage, ...] | None = None
    submitted_responses: tuple[SubmittedResponse, ...] | None = None
    stage_wise_report: Json = None
    parsed_resume: Json = None


@dataclass(frozen=True, slots=True)
class ApplicationPage:
    """One page of a track's list; `size` is the answer's bytes."""

    applications: tuple[Application, ...]
    has_next: bool
    total: int | None
    size: int


def read_application_page(reply: Reply, *, page: int, per_page: int) -> ApplicationPage | None:
    """The page that was asked for, or None unless the whole of it is readable.

    A page without one of its entries, or of another place than it is taken for, would hide
    somebody.
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
        # Some answer with their last page where a later one is asked for.
        return None if has_next else ApplicationPage((), has_next=False, total=total, size=0)
    entries = _all(data, _entry)
    if entries is None or len(entries) > per_page or (has_next and not entries):
        return None
    return ApplicationPage(entries, has_next, total, len(reply.body))


def read_application(
    reply: Reply, *, track_id: int, application_id: int
) -> ApplicationDetails | None:
    """The application that was asked for, or None if the answer is not readably about it."""
    body = object_of(reply)
    applicant, stage = body.get("applicant"), body.get("current_stage")
    if not isinstance(applicant, dict) or not (
        _is_or_untold(applicant.get("application_id"), application_id)
        and _is_or_untold(body.get("track_id"), track_id)
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
    """The body of a whole 200; empty if it is no object, or says that it is a failure."""
    body = json_of(reply) if reply.status == HTTPStatus.OK and reply.body_complete else None
    if not isinstance(body, dict) or body.get("success") is False or text_of(body.get("error")):
        return {}
    return body


def _entry(entry: object) -> Application | None:
    if not isinstance(entry, dict):
        return None
    application_id = id_of(entry.get("application_id"))
    if application_id is None:
        return None
    stage = Stage(
        _reference(entry.get("stage_id")),
        text_of(entry.get("stage_name")),
        text_of(entry.get("stage_type")),
    )
    return _application(application_id, entry, None if stage == Stage() else stage)


def _application(application_id: str, told: _Object, stage: Stage | None) -> Application:
    return Application(
        application_id,
        candidate_id=_reference(told.get("candidate_id")),
        name=text_of(told.get("name")),
        email=text_of(told.get("email")),
        stage_status=text_of(told.get("stage_status")),
        score=_number(told.get("score")),
        date_added=text_of(told.get("date_added")),
        last_updated_at=text_of(told.get("last_updated_at")),
        current_stage=stage,
    )


def _stage(told: object) -> Stage | None:
    if not isinstance(told, dict):
        return None
    return Stage(
        _reference(told.get("stage_id")),
        text_of(told.get("name")),
        text_of(told.get("type")),
        _reference(told.get("color")),
    )


def _response(told: object) -> SubmittedResponse | None:
    if not isinstance(told, dict):
        return None
    return SubmittedResponse(text_of(told.get("label")), told.get("value"))


def _all(told: object, read: Callable[[object], _Item | None]) -> tuple[_Item, ...] | None:
    """All items of a list, or None if that is none or one of them cannot be read."""
    if not isinstance(told, list):
        return None
    items = [read(one) for one in told]
    return None if None in items else tuple(item for item in items if item is not None)


def _is_or_untold(told: object, asked: int) -> bool:
    return told is None or id_of(told) == str(asked)


def _reference(told: object) -> str | None:
    """A number or a word, such as an id of a kind that is not documented."""
    text = str(told) if isinstance(told, int) and not isinstance(told, bool) else told
    if isinstance(text, str) and is_reference(text):
        return text
    return None


def is_reference(text: str) -> bool:
    return 0 < len(text) <= LONGEST_REFERENCE and text.isascii() and text.isprintable()


def _number(told: object) -> float | None:
    if not isinstance(told, int | float) or isinstance(told, bool):
        return None
    try:
        number = float(told)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def count_of(told: object) -> int | None:
    """The number if it is one that things can be counted with."""
    is_count = isinstance(told, int) and not isinstance(told, bool) and told >= 0
    return told if is_count else None  # type: ignore[return-value]


def _json(told: object) -> Json:
    """The value, without what JSON cannot say; None if it is nested too deeply to be passed on."""
    if _can_be_written(told):
        return told
    try:
        # Lone surrogates, and integers beyond 64 bits.
        value = orjson.loads(json.dumps(told, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return value if _can_be_written(value) else None


def _can_be_written(value: object) -> bool:
    try:
        orjson.dumps(reduce(lambda inner, _: [inner], range(_LEVELS_AROUND_JSON), value))
    except TypeError:
        return False
    return True
