import { RESTDataSource } from "@apollo/datasource-rest";
import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";

import {
  headers,
  inviteAll,
  listPath,
  port,
  toConnection,
  toResult,
  typeDefs,
  upstream,
  upstreamBody,
} from "./contract.mjs";

class Tracks extends RESTDataSource {
  baseURL = `${upstream}/`;

  async applications(args) {
    // Two requests for the same are two reads here, as everywhere else.
    return toConnection(await this.get(listPath(args), { headers, cacheOptions: { ttl: 0 } }));
  }

  async invite(input) {
    return toResult(200, await this.post("tracks/invite", { headers, body: upstreamBody(input) }));
  }
}

const resolvers = {
  Query: { applications: (_, args, { tracks }) => tracks.applications(args) },
  Mutation: {
    inviteCandidate: (_, { input }, { tracks }) => tracks.invite(input),
    inviteCandidates: (_, { input }, { tracks }) => inviteAll(input, (one) => tracks.invite(one)),
  },
};
const server = new ApolloServer({ typeDefs, resolvers });
await startStandaloneServer(server, {
  listen: { port, host: "127.0.0.1" },
  context: async () => ({ tracks: new Tracks({ cache: server.cache }) }),
});
