"""Queries that name a candidate come by POST alone."""

from __future__ import annotations

import pytest

from gateway.graphql.candidates_in_urls import names_candidate
from gateway.graphql.documents import DocumentReader
from gateway.graphql.schema import executable_schema
from gateway.settings.limits import Limits

READER = DocumentReader(executable_schema(), Limits(), introspection=False)
ONE = "query($t:ID!){application(trackId:$t,applicationId:1){name}}"
BY_VARIABLE = "query($f:ApplicationFilter){applications(trackId:1,filter:$f){totalCount}}"
BY_FIELD = "query($n:String){applications(trackId:1,filter:{name:$n stageId:2}){totalCount}}"
BY_DEFAULT = (
    'query($f:ApplicationFilter={email:"ada"}){applications(trackId:1,filter:$f){totalCount}}'
)
FRAGMENT = (
    'query{...A} fragment A on Query{x:applications(trackId:1,filter:{name:"ada"}){totalCount}}'
)
CHECK = (
    'query{gateway{version} ...on Query{c:checkInvite(input:{candidateName:"",candidateEmail:"",'
    "trackId:1}){canBeSent}}}"
)


def named(text: str, **variables: object) -> bool:
    document = READER.read(text)
    return names_candidate(document, document.operation(None), variables or None)


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        (BY_VARIABLE, {"f": {"name": "Ada"}}),
        (BY_VARIABLE, {"f": {"name": "", "email": "ada@"}}),
        (BY_FIELD, {"n": "Ada"}),
        (BY_DEFAULT, {}),
        (FRAGMENT, {}),
        (CHECK, {}),
    ],
    ids=["variable", "email", "field", "default", "fragment", "check"],
)
def test_candidate_is_found(text, variables):
    """Wherever the name or address stands."""
    assert named(text, **variables)


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("{gateway{version}}", {}),
        (ONE, {"t": 1}),
        (BY_VARIABLE, {}),
        (BY_VARIABLE, {"f": None}),
        (BY_VARIABLE, {"f": {"name": "", "email": None, "stageId": "2"}}),
        (BY_VARIABLE, {"f": ["no filter"]}),
        (BY_FIELD, {}),
        (BY_DEFAULT, {"f": {"stageId": "2"}}),
        ('{applications(trackId:1,filter:{name:null fromDate:"2026-11-23"}){totalCount}}', {}),
        ('{applications(trackId:1,filter:{name:"" email:""}){totalCount}}', {}),
        ("{applications(trackId:1,filter:null){totalCount}}", {}),
        ("{track(trackId:1){title}}", {}),
    ],
)
def test_other_queries_name_nobody(text, variables):
    """Ids, stages and days are no candidates."""
    assert not named(text, **variables)


def test_values_are_those_of_the_document_itself():
    """Not those of the one that it shares its plan with."""
    empty = BY_DEFAULT.replace('"ada"', '""')
    origin = READER.read(empty)
    shape = READER.shape(BY_DEFAULT)
    assert shape is not None
    document = origin.of_same_shape(BY_DEFAULT, shape)

    assert not names_candidate(origin, origin.operation(None), None)
    assert names_candidate(document, document.operation(None), None)
