import { print } from "graphql";
import { createClient, NetworkError, type RequestParams } from "graphql-http";

import manifest from "../apollo-manifest.json";
import { type Client, type Connection, type InviteResult, report } from "./client.js";
import { InviteDocument } from "./gql/graphql.js";

const OPERATION = manifest.operations.find(({ name }) => name === "Invite");
// The parameters of this client have a document: where one is named, it is empty.
const NAMED = {
  query: "",
  extensions: { persistedQuery: { version: 1, sha256Hash: OPERATION?.id } },
};

interface Answer {
  data?: { inviteCandidate: InviteResult } | null;
  errors?: readonly { extensions?: { code?: unknown } }[];
}

function connect({ url, fetch, persisted }: Connection): Client {
  const client = createClient({ url, fetchFn: fetch });
  const ask = (params: RequestParams) =>
    new Promise<Answer>((resolve, reject) => {
      let last: Answer;
      client.subscribe<Answer["data"]>(params, {
        next: (answer) => (last = answer as Answer),
        error: reject,
        complete: () => resolve(last),
      });
    });
  return {
    async invite(input) {
      const document = persisted ? NAMED : { query: print(InviteDocument) };
      const answer = await ask({ ...document, variables: { input } });
      if (!answer.data) throw answer;
      return answer.data.inviteCandidate;
    },
    // What is no 200 is an error of the network to this client, which keeps the response.
    async codeOf(error) {
      if (!(error instanceof NetworkError)) return error;
      const answer: Answer | undefined = await (error as NetworkError<Response>).response?.json();
      return answer?.errors?.[0]?.extensions?.code;
    },
  };
}

void report("graphql-http", connect);
