"""Errors help the caller and repeat nothing of what was sent."""

from __future__ import annotations

import pytest
from graphql import GraphQLError

from gateway.graphql.errors import field_error, without_value
from gateway.http.errors import ErrorCode, RequestError
from tests.fakes.endpoint import ADA, INVITE

CANARY = "canary"


@pytest.mark.parametrize(
    ("document", "message", "line"),
    [
        ('{gateway(a: "canary" b}', "Syntax Error: Expected ':', found '}'.", 1),
        ("{gateway\n(canary canary)}", "Syntax Error: Expected ':', found Name.", 2),
        ('"canary"', "Syntax Error: Unexpected <EOF>.", 1),
        ('{a(b: "canary)}', "Syntax Error: Unterminated string.", 1),
        ('{a(b: "\\ucanary")}', "Syntax Error: Invalid Unicode escape sequence.", 1),
        ('{a(b: "\\c")}', "Syntax Error: Invalid character escape sequence.", 1),
        ("{a(b: .123456)}", "Syntax Error: Invalid number, expected digit before '.'.", 1),
        ('{a """canary"""}', "Syntax Error: Expected Name, found BlockString.", 1),
        ("{a(b: 12345x)}", "Syntax Error: Invalid number, expected digit but got: 'x'.", 1),
        (" ", "Syntax Error: Unexpected <EOF>.", 1),
    ],
)
async def test_syntax_error_has_its_place(caller, document, message, line):
    """A syntax error says what was expected and where, and not what stands there."""
    answer = await caller.post(document)

    (error,) = answer.json["errors"]
    assert error["message"] == message
    assert error["locations"][0]["line"] == line
    assert answer.codes == ["GRAPHQL_PARSE_FAILED"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"candidateName": 5}, "at .candidateName: String cannot represent a non string value."),
        ({"candidateName": None}, "at .candidateName: Expected value of non-null type 'String!' not to be null."),
        ({"trackId": 1.5}, "at .trackId: ID cannot represent value."),
        ({"trackId": True}, "at .trackId: ID cannot represent value."),
        ({"trackId": ["canary"]}, "at .trackId: ID cannot represent value."),
        ({"inviteFormat": "canary"}, "at .inviteFormat: Value does not exist in 'InviteFormat' enum."),
        ({"inviteFormat": 12345}, "at .inviteFormat: Enum 'InviteFormat' cannot represent non-string value."),
        ({"naem": "canary"}, ": Expected value of type 'InviteCandidateInput' not to include unknown field 'naem'."),
        ({"canary@example.com": 1}, ": The value does not fit its type."),
        ({"more": [ADA, "canary"]}, "at .more[1]: Expected value of type 'InviteCandidateInput' to be an object."),
    ],
)  # fmt: skip
async def test_variable_error_names_the_field(caller, given, message):
    """A caller learns which variable and field is wrong; the value is not repeated."""
    answer = await caller.post(INVITE, variables={"input": {**ADA, **given}})

    assert answer.message.removeprefix("Variable '$input' has invalid value").strip() == message
    assert answer.codes == ["BAD_USER_INPUT"]
    assert CANARY not in answer.body.decode()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ('"canary"', "Expected value of type 'InviteCandidateInput' to be an object."),
        ("{candidateName: canary}", "String cannot represent a non string value."),
        ('{inviteFormat: "canary"}', "Enum 'InviteFormat' cannot represent non-enum value."),
        ("{inviteFormat: canary}", "Value does not exist in 'InviteFormat' enum."),
        ("{trackId: 1.5}", "ID cannot represent a non-string and non-integer value."),
        ("{trackId: null}", "Expected value of non-null type 'ID!' not to be null."),
    ],
)
async def test_literal_error_names_the_type(caller, value, message):
    """What is written in the document is not repeated either."""
    answer = await caller.post(f"mutation{{inviteCandidate(input:{value}){{name}}}}")

    assert message in [error["message"] for error in answer.json["errors"]]
    assert set(answer.codes) == {"GRAPHQL_VALIDATION_FAILED"}
    assert all(error["locations"] for error in answer.json["errors"])
    assert CANARY not in answer.body.decode()


async def test_null_for_a_variable_with_a_default_is_the_callers_mistake(caller):
    """An argument that becomes null while running is told, not masked."""
    answer = await caller.post(
        'mutation($f:InviteFormat=GET_LINK){inviteCandidate(input:{candidateName:"a",'
        'candidateEmail:"b",trackId:1,inviteFormat:$f}){name}}',
        variables={"f": None},
    )

    assert answer.codes == ["BAD_USER_INPUT"]
    assert answer.message == (
        "Argument 'input' has invalid value at .inviteFormat: Expected variable '$f' provided to"
        " non-null type 'InviteFormat!' not to be null."
    )
    assert answer.json["errors"][0]["path"] == ["inviteCandidate"]


async def test_suggestions_follow_introspection(calling):
    """Where the schema is not told, a misspelling is not answered with its names."""
    told = await calling(introspection=True).post("{gatewai{version}}")
    untold = await calling(introspection=False).post("{gatewai{version}}")

    assert "Did you mean 'gateway'?" in told.message
    assert untold.message == "Cannot query field 'gatewai' on type 'Query'."


async def test_schema_is_not_told(caller):
    """With introspection off, neither `__schema` nor `__type` answers; `__typename` does."""
    for document in ("{__schema{queryType{name}}}", '{__type(name:"Query"){name}}'):
        assert (await caller.post(document)).codes[0] == "GRAPHQL_VALIDATION_FAILED"
    assert (await caller.post("{__typename}")).json == {"data": {"__typename": "Query"}}


async def test_many_errors_are_cut(caller):
    """A document full of mistakes gets a few of them back."""
    wrong = " ".join(f"x{n}:nothing" for n in range(9))

    answer = await caller.post(f"{{{wrong}}}")

    assert len(answer.json["errors"]) == 6
    assert answer.json["errors"][-1]["message"].startswith("Too many validation errors")


def test_deliberate_error_is_kept():
    """A resolver's own error with a code reaches the caller as it is."""
    error = GraphQLError("Try later.", path=["a"], extensions={"code": "OVERLOADED"})

    assert field_error(error) == {
        "message": "Try later.",
        "path": ["a"],
        "extensions": {"code": "OVERLOADED"},
    }


def test_unknown_message_of_the_library_is_masked(caplog):
    """What the executor says of a bug is for the log, though it is no foreign exception."""
    answer = field_error(GraphQLError("Abstract type 'X' was resolved to 'canary'.", path=["a"]))

    assert answer["extensions"]["code"] == ErrorCode.INTERNAL_SERVER_ERROR.value
    assert answer["path"] == ["a"]
    assert CANARY not in str(answer) + caplog.text


@pytest.mark.parametrize(
    "message",
    [
        "canary",
        "Variable '$a' has invalid value: canary",
        "Expected value of type 'A', but encountered error 'canary'; found: canary.",
        "Variable '$a' has invalid default value at .b[0]: canary",
    ],
)
def test_message_of_unknown_shape_tells_nothing(message):
    """A message is told for being known, not for looking harmless."""
    assert CANARY not in without_value(message)


def test_request_error_reads_well():
    """In a log or a test, a request error is its first message."""
    error = RequestError([{"message": "One."}, {"message": "Two."}])

    assert str(error) == "One."
