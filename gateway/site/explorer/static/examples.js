// The tabs that a first visit opens. GraphiQL names a tab after its operation.

const SUCCESS = `    ... on InviteCandidateSuccess {
      invite {
        applicationId
        email
        inviteLink
        inviteStatus
        name
        trackId
      }
      replayed
    }`;

const ANY_ERROR = "    ... on InviteError { code message outcome retryable }";

const example = (query, variables) => ({ query, variables: JSON.stringify(variables, null, 2) });

const invitation = (query, input) => example(query, { input });

export const examples = () => [
  invitation(
    `# Invite: makes a link for you to pass on.
# Nobody is e-mailed. Run it with ▶ or Ctrl-Enter.

mutation Invite($input: InviteCandidateInput!) {
  inviteCandidate(input: $input) {
    __typename
${SUCCESS}
${ANY_ERROR}
    ... on InvalidInputError { issues { field message } }
  }
}
`,
    {
      candidateName: "Ada Lovelace",
      candidateEmail: "ada@example.com",
      trackId: "6578",
    },
  ),
  invitation(
    `# Invite by e-mail: with SEND_LINK, the recruiting
# platform writes to the candidate.

mutation InviteByEmail($input: InviteCandidateInput!) {
  inviteCandidate(input: $input) {
    __typename
${SUCCESS}
${ANY_ERROR}
    ... on InvalidInputError { issues { field message } }
  }
}
`,
    {
      candidateName: "Grace Hopper",
      candidateEmail: "grace@example.com",
      trackId: "6578",
      inviteFormat: "SEND_LINK",
    },
  ),
  invitation(
    `# Many at once: one result for each candidate, in the
# order of the list. Some may be invited while others
# fail. Send each again with its own key.

mutation InviteMany($input: InviteCandidatesInput!) {
  inviteCandidates(input: $input) {
    invitedCount
    notInvitedCount
    unknownCount
    results {
      __typename
      ... on InviteCandidateSuccess {
        invite { applicationId email inviteLink }
        replayed
      }
      ... on InviteError { code message outcome retryable }
    }
  }
}
`,
    {
      trackId: "6578",
      candidates: ["Edsger", "Conflict", "Barbara"].map((name) => ({
        candidateName: name,
        candidateEmail: `${name.toLowerCase()}@example.com`,
        idempotencyKey: randomKey(),
      })),
    },
  ),
  invitation(
    `# Handle every error: "... on InviteError" covers all
# failures, those of later versions too. Look at the
# outcome first: it is what is known of the invite.
#
# With "gateway dev", the part before the @ chooses:
# conflict, invalid, exhausted, rate-limited, broken,
# unavailable, dropped, slow. Track 404404 is missing.

mutation HandleEveryError($input: InviteCandidateInput!) {
  inviteCandidate(input: $input) {
    __typename
    ... on InviteCandidateSuccess {
      invite { applicationId inviteLink }
    }
${ANY_ERROR}
    ... on InvalidInputError { issues { field message } }
    ... on TrackNotFoundError { trackId }
    ... on RateLimitedError { retryAfterSeconds }
    ... on UpstreamError { upstreamStatus retryAfterSeconds }
  }
}
`,
    {
      candidateName: "Alan Turing",
      candidateEmail: "conflict@example.com",
      trackId: "6578",
    },
  ),
  invitation(
    `# Retry safely with a key: run this twice. "replayed"
# says that the second response repeats the first,
# and that nothing was sent. Make a new random key for
# each invite, and send the same one when you retry.

mutation RetrySafely($input: InviteCandidateInput!) {
  inviteCandidate(input: $input) {
    __typename
${SUCCESS}
${ANY_ERROR}
  }
}
`,
    {
      candidateName: "Katherine Johnson",
      candidateEmail: "katherine@example.com",
      trackId: "6578",
      idempotencyKey: randomKey(),
    },
  ),
  example(
    `# Check first: what the mutation would say of this
# input, and whether the track takes invites. Nothing
# is sent, and nobody is e-mailed.

query CheckFirst(
  $trackId: ID!
  $input: InviteCandidateInput!
) {
  track(trackId: $trackId) {
    title
    isActive
    applicationCount
  }
  checkInvite(input: $input) {
    canBeSent
    candidateName
    candidateEmail
    issues { field message }
  }
}
`,
    {
      trackId: "6578",
      input: {
        candidateName: " Ada Lovelace ",
        candidateEmail: "ada@example",
        trackId: "6578",
      },
    },
  ),
  example(
    `# What became of an invite: run the first tab, then
# look the candidate up. Details cost the platform a
# read for each application: leave them out where you
# do not show them. The next part comes with "after":
# the endCursor of the one before.
#
# With "gateway dev", the track 404404 is missing, and
# 429429 and 503503 cannot be read.

query WhatBecameOfIt(
  $trackId: ID!
  $after: String
  $filter: ApplicationFilter
) {
  applications(
    trackId: $trackId
    first: 5
    after: $after
    filter: $filter
  ) {
    totalCount
    nodes {
      applicationId
      name
      email
      stageStatus
      score
      lastUpdatedAt
      currentStage { name type color }
      details { trackTitle }
    }
    pageInfo { hasNextPage endCursor }
  }
}
`,
    {
      trackId: "6578",
      filter: { email: "ada@example.com" },
    },
  ),
];

// crypto.randomUUID is missing where the page comes over plain HTTP from another machine.
function randomKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
