import { createHash } from "node:crypto";

import {
  ApolloClient,
  ApolloLink,
  CombinedGraphQLErrors,
  HttpLink,
  InMemoryCache,
} from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";

import { type Client, type Connection, report } from "./client.js";
import { InviteDocument } from "./gql/graphql.js";

function connect({ url, fetch, persisted }: Connection): Client {
  const http = new HttpLink({ uri: url, fetch });
  const apollo = new ApolloClient({
    cache: new InMemoryCache(),
    link: persisted ? ApolloLink.from([new PersistedQueryLink({ sha256 }), http]) : http,
  });
  return {
    async invite(input) {
      const { data } = await apollo.mutate({
        mutation: InviteDocument,
        variables: { input },
        // The cache would drop what `... on InviteError` selects: it does not know its members.
        fetchPolicy: "no-cache",
      });
      if (!data) throw new Error("no data");
      return data.inviteCandidate;
    },
    codeOf: (error) =>
      CombinedGraphQLErrors.is(error) ? error.errors[0]?.extensions?.code : error,
  };
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

void report("apollo", connect);
