import { createServer } from "node:http";

import { createSchema, createYoga } from "graphql-yoga";

import { port, typeDefs } from "./contract.mjs";
import { inviteCandidate } from "./undici.mjs";

const schema = createSchema({ typeDefs, resolvers: { Mutation: { inviteCandidate } } });
createServer(createYoga({ schema, logging: false })).listen(port, "127.0.0.1");
