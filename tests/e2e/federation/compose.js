// Composes subgraphs with both composers and prints what each of them says.
// usage: node compose.js SUBGRAPHS.json, a list of {name, url, sdl}

import { readFileSync } from "node:fs";
import { composeServices as composeWithApollo } from "@apollo/composition";
import { composeServices as composeWithGuild } from "@theguild/federation-composition";
import { parse } from "graphql";

const subgraphs = JSON.parse(readFileSync(process.argv[2], "utf8")).map(
  ({ name, url, sdl }) => ({ name, url, typeDefs: parse(sdl) }),
);

const told = (compose) => {
  const { supergraphSdl, errors = [], hints = [] } = compose(subgraphs);
  const messages = (list) => list.map(({ message }) => message);
  return { supergraph: supergraphSdl, errors: messages(errors), hints: messages(hints) };
};

console.log(JSON.stringify({ apollo: told(composeWithApollo), guild: told(composeWithGuild) }));
