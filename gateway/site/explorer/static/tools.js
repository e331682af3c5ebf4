// What can be taken away from here: the request as a line for a shell, the schema as a file.

import { ENDPOINT } from "./exchange.js";
import { token } from "./token.js";

const { createElement: element, useState } = window.React;
const { GraphQL, React: graphiql } = window.GraphiQL;
const { ToolbarButton, useEditorContext, useSchemaContext } = graphiql;

const SHOWN_MS = 2000;

export function Tools() {
  return [element(CopyAsCurl, { key: "curl" }), element(DownloadSchema, { key: "schema" })];
}

function CopyAsCurl() {
  const { queryEditor, variableEditor, headerEditor } = useEditorContext({ nonNull: true });
  const [label, say] = useState("Copy as cURL");
  const copy = async () => {
    try {
      const editors = [queryEditor, variableEditor, headerEditor];
      await navigator.clipboard.writeText(curl(...editors.map((editor) => editor.getValue())));
      say("Copied");
    } catch {
      say("Not copied: the variables or headers cannot be read, or this browser forbids it");
    }
    setTimeout(() => say("Copy as cURL"), SHOWN_MS);
  };
  return element(ToolbarButton, { label, onClick: copy }, icon("M4 7l5 5-5 5M12 17h8"));
}

function curl(query, variables, headers) {
  const body = { query, ...(variables.trim() && { variables: JSON.parse(variables) }) };
  const given = Object.entries(headers.trim() ? JSON.parse(headers) : {});
  const authorized = token.get() || given.some(([name]) => isAuthorization(name));
  return [
    `curl -sS ${quoted(ENDPOINT.href)}`,
    "-H 'content-type: application/json'",
    // A token stays out of the clipboard and of the shell's history.
    ...(authorized ? ['-H "authorization: Bearer $TOKEN"'] : []),
    ...given
      .filter(([name]) => !isAuthorization(name))
      .map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    `--data ${quoted(JSON.stringify(body))}`,
  ].join(" ");
}

const isAuthorization = (name) => name.toLowerCase() === "authorization";
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function DownloadSchema() {
  const { schema } = useSchemaContext({ nonNull: true });
  if (!schema) return null;
  const download = () => {
    const file = new Blob([`${GraphQL.printSchema(schema)}\n`], { type: "text/plain" });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(file);
    link.download = "schema.graphql";
    link.click();
    URL.revokeObjectURL(link.href);
  };
  const label = "Download the schema";
  return element(ToolbarButton, { label, onClick: download }, icon("M12 4v11m-5-5l5 5 5-5M5 20h14"));
}

function icon(path) {
  const line = { fill: "none", stroke: "currentColor", strokeWidth: 1.5 };
  return element(
    "svg",
    { className: "graphiql-toolbar-icon", viewBox: "0 0 24 24", "aria-hidden": true },
    element("path", { d: path, ...line }),
  );
}
