import type { InviteCandidateInput, InviteMutation } from "./gql/graphql.js";

export type InviteResult = InviteMutation["inviteCandidate"];

/** What every client is asked to do. */
export interface Client {
  invite(input: InviteCandidateInput): Promise<InviteResult>;
  /** `extensions.code` of a request error, from where this client keeps it. */
  codeOf(error: unknown): unknown;
}

export interface Connection {
  url: string;
  fetch: typeof globalThis.fetch;
  /** Name documents instead of sending them. */
  persisted: boolean;
}

/** Invite, be refused and make a mistake, as this client does it, and print what it was told. */
export async function report(name: string, connect: (connection: Connection) => Client) {
  const [url, persistingUrl] = process.argv.slice(2);
  if (url === undefined || persistingUrl === undefined) throw new Error("two addresses, please");

  const plain = connect({ url, fetch, persisted: false });
  const bodies: string[] = [];
  const persisting = connect({ url: persistingUrl, fetch: noting(bodies), persisted: true });
  const answers = {
    invite: await plain.invite(candidate(name)),
    typedError: await plain.invite(candidate("conflict")),
    requestError: await refusal(plain),
    persisted: [
      await persisting.invite(candidate(`${name}-first`)),
      await persisting.invite(candidate(`${name}-second`)),
    ],
    bodies: bodies.map((body) => JSON.parse(body)),
  };
  console.log(JSON.stringify(answers));
}

function candidate(localPart: string): InviteCandidateInput {
  return {
    candidateName: "Ada Lovelace",
    candidateEmail: `${localPart}@example.com`,
    trackId: "6578",
  };
}

async function refusal(client: Client): Promise<unknown> {
  const incomplete = { candidateName: "Ada Lovelace" } as InviteCandidateInput;
  try {
    return { unexpected: await client.invite(incomplete) };
  } catch (error) {
    return client.codeOf(error);
  }
}

function noting(bodies: string[]): typeof globalThis.fetch {
  return (address, init) => {
    if (typeof init?.body !== "string") throw new Error(`a mutation without a body: ${address}`);
    bodies.push(init.body);
    return fetch(address, init);
  };
}
