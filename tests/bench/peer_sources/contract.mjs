// The part of the schema that the benchmark's mutation touches, for the peers written as code.
export const typeDefs = /* GraphQL */ `
  type Query {
    version: String!
  }
  type Mutation {
    inviteCandidate(input: InviteCandidateInput!): InviteCandidateResult!
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

export const port = Number(process.env.PORT);
export const upstream = process.env.UPSTREAM_URL;
export const headers = { "content-type": "application/json", apiKey: "bench-key" };
