import fastify from "fastify";
import mercurius from "mercurius";

import { port, typeDefs } from "./contract.mjs";
import { resolvers } from "./undici.mjs";

const app = fastify();
app.register(mercurius, { schema: typeDefs, resolvers, jit: 1 });
await app.listen({ port, host: "127.0.0.1" });
