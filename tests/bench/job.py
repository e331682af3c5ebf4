"""What contenders do: a mutation in, one POST out, six fields back; and lists of both kinds."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
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


CANDIDATES = 100
BULK_DOCUMENT = """\
mutation Invites($input: InviteCandidatesInput!) {
  inviteCandidates(input: $input) {
    results {
      __typename
      ... on InviteCandidateSuccess {
        invite { applicationId email inviteLink inviteStatus name trackId }
      }
      ... on InviteError { code message }
    }
  }
}
"""
LIST_DOCUMENT = """\
query Applications($track: ID!) {
  applications(trackId: $track, first: 200) {
    totalCount
    pageInfo { hasNextPage }
    nodes {
      applicationId
      candidateId
      name
      email
      stageStatus
      score
      dateAdded
      lastUpdatedAt
      currentStage { name }
    }
  }
}
"""
LISTED = [
    {
        "application_id": 120_000 + n,
        "candidate_id": 70_000 + n,
        "name": f"Candidate Number {n}",
        "email": f"candidate-{n}@example.com",
        "stage_id": n % 5,
        "stage_name": f"Interview {n % 5}",
        "stage_type": "interview",
        "stage_status": "pending",
        "score": 71.5,
        "date_added": "2026-11-20T10:00:00",
        "last_updated_at": "2026-11-23T10:00:00",
    }
    for n in range(1, 201)
]
LIST_ANSWER = json.dumps(
    {
        "data": LISTED,
        "pagination": {"page": 1, "per_page": 200, "total": 200, "has_next": False},
    },
    separators=(",", ":"),
)
EXPECTED_LIST = {
    "totalCount": 200,
    "pageInfo": {"hasNextPage": False},
    "nodes": [
        {
            "applicationId": str(one["application_id"]),
            "candidateId": str(one["candidate_id"]),
            "name": one["name"],
            "email": one["email"],
            "stageStatus": one["stage_status"],
            "score": one["score"],
            "dateAdded": one["date_added"],
            "lastUpdatedAt": one["last_updated_at"],
            "currentStage": {"name": one["stage_name"]},
        }
        for one in LISTED
    ],
}


class WrongAnswerError(Exception):
    """A contender answered with anything but the invite."""


class Work(Enum):
    """What a load asks for; KEY_MARK stands where requests differ."""

    INVITE = "an invite whose document was seen before"
    COMMENT = "another comment in each document"
    INLINE = "values written into the document"
    NEW = "a document that is new each time"
    LIST = "a list of 200 applications, nine fields of each"
    BULK = "a list of 100 candidates"

    @property
    def units(self) -> int:
        """How many invites or lists a request is for, and costs calls of the upstream."""
        return CANDIDATES if self is Work.BULK else 1


@dataclass(frozen=True, slots=True)
class Job:
    """A request body, and what makes its answer right.

    `inline` is the document with its values in it.
    """

    document: str
    input: dict[str, Any]
    union: bool
    inline: str = ""

    def body(self, work: Work = Work.INVITE, *, keyed: bool = False) -> str:
        """The JSON request, with KEY_MARK where a fresh key, comment, name or value belongs."""
        chosen = {**self.input, "idempotencyKey": KEY_MARK} if keyed else self.input
        document = self.document
        values: dict[str, Any] = {"input": chosen}
        match work:
            case Work.COMMENT:
                document = f"# {KEY_MARK}\n{document}"
            case Work.NEW:
                document = document.replace("mutation Invite", f"mutation Invite_{KEY_MARK}")
            case Work.INLINE:
                document, values = self.inline, {}
            case Work.LIST:
                document, values = LIST_DOCUMENT, {"track": "6578"}
            case Work.BULK:
                document, values = BULK_DOCUMENT, {"input": _candidates(keyed=keyed)}
        return json.dumps({"query": document, "variables": values})

    def check(self, status: int, answer: bytes, work: Work = Work.INVITE) -> None:
        """Raises WrongAnswerError unless the answer is a success with all that the stub told."""
        try:
            data = json.loads(answer)["data"]
            if work is Work.LIST:
                right = data["applications"] == EXPECTED_LIST
            elif work is Work.BULK:
                results = data["inviteCandidates"]["results"]
                right = len(results) == CANDIDATES
                right = right and all(_is_the_invite(one["invite"]) for one in results)
            else:
                found = data["inviteCandidate"]
                right = _is_the_invite(found["invite"] if self.union else found)
        except (ValueError, KeyError, TypeError):
            right = False
        if status != 200 or not right:
            raise WrongAnswerError(f"status {status}: {answer[:500]!r}")


def plain_document(input_type: str) -> str:
    """The mutation for a schema without the union, whose input type has the given name."""
    return (
        f"mutation Invite($input: {input_type}) {{ inviteCandidate(input: $input)"
        " { application_id email invite_link invite_status name track_id } }"
    )


def inline(document: str, values: Mapping[str, object]) -> str:
    """The document with the values of its input in it; enum values are written as such."""
    written = ", ".join(
        f"{name}: {value if value == 'GET_LINK' else json.dumps(value)}"
        for name, value in values.items()
    )
    without = re.sub(r"\(\$input: [^)]*\)", "", document, count=1)
    return without.replace("(input: $input)", "(input: {" + written + "})")


def plain_job(input_type: str) -> Job:
    document = plain_document(input_type)
    differing = PLAIN_INPUT | {"candidate_name": f"Ada {KEY_MARK}"}
    return Job(document, PLAIN_INPUT, union=False, inline=inline(document, differing))


def _candidates(*, keyed: bool) -> dict[str, Any]:
    candidates = [
        {"candidateName": "Ada Lovelace", "candidateEmail": f"ada{n}@example.com"}
        | ({"idempotencyKey": f"{KEY_MARK}-{n}"} if keyed else {})
        for n in range(CANDIDATES)
    ]
    return {"trackId": "6578", "inviteFormat": "GET_LINK", "candidates": candidates}


CONTRACT_JOB = Job(
    CONTRACT_DOCUMENT,
    CONTRACT_INPUT,
    union=True,
    inline=inline(CONTRACT_DOCUMENT, CONTRACT_INPUT | {"candidateName": f"Ada {KEY_MARK}"}),
)


def _is_the_invite(found: object) -> bool:
    if not isinstance(found, dict):
        return False
    plain = {name.replace("_", "").lower(): str(value) for name, value in INVITE.items()}
    return plain == {name.replace("_", "").lower(): str(value) for name, value in found.items()}
