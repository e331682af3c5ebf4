"""The schema is the contract that clients rely on, and everything in it is described."""

from __future__ import annotations

import pytest
from graphql import (
    build_schema,
    is_introspection_type,
    is_specified_scalar_type,
    lexicographic_sort_schema,
    print_schema,
)

from gateway.graphql.schema import executable_schema, printed_schema
from tests.fakes.texts import ROOT, parts_of

CONTRACT = """
type Query {
  gateway: GatewayInfo!
  application(trackId: ID!, applicationId: ID!): Application
  applications(
    trackId: ID!
    first: Int = 25
    after: String
    filter: ApplicationFilter
  ): ApplicationConnection!
  track(trackId: ID!): Track
  checkInvite(input: InviteCandidateInput!): InviteCheck!
}
type Track { trackId: ID! title: String isActive: Boolean applicationCount: Int }
type InviteCheck {
  canBeSent: Boolean!
  issues: [InputIssue!]!
  candidateName: String
  candidateEmail: String
  track: Track
}
type Application {
  applicationId: ID!
  trackId: ID!
  candidateId: ID
  name: String
  email: String
  stageStatus: String
  score: Float
  dateAdded: String
  lastUpdatedAt: String
  currentStage: Stage
  details: ApplicationDetails
}
type Stage { stageId: ID name: String type: String color: String }
type ApplicationDetails {
  trackTitle: String
  stages: [Stage!]
  submittedResponses: [SubmittedResponse!]
  stageWiseReport: JSON
  parsedResume: JSON
}
type SubmittedResponse { label: String value: JSON }
scalar JSON @specifiedBy(url: "https://www.rfc-editor.org/rfc/rfc8259")
type ApplicationConnection {
  edges: [ApplicationEdge!]!
  nodes: [Application!]!
  pageInfo: PageInfo!
  totalCount: Int
}
type ApplicationEdge { cursor: String! node: Application! }
type PageInfo {
  hasNextPage: Boolean!
  hasPreviousPage: Boolean!
  startCursor: String
  endCursor: String
}
input ApplicationFilter {
  name: String
  email: String
  candidateId: ID
  applicationId: ID
  stageId: ID
  fromDate: String
  toDate: String
}
type GatewayInfo { version: String! platform: String! }
type Mutation {
  inviteCandidate(input: InviteCandidateInput!): InviteCandidateResult!
  inviteCandidates(input: InviteCandidatesInput!): InviteCandidatesPayload!
}
input InviteCandidateInput {
  candidateName: String!
  candidateEmail: String!
  trackId: ID!
  inviteFormat: InviteFormat! = GET_LINK
  idempotencyKey: String
}
input InviteCandidatesInput {
  trackId: ID!
  inviteFormat: InviteFormat! = GET_LINK
  candidates: [CandidateInput!]!
}
input CandidateInput { candidateName: String! candidateEmail: String! idempotencyKey: String }
type InviteCandidatesPayload {
  results: [InviteCandidateResult!]!
  invitedCount: Int!
  notInvitedCount: Int!
  failedCount: Int! @deprecated(reason: "It reads as if it counted all errors: use `notInvitedCount`.")
  unknownCount: Int!
}
enum InviteFormat { GET_LINK SEND_LINK }
union InviteCandidateResult =
  | InviteCandidateSuccess
  | InvalidInputError
  | TrackNotFoundError
  | AlreadyInvitedError
  | InviteQuotaExhaustedError
  | IdempotencyKeyError
  | RateLimitedError
  | UpstreamAuthenticationError
  | UpstreamError
type InviteCandidateSuccess { invite: Invite! replayed: Boolean! }
type Invite {
  applicationId: ID!
  email: String!
  inviteLink: String
  inviteStatus: String
  name: String!
  trackId: ID!
}
interface InviteError {
  code: InviteErrorCode!
  message: String!
  outcome: InviteOutcome!
  retryable: Boolean!
}
enum InviteOutcome { INVITED NOT_INVITED UNKNOWN }
enum InviteErrorCode {
  INVALID_INPUT TRACK_NOT_FOUND ALREADY_INVITED INVITE_QUOTA_EXHAUSTED
  IDEMPOTENCY_KEY_REUSED IDEMPOTENCY_KEY_IN_PROGRESS
  RATE_LIMITED UPSTREAM_UNAUTHORIZED UPSTREAM_UNAVAILABLE UPSTREAM_TIMEOUT UPSTREAM_FAULT
}
type InputIssue { field: String! message: String! }
""" + "".join(
    f"""
type {name} implements InviteError {{
  code: InviteErrorCode! message: String! outcome: InviteOutcome! retryable: Boolean! {extra}
}}"""
    for name, extra in {
        "InvalidInputError": "issues: [InputIssue!]!",
        "TrackNotFoundError": "trackId: ID!",
        "AlreadyInvitedError": "",
        "InviteQuotaExhaustedError": "",
        "IdempotencyKeyError": "",
        "RateLimitedError": "retryAfterSeconds: Int",
        "UpstreamAuthenticationError": "",
        "UpstreamError": "upstreamStatus: Int retryAfterSeconds: Int",
    }.items()
)


def undescribed(sdl: str) -> str:
    """The schema in one order and without its descriptions."""
    schema = lexicographic_sort_schema(build_schema(sdl))
    schema.description = None
    for kind in schema.type_map.values():
        kind.description = None
        for part in parts_of(kind):
            part.description = None
    return print_schema(schema)


def test_schema_is_the_contract():
    """Names, types, nullability and defaults are what clients were promised."""
    assert undescribed(printed_schema()) == undescribed(CONTRACT)


def test_schema_file_is_what_the_code_prints():
    """Tools that read the file see what the server answers."""
    assert (ROOT / "schema.graphql").read_text("utf-8") == printed_schema()


OWN_TYPES = [
    kind
    for kind in executable_schema().type_map.values()
    if not is_introspection_type(kind) and not is_specified_scalar_type(kind)
]


def test_the_schema_says_what_it_is_for():
    """Whoever opens it in a tool, or reads the file, learns how to use it."""
    assert "idempotency key" in str(executable_schema().description)
    assert build_schema(printed_schema()).description == executable_schema().description


@pytest.mark.parametrize("kind", OWN_TYPES, ids=lambda kind: kind.name)
def test_everything_is_described(kind):
    """A frontend developer finds out what a thing is where it stands."""
    assert kind.description
    assert all(part.description for part in parts_of(kind))
