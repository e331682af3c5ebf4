// A REST source as GraphQL Mesh describes it; composed into supergraph.graphql at install.
import { defineConfig } from "@graphql-mesh/compose-cli";
import { loadJSONSchemaSubgraph } from "@omnigraph/json-schema";


export const composeConfig = defineConfig({
  subgraphs: [
    {
      sourceHandler: loadJSONSchemaSubgraph("Tracks", {
        endpoint: "{env.UPSTREAM_URL}",
        operationHeaders: { "content-type": "application/json", apiKey: "bench-key" },
        operations: [
          { type: "Query", field: "version", path: "/version", method: "GET", responseSchema: { type: "string" } },
          {
            type: "Mutation",
            field: "inviteCandidate",
            path: "/tracks/invite",
            method: "POST",
            requestSchema: "./request.json",
            responseSchema: "./response.json",
          },
        ],
      }),
    },
  ],
});
