import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client";
import { CombinedGraphQLErrors } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { generatePersistedQueryIdsFromManifest } from "@apollo/persisted-query-lists";

import { type Client, type Connection, report } from "./client.js";
import { InviteDocument } from "./gql/graphql.js";

// The id stands where Apollo's automatic persisted queries have the hash.
const byManifest = generatePersistedQueryIdsFromManifest({
  loadManifest: () => import("../apollo-manifest.json"),
});

function connect({ url, fetch, persisted }: Connection): Client {
  const http = new HttpLink({ uri: url, fetch });
  const apollo = new ApolloClient({
    cache: new InMemoryCache(),
    link: persisted ? ApolloLink.from([new PersistedQueryLink(byManifest), http]) : http,
  });
  return {
    async invite(input) {
      const { data } = await apollo.mutate({
        mutation: InviteDocument,
        variables: { input },
        fetchPolicy: "no-cache",
      });
      if (!data) throw new Error("no data");
      return data.inviteCandidate;
    },
    codeOf: (error) =>
      CombinedGraphQLErrors.is(error) ? error.errors[0]?.extensions?.code : error,
  };
}

void report("apollo-manifest", connect);
