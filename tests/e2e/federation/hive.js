// Hive Gateway for a supergraph, on a free port of loopback, with a configuration file of its own.
// usage: node hive.js SUPERGRAPH CONFIG

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";
import { createGatewayRuntime } from "@graphql-hive/gateway-runtime";

const [supergraph, config] = process.argv.slice(2);
const { gatewayConfig } = await import(pathToFileURL(config));

const gateway = createGatewayRuntime({
  supergraph: readFileSync(supergraph, "utf8"),
  ...gatewayConfig,
});
const server = createServer(gateway).listen(0, "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}/graphql`);
});
