// The page: GraphiQL with the gateway's examples, its name, and a line that says how it went.

import { follow, openPastedAddresses, sharedRequest } from "./address.js";
import { AddTab, NamedEditors, nameDialogs, openSearchByKey, Tabs } from "./editors.js";
import { examples } from "./examples.js";
import { cancelled, exchange, NOT_SENT, summary, UNDER_WAY } from "./exchange.js";
import { openMemory } from "./memory.js";
import { askForPlatform, Badge, mayBeSent } from "./platform.js";
import { TokenField, TokenInUse } from "./token.js";
import { Tools } from "./tools.js";
import { watched } from "./watched.js";

const { React, ReactDOM, GraphiQL } = window;
const { createElement: element, useEffect } = React;
const { useEditorContext, useExecutionContext, useSchemaContext } = GraphiQL.React;

const INTROSPECTION = "IntrospectionQuery";
const UNAUTHENTICATED = 401;
const FORBIDDEN = 403;
const INVALID = "GRAPHQL_VALIDATION_FAILED";

const introspection = watched(null);
const exchanges = watched({});
/** The last reply to anything: whether a token is wanted, or refused. */
const last = watched(null);
let activeTab;
let headersEditor;

async function send(request, { headers } = {}) {
  const tab = activeTab;
  const introspects = request.operationName === INTROSPECTION;
  const done = (await mayBeSent(request))
    ? await exchange(request, introspects ? (typedHeaders() ?? headers) : headers)
    : cancelled();
  if (done.status) last.set(done);
  if (introspects) {
    introspection.set(done);
    if (!isRefusal(done)) askForPlatform();
    return schemaIn(done.answer);
  }
  exchanges.set({ ...exchanges.get(), [tab]: done });
  return done.answer;
}

// GraphiQL learns half a second late what was typed: a token would miss the first "Try again".
function typedHeaders() {
  try {
    return JSON.parse(headersEditor.getValue());
  } catch {
    return null;
  }
}

// Without "data", GraphiQL would ask once more; and of many errors, all alike, one will do.
function schemaIn({ data, errors }) {
  return data ? { data } : { data: null, errors: errors?.slice(0, 1) };
}

// GraphiQL looks for its own components among its children: these two are no components.
function name() {
  return element(
    GraphiQL.Logo,
    null,
    element(
      "span",
      { className: "gateway-name" },
      element(AddTab),
      element(Badge),
      element("img", { src: new URL("icon.svg", import.meta.url).href, alt: "" }),
      element("span", { className: "gateway-title" }, "Track Invite Gateway"),
      element("a", { href: "docs" }, "Guides"),
    ),
  );
}

function below({ operationName }) {
  return element(
    GraphiQL.Footer,
    null,
    element(Chosen, { operationName }),
    element(NamedEditors),
    element(StaleRefusal),
    element(Tabs),
    element(Notice),
    element(HowItWent),
  );
}

/** Chooses the operation that a shared address names. */
function Chosen({ operationName }) {
  const { queryEditor, setOperationName } = useEditorContext({ nonNull: true });
  useEffect(() => {
    if (queryEditor && operationName) setOperationName(operationName);
  }, [queryEditor]);
  return null;
}

/** Removes what GraphiQL shows in place of a response while it has no schema, once it has one. */
function StaleRefusal() {
  const { responseEditor } = useEditorContext({ nonNull: true });
  const { schema } = useSchemaContext({ nonNull: true });
  useEffect(() => {
    if (schema && responseEditor && !exchanges.get()[activeTab]) responseEditor.setValue("");
  }, [schema]);
  return null;
}

function HowItWent() {
  const { tabs, activeTabIndex, headerEditor } = useEditorContext({ nonNull: true });
  const { introspect } = useSchemaContext({ nonNull: true });
  const { isFetching } = useExecutionContext({ nonNull: true });
  const tab = tabs[activeTabIndex];
  activeTab = tab?.id;
  headersEditor = headerEditor;
  const done = exchanges.use()[activeTab];
  const { tone, text, how } = isFetching ? UNDER_WAY : verdict(done, tab?.response);
  return element(
    "div",
    { className: "gateway-status", role: "status", "data-tone": tone },
    element("span", { className: "gateway-verdict" }, text),
    element(
      "span",
      { className: "gateway-how" },
      how && element("span", null, how),
      element(TokenInUse, { onChange: introspect }),
    ),
  );
}

function verdict(done, shown) {
  // Where the variables or headers cannot be read, GraphiQL says so in place of an answer.
  if (shown && !shown.startsWith("{")) return NOT_SENT;
  return done ? summary(done) : { tone: "idle", text: "Ready" };
}

/** Says why the gateway refuses, or why there are no docs and no completion, and what to do. */
function Notice() {
  const { introspect, isFetching, schema } = useSchemaContext({ nonNull: true });
  const done = introspection.use();
  const refusal = last.use();
  if (isRefusal(refusal)) {
    return element(TokenField, { refusal, onChange: introspect });
  }
  if (schema || !done || isFetching || done.answer.data?.__schema) return null;
  return element(
    "div",
    { className: "gateway-notice", role: "alert" },
    element("p", null, ...whyNoSchema(done)),
    element("button", { type: "button", onClick: introspect }, "Try again"),
  );
}

const isRefusal = (done) => done?.status === UNAUTHENTICATED || done?.status === FORBIDDEN;

function whyNoSchema({ status, notSent, answer }) {
  const code = (text) => element("code", { key: text }, text);
  if (notSent) return [answer.errors[0].message];
  if (status === null) return ["The gateway does not answer. Is it running?"];
  if (answer.errors?.[0]?.extensions?.code !== INVALID) {
    return [`The gateway could not show its schema now (HTTP ${status}).`];
  }
  return [
    "This gateway does not show its schema, so there are no docs and no completion here. ",
    "Requests still run. Its operator can turn it on with ",
    code("GATEWAY_INTROSPECTION=true"),
    ".",
  ];
}

function tabsToOpen(shared) {
  const all = examples();
  return shared ? [shared, ...all.filter(({ query }) => query !== shared.query)] : all;
}

function open(place) {
  const memory = openMemory();
  const shared = sharedRequest();
  const tabs = tabsToOpen(shared);
  // GraphiQL takes the variables of the first tab from here, but for those of an earlier visit.
  const first = shared ?? (memory.hasTabs() ? null : tabs[0]);
  openPastedAddresses();
  openSearchByKey();
  nameDialogs();
  ReactDOM.render(
    element(
      GraphiQL,
      {
        fetcher: send,
        storage: memory,
        defaultTabs: tabs,
        query: first?.query,
        variables: first?.variables,
        defaultEditorToolsVisibility: "variables",
        // A token that was typed into the headers is gone with the page.
        shouldPersistHeaders: false,
        inputValueDeprecation: true,
        schemaDescription: true,
        toolbar: { additionalContent: Tools() },
        onTabChange: ({ tabs: all, activeTabIndex }) => follow(all[activeTabIndex]),
      },
      name(),
      below({ operationName: shared?.operationName }),
    ),
    place,
  );
}

open(document.getElementById("explorer"));
