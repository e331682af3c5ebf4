import fastify from "fastify";
import mercurius from "mercurius";

import { port, typeDefs } from "./contract.mjs";
import { inviteCandidate } from "./undici.mjs";

const app = fastify();
app.register(mercurius, { schema: typeDefs, resolvers: { Mutation: { inviteCandidate } }, jit: 1 });
await app.listen({ port, host: "127.0.0.1" });
