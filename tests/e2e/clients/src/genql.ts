import { type Client, type Connection, type InviteResult, report } from "./client.js";
import { createClient, GenqlError } from "./genql/index.js";

function connect({ url, fetch }: Connection): Client {
  const client = createClient({ url, fetch });
  return {
    async invite(input) {
      const { inviteCandidate } = await client.mutation({
        inviteCandidate: {
          __args: { input: { ...input, trackId: String(input.trackId) } },
          __typename: true,
          on_InviteCandidateSuccess: { invite: { __scalar: true }, replayed: true },
          on_InviteError: { code: true, message: true, outcome: true, retryable: true },
        },
      });
      return inviteCandidate as InviteResult;
    },
    codeOf: (error) =>
      error instanceof GenqlError ? error.errors[0]?.extensions?.code : error,
  };
}

void report("genql", connect);
