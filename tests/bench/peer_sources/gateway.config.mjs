import { defineConfig } from "@graphql-hive/gateway";

export const gatewayConfig = defineConfig({
  supergraph: "./supergraph.graphql",
  host: "127.0.0.1",
  port: Number(process.env.PORT),
  fork: 1,
  logging: "error",
  pollingInterval: 0,
});
