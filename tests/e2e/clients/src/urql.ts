import { Client as Urql, CombinedError, fetchExchange } from "@urql/core";
import { persistedExchange } from "@urql/exchange-persisted";

import { type Client, type Connection, report } from "./client.js";
import { InviteDocument } from "./gql/graphql.js";

function connect({ url, fetch, persisted }: Connection): Client {
  const persisting = persistedExchange({ enableForMutation: true });
  const urql = new Urql({
    url,
    fetch,
    exchanges: persisted ? [persisting, fetchExchange] : [fetchExchange],
  });
  return {
    async invite(input) {
      const { data, error } = await urql.mutation(InviteDocument, { input });
      if (!data) throw error;
      return data.inviteCandidate;
    },
    codeOf: (error) =>
      error instanceof CombinedError ? error.graphQLErrors[0]?.extensions.code : error,
  };
}

void report("urql", connect);
