// Whether invites are real: a badge, and a question before the platform e-mails anybody.

import { exchange } from "./exchange.js";
import { watched } from "./watched.js";

const { createElement: element } = window.React;
const { parse, valueFromASTUntyped, visit } = window.GraphiQL.GraphQL;

const STAND_IN = "stand-in";
const QUERY = "query Platform { gateway { platform } }";
const SHOWN = 5;

/** The platform's host, "stand-in", or null while it is not known. */
const platform = watched(null);

export async function askForPlatform() {
  const { answer } = await exchange({ query: QUERY, operationName: "Platform" });
  platform.set(answer.data?.gateway?.platform ?? null);
}

export function Badge() {
  const name = platform.use();
  if (name === null) return null;
  const played = name === STAND_IN;
  return element(
    "span",
    { className: "gateway-badge", "data-tone": played ? "good" : "doubtful" },
    element("b", null, played ? "Stand-in" : "Real"),
    element("span", null, played ? ": nobody is e-mailed" : `: ${name}`),
  );
}

/** True once nobody is e-mailed by the request, or the person wants it. */
export async function mayBeSent(request) {
  if (platform.get() === STAND_IN) return true;
  const addresses = addressesToEmail(request);
  return addresses === null || ask(addresses);
}

/** Whom the request has the platform e-mail; null if nobody. */
export function addressesToEmail({ query, variables, operationName }) {
  let document;
  try {
    document = parse(query);
  } catch {
    return null;
  }
  const sent = withoutOtherOperations(document.definitions, operationName);
  const values = { ...defaultsIn(sent), ...variables };
  const found = [];
  visit({ ...document, definitions: sent }, {
    Field({ name, arguments: given }) {
      if (!/^inviteCandidates?$/.test(name.value)) return;
      const input = given.map(({ value }) => valueFromASTUntyped(value, values))[0];
      if (input?.inviteFormat !== "SEND_LINK") return;
      found.push(...(input.candidates ?? [input]).map((one) => String(one?.candidateEmail)));
    },
  });
  return found.length ? found : null;
}

// GraphiQL may still name an operation of the tab before: then all of them may be meant.
function withoutOtherOperations(definitions, operationName) {
  const isNamed = ({ kind, name }) =>
    kind === "OperationDefinition" && name?.value === operationName;
  if (!definitions.some(isNamed)) return definitions;
  return definitions.filter((one) => one.kind === "FragmentDefinition" || isNamed(one));
}

function defaultsIn(definitions) {
  const variables = definitions.flatMap(({ variableDefinitions }) => variableDefinitions ?? []);
  return Object.fromEntries(
    variables
      .filter(({ defaultValue }) => defaultValue)
      .map(({ variable, defaultValue }) => [
        variable.name.value,
        valueFromASTUntyped(defaultValue),
      ]),
  );
}

function ask(addresses) {
  const dialog = document.createElement("dialog");
  const add = (parent, name, text) => {
    const child = document.createElement(name);
    if (text) child.textContent = text;
    return parent.appendChild(child);
  };
  dialog.className = "gateway-question";
  dialog.setAttribute("aria-labelledby", "gateway-question");
  add(dialog, "h2", "This is real").id = "gateway-question";
  add(dialog, "p", `${platform.get() ?? "The recruiting platform"} will e-mail:`);
  const list = add(dialog, "ul");
  addresses.slice(0, SHOWN).forEach((address) => add(list, "li", address));
  if (addresses.length > SHOWN) add(list, "li", `and ${addresses.length - SHOWN} more`);
  const form = add(dialog, "form");
  form.method = "dialog";
  add(form, "button", "Do not send");
  add(form, "button", "Send the e-mail").value = "send";
  // Where GraphiQL's colours are, of whatever theme.
  document.querySelector(".graphiql-container").append(dialog);
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "send");
    });
    dialog.showModal();
  });
}
