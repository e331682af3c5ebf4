import { RESTDataSource } from "@apollo/datasource-rest";
import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";

import { headers, port, toResult, typeDefs, upstream, upstreamBody } from "./contract.mjs";

class Tracks extends RESTDataSource {
  baseURL = `${upstream}/`;

  async invite(input) {
    return toResult(200, await this.post("tracks/invite", { headers, body: upstreamBody(input) }));
  }
}

const inviteCandidate = (_, { input }, { tracks }) => tracks.invite(input);
const server = new ApolloServer({ typeDefs, resolvers: { Mutation: { inviteCandidate } } });
await startStandaloneServer(server, {
  listen: { port, host: "127.0.0.1" },
  context: async () => ({ tracks: new Tracks({ cache: server.cache }) }),
});
