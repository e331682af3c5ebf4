"""The one job that every contender does: a mutation in, one POST out, six fields back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

INVITE = {
    "application_id": 120045,
    "email": "ada@example.com",
    "invite_link": "https://track.example/i/5f2b9c",
    "invite_status": "invited",
    "name": "Ada Lovelace",
    "track_id": 6578,
}
STUB_ANSWER = json.dumps(INVITE, separators=(",", ":"))
KEY_MARK = "KEY-HERE"

CONTRACT_DOCUMENT = """\
mutation Invite($input: InviteCandidateInput!) {
  inviteCandidate(input: $input) {
    __typename
    ... on InviteCandidateSuccess {
      invite {
        applicationId
        email
        inviteLink
        inviteStatus
        name
        trackId
      }
    }
    ... on InviteError {
      code
      message
    }
  }
}
"""
CONTRACT_INPUT = {
    "candidateName": "Ada Lovelace",
    "candidateEmail": "ada@example.com",
    "trackId": "6578",
    "inviteFormat": "GET_LINK",
}
# A gateway that is configured, not written, answers with the upstream's own names and
# knows no union: a little less work than the contract asks of the others.
PLAIN_INPUT = {
    "candidate_name": "Ada Lovelace",
    "candidate_email": "ada@example.com",
    "track_id": 6578,
    "invite_format": "getlink",
}


class WrongAnswerError(Exception):
    """A contender answered with anything but the invite."""


@dataclass(frozen=True, slots=True)
class Job:
    """A request body, and what makes its answer right."""

    document: str
    input: dict[str, Any]
    union: bool

    def body(self, *, keyed: bool = False, unseen: bool = False) -> str:
        """The JSON request, with KEY_MARK where a fresh key, or a fresh comment, belongs."""
        chosen = {**self.input, "idempotencyKey": KEY_MARK} if keyed else self.input
        document = f"# {KEY_MARK}\n{self.document}" if unseen else self.document
        return json.dumps({"query": document, "variables": {"input": chosen}})

    def check(self, status: int, answer: bytes) -> None:
        """Raises WrongAnswerError unless the answer is a success with the stub's invite."""
        try:
            found = json.loads(answer)["data"]["inviteCandidate"]
            invite = found["invite"] if self.union else found
        except (ValueError, KeyError, TypeError):
            invite = None
        if status != 200 or not _is_the_invite(invite):
            raise WrongAnswerError(f"status {status}: {answer[:500]!r}")


def plain_document(input_type: str) -> str:
    """The mutation for a schema without the union, whose input type has the given name."""
    return (
        f"mutation Invite($input: {input_type}) {{ inviteCandidate(input: $input)"
        " { application_id email invite_link invite_status name track_id } }"
    )


CONTRACT_JOB = Job(CONTRACT_DOCUMENT, CONTRACT_INPUT, union=True)


def _is_the_invite(found: object) -> bool:
    if not isinstance(found, dict):
        return False
    plain = {name.replace("_", "").lower(): str(value) for name, value in INVITE.items()}
    return plain == {name.replace("_", "").lower(): str(value) for name, value in found.items()}
