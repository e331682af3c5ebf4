import { createServer } from "node:http";

import { createSchema, createYoga } from "graphql-yoga";

import { port, typeDefs } from "./contract.mjs";
import { resolvers } from "./undici.mjs";

const schema = createSchema({ typeDefs, resolvers });
createServer(createYoga({ schema, logging: false })).listen(port, "127.0.0.1");
