// node caches.cjs http://host:port/graphql: what the caches of Apollo Client and of urql hold after
// a list was invited, then read, and then one of its applications alone.
import { ApolloClient, type DocumentNode, gql, HttpLink } from "@apollo/client";
import { Client, fetchExchange } from "@urql/core";

import { cache as apolloCache } from "./apolloCache.js";
import { cache as urqlCache } from "./urqlCache.js";

type Variables = Record<string, unknown>;

/** What both caches are asked to do; `cached` asks the cache alone. */
interface Reader {
  invite(document: DocumentNode, variables: Variables): Promise<unknown>;
  read(document: DocumentNode, variables: Variables, cached?: "cached"): Promise<unknown>;
}

const INVITE = gql`
  mutation InviteMany($input: InviteCandidatesInput!) {
    inviteCandidates(input: $input) {
      results {
        __typename
        ... on InviteCandidateSuccess { invite { email inviteLink } }
        ... on InviteError { code outcome }
      }
    }
  }
`;
const LIST = gql`
  query List($trackId: ID!) {
    applications(trackId: $trackId) {
      nodes { trackId applicationId name currentStage { name } }
      pageInfo { hasNextPage }
    }
  }
`;
const ONE = gql`
  query One($trackId: ID!, $applicationId: ID!) {
    application(trackId: $trackId, applicationId: $applicationId) {
      trackId
      applicationId
      email
      details { trackTitle submittedResponses { label } }
    }
  }
`;
const BOTH = gql`
  query Both($trackId: ID!, $applicationId: ID!) {
    application(trackId: $trackId, applicationId: $applicationId) {
      trackId
      applicationId
      name
      email
      currentStage { name }
    }
  }
`;

function withApollo(uri: string): Reader {
  const client = new ApolloClient({ cache: apolloCache, link: new HttpLink({ uri }) });
  return {
    async invite(mutation, variables) {
      const { data } = await client.mutate({ mutation, variables, fetchPolicy: "no-cache" });
      return data;
    },
    async read(query, variables, cached) {
      const fetchPolicy = cached ? "cache-only" : "network-only";
      const { data } = await client.query({ query, variables, fetchPolicy });
      return data;
    },
  };
}

function withUrql(url: string): Reader {
  const client = new Client({ url, exchanges: [urqlCache, fetchExchange] });
  return {
    async invite(document, variables) {
      const { data } = await client.mutation(document, variables);
      return data;
    },
    async read(document, variables, cached) {
      const requestPolicy = cached ? "cache-only" : "network-only";
      const { data } = await client.query(document, variables, { requestPolicy });
      return data;
    },
  };
}

async function tried(reader: Reader, trackId: string) {
  const candidates = ["ada", "conflict", "grace"].map((name) => ({
    candidateName: name,
    candidateEmail: `${name}@example.com`,
  }));
  const invited = await reader.invite(INVITE, { input: { trackId, candidates } });
  const list = (await reader.read(LIST, { trackId })) as {
    applications: { nodes: { applicationId: string }[] };
  };
  const { applicationId } = list.applications.nodes[0]!;
  await reader.read(ONE, { trackId, applicationId });
  return {
    invited,
    list,
    merged: await reader.read(BOTH, { trackId, applicationId }, "cached"),
    listAfterwards: await reader.read(LIST, { trackId }, "cached"),
  };
}

async function main(url: string) {
  const warnings: string[] = [];
  console.warn = console.error = (...words) => warnings.push(words.join(" "));
  const apollo = await tried(withApollo(url), "71");
  const urql = await tried(withUrql(url), "72");
  console.log(JSON.stringify({ apollo, urql, warnings }));
}

void main(process.argv[2]!);
