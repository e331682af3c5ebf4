import {
  commitMutation,
  Environment,
  type FetchFunction,
  Network,
  RecordSource,
  Store,
} from "relay-runtime";

import { type Client, type Connection, type InviteResult, report } from "./client.js";
import Invite, { type InviteMutation } from "./relay/__generated__/InviteMutation.graphql.js";

function connect(connection: Connection): Client {
  const environment = new Environment({
    network: Network.create(sending(connection)),
    store: new Store(new RecordSource()),
  });
  return {
    invite: (input) =>
      new Promise((resolve, reject) => {
        commitMutation<InviteMutation>(environment, {
          mutation: Invite,
          variables: { input: { ...input, trackId: String(input.trackId) } },
          // Relay's types add "%other" for members that a later schema may have.
          onCompleted: (response) => resolve(response.inviteCandidate as InviteResult),
          onError: reject,
        });
      }),
    codeOf: (error) => (error as RelayNetworkError).source?.errors?.[0]?.extensions?.code ?? error,
  };
}

interface RelayNetworkError {
  source?: { errors?: { extensions?: { code?: string } }[] };
}

function sending({ url, fetch, persisted }: Connection): FetchFunction {
  return async ({ id, text }, variables) => {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        accept: "application/graphql-response+json",
        "content-type": "application/json",
      },
      body: JSON.stringify(persisted ? { documentId: id, variables } : { query: text, variables }),
    });
    return response.json();
  };
}

void report("relay", connect);
