// The part of the schema that the benchmark's mutation touches, for the peers written as code.
export const typeDefs = /* GraphQL */ `
  type Query {
    version: String!
    applications(trackId: ID!, first: Int = 25): ApplicationConnection!
  }
  type Mutation {
    inviteCandidate(input: InviteCandidateInput!): InviteCandidateResult!
    inviteCandidates(input: InviteCandidatesInput!): InviteCandidatesPayload!
  }
  input InviteCandidatesInput {
    trackId: ID!
    inviteFormat: InviteFormat! = GET_LINK
    candidates: [CandidateInput!]!
  }
  input CandidateInput {
    candidateName: String!
    candidateEmail: String!
  }
  type InviteCandidatesPayload {
    results: [InviteCandidateResult!]!
  }
  type ApplicationConnection {
    nodes: [Application!]!
    pageInfo: PageInfo!
    totalCount: Int
  }
  type PageInfo {
    hasNextPage: Boolean!
  }
  type Application {
    applicationId: ID!
    candidateId: ID
    name: String
    email: String
    stageStatus: String
    score: Float
    dateAdded: String
    lastUpdatedAt: String
    currentStage: Stage
  }
  type Stage {
    name: String
  }
  input InviteCandidateInput {
    candidateName: String!
    candidateEmail: String!
    trackId: ID!
    inviteFormat: InviteFormat! = GET_LINK
  }
  enum InviteFormat {
    GET_LINK
    SEND_LINK
  }
  union InviteCandidateResult = InviteCandidateSuccess | UpstreamError
  type InviteCandidateSuccess {
    invite: Invite!
  }
  type Invite {
    applicationId: ID!
    email: String!
    inviteLink: String
    inviteStatus: String
    name: String!
    trackId: ID!
  }
  interface InviteError {
    code: String!
    message: String!
  }
  type UpstreamError implements InviteError {
    code: String!
    message: String!
  }
`;

const FORMATS = { GET_LINK: "getlink", SEND_LINK: "sendlink" };

export const upstreamBody = (input) =>
  JSON.stringify({
    candidate_name: input.candidateName,
    candidate_email: input.candidateEmail,
    track_id: Number(input.trackId),
    invite_format: FORMATS[input.inviteFormat],
  });

export const toResult = (status, answer) =>
  status < 300
    ? {
        __typename: "InviteCandidateSuccess",
        invite: {
          applicationId: answer.application_id,
          email: answer.email,
          inviteLink: answer.invite_link,
          inviteStatus: answer.invite_status,
          name: answer.name,
          trackId: answer.track_id,
        },
      }
    : { __typename: "UpstreamError", code: "UPSTREAM_FAULT", message: `status ${status}` };

export const listPath = ({ trackId, first }) =>
  `tracks/${trackId}/applicants?page=1&per_page=${first}`;

export const toConnection = ({ data, pagination }) => ({
  totalCount: pagination.total,
  pageInfo: { hasNextPage: pagination.has_next },
  nodes: data.map((one) => ({
    applicationId: one.application_id,
    candidateId: one.candidate_id,
    name: one.name,
    email: one.email,
    stageStatus: one.stage_status,
    score: one.score,
    dateAdded: one.date_added,
    lastUpdatedAt: one.last_updated_at,
    currentStage: { name: one.stage_name },
  })),
});

// All at once, as one would write it: ours keeps to a number of calls at a time.
export const inviteAll = async ({ candidates, ...common }, invite) => ({
  results: await Promise.all(candidates.map((one) => invite({ ...common, ...one }))),
});

export const port = Number(process.env.PORT);
export const upstream = process.env.UPSTREAM_URL;
export const headers = { "content-type": "application/json", apiKey: "bench-key" };
