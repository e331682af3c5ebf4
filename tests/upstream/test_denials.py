"""What counts as a body that denies a success."""

from __future__ import annotations

import pytest

from gateway.upstream.denials import beginning_of_json, complete_values, denies

DENIALS = [
    {"success": False},
    {"success": "false"},
    {"success": " False "},
    {"success": 0},
    {"success": "0"},
    {"success": "no"},
    {"success": ""},
    {"Success": False},
    {"ok": False},
    {"error": "No"},
    {"error": True},
    {"error": 1},
    {"error": {"message": "No"}},
    {"error": ["No"]},
    {"ERROR": "No"},
    {"errors": {"email": ["taken"]}},
    {"errors": ["No"]},
    {"errors": "No"},
    {"status": "error"},
    {"status": "Error"},
    {"status": "fail"},
    {"status": "FAILED"},
    {"status": "rejected"},
    {"status": 400},
    {"status": "409"},
    {"statusCode": 500},
    {"success": True, "error": "No"},
    {"status": False, "message": "No"},
    {"status": "false"},
    {"status": "duplicate"},
    {"status": "404 Not Found"},
    {"status": "NOK"},
    {"status": {"code": 400}},
    {"code": 400},
    {"result": False},
    {"result": "error"},
    {"type": "error"},
    {"is_success": False},
    {"is-success": False},
    {"Status-Code": 400},
    {"invited": False},
    {"isError": True},
    {"failed": True},
    {"error_message": "No"},
    {"errorMessage": "Task timed out"},
    {"error-code": 17},
    {"exception": "No"},
    {"fault": {"faultstring": "No"}},
    {"data": {"success": False}},
    {"results": [{"error": "No"}]},
    {"invite_status": "failed"},
    {"invite_status": "not_sent"},
    {"invite_status": "Bounced"},
    {"message": "Applicant already exists"},
    {"message": "The invite couldn't be sent"},
    {"msg": "Invite limit reached"},
    {"detail": "Not found."},
    {"reason": "Duplicate candidate"},
]
AGREEMENTS = [
    {},
    {"success": True},
    {"success": "true"},
    {"success": None},
    {"success": 1},
    {"error": None},
    {"error": ""},
    {"error": " "},
    {"error": False},
    {"errors": []},
    {"errors": {}},
    {"error": 0},
    {"status": "success"},
    {"status": "pending"},
    {"status": 200},
    {"status": "201"},
    {"status": True},
    {"status": None},
    {"status": ["error"]},
    {"message": "Invited"},
    {"message": "Candidate invited successfully"},
    {"message": "Notes and errands"},
    {"message": None},
    {"name": "Not Already"},
    {"name": "Error"},
    {"archived": False},
    {"error": "none"},
    {"error_code": "0"},
    {"isError": False},
    {"code": 4821},
    {"flags": [False]},
    {"data": {"success": True}},
    {"invite_status": "not_started"},
]


@pytest.mark.parametrize("said", DENIALS, ids=str)
def test_a_denial_is_seen_wherever_it_stands(said):
    """Alone, beside other fields, in a list, in an object."""
    assert denies(said)
    assert denies({"application_id": 7, **said})
    assert denies([said])
    assert denies({"data": {"reply": said}})


@pytest.mark.parametrize("said", AGREEMENTS, ids=str)
def test_other_fields_deny_nothing(said):
    """Empty errors, good statuses, numbers that are no status."""
    assert not denies(said)
    assert not denies([said])


@pytest.mark.parametrize("wrap", [lambda one: [one], lambda one: {"data": one}], ids=["list", "{}"])
@pytest.mark.parametrize(("levels", "seen"), [(4, True), (5, False)])
def test_four_levels_are_followed(wrap, levels, seen):
    """A denial is looked for as deep as platforms nest one."""
    nested: object = {"success": False}
    for _ in range(levels):
        nested = wrap(nested)

    assert denies(nested) is seen


def test_the_depth_is_bounded():
    """A body nested too deeply is not followed to its end."""
    nested: object = {"success": False}
    for _ in range(50):
        nested = [nested]

    assert not denies(nested)


@pytest.mark.parametrize(
    ("cut", "read"),
    [
        (b'{"success": false, "error": "Appl', {"success": False, "error": "Appl"}),
        (b'{"success": fal', {}),
        (b"Service unavail", None),
        (b"", None),
        (b"[" * 100_000, None),
        (b"\xff\xfe{", None),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a_cut_body_is_read_as_far_as_it_goes(cut, read):
    """Anything else reads as nothing, and nothing raises."""
    assert beginning_of_json(cut) == read


@pytest.mark.parametrize(
    ("cut", "read"),
    [
        (b'{"email": "ada@example.com", "na', {"email": "ada@example.com"}),
        (b'{"email": "ada@example.com"', {"email": "ada@example.com"}),
        (b'{"email": "ada@exam', {}),
        (b'{"email": "ada\\', {}),
        (b'{"track_id": 65', {}),
        (b'{"track_id": 1234567890', {}),
        (b'{"track_id": 65,', {"track_id": 65}),
        (b'\xef\xbb\xbf{"track_id": 65, "x": {"y": 1', {"track_id": 65, "x": {}}),
        (b"Service unavail", None),
        (b"", None),
    ],
    ids=repr,
)
def test_only_complete_values_identify_an_invite(cut, read):
    """Half an address is another address, and half a number another number."""
    assert complete_values(cut) == read
