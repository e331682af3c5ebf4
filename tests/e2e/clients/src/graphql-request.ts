import { ClientError, GraphQLClient, type RequestMiddleware } from "graphql-request";

import { type Client, type Connection, report } from "./client.js";
import { InviteDocument } from "./gql/graphql.js";

function connect({ url, fetch, persisted }: Connection): Client {
  const client = new GraphQLClient(
    url,
    persisted ? { fetch, requestMiddleware: nameTheDocument } : { fetch },
  );
  return {
    invite: async (input) => (await client.request(InviteDocument, { input })).inviteCandidate,
    codeOf: (error) =>
      error instanceof ClientError ? error.response.errors?.[0]?.extensions.code : error,
  };
}

/** The id that graphql-codegen's `persistedDocuments` has given the document, in its place. */
const nameTheDocument: RequestMiddleware = (request) => ({
  ...request,
  body: JSON.stringify({ documentId: hashOf(InviteDocument), variables: request.variables }),
});

function hashOf(document: object): unknown {
  return "__meta__" in document && (document.__meta__ as { hash: string }).hash;
}

void report("graphql-request", connect);
