// One request to the gateway and its response; where there is none, words for a person.

import { token } from "./token.js";

// Relative to the page, so that the gateway may be served below a path.
export const ENDPOINT = new URL("graphql", document.baseURI);
// The media type under which a refused request comes with status 200: with 400, the browser
// would complain in its console of what the page shows anyway.
const ACCEPT = "application/json";
const SHOWN_OF_A_BODY = 2000;
const BUG = "INTERNAL_SERVER_ERROR";
const COUNTS = ["invitedCount", "unknownCount"];

export const UNDER_WAY = { tone: "idle", text: "Waiting for the response" };
export const NOT_SENT = { tone: "bad", text: "Not sent" };
const CANCELLED = "Not sent: nobody was e-mailed.";

/** Send one request. Never fails: `answer` is what to show, the rest is how it came. */
export async function exchange(request, headers) {
  const started = performance.now();
  const done = await reply(request, headers);
  return { ...done, milliseconds: Math.round(performance.now() - started) };
}

/** What is shown of a request that the person decided not to send. */
export const cancelled = () => ({ notSent: true, answer: failed(CANCELLED) });

async function reply(request, ownHeaders) {
  let headers;
  try {
    headers = allHeaders(ownHeaders);
  } catch (error) {
    return { notSent: true, answer: failed(`These headers cannot be sent: ${error.message}.`) };
  }
  return post(headers, JSON.stringify(withOwnOperation(request)));
}

async function post(headers, body) {
  try {
    const response = await fetch(ENDPOINT, { method: "POST", headers, body });
    const { status } = response;
    return { status, answer: answerIn(await response.text(), response) };
  } catch (error) {
    return { status: null, answer: failed(`No response from ${ENDPOINT}: ${error.message}.`) };
  }
}

/**
 * GraphiQL reads the operations of a tab a moment after it was opened, and until then names one
 * of the tab before: a name that the document has not got is left out.
 */
function withOwnOperation({ operationName, ...request }) {
  const named = new RegExp(`\\b(query|mutation|subscription)\\s+${operationName}\\b`);
  return operationName && named.test(request.query) ? { ...request, operationName } : request;
}

function allHeaders(own) {
  const headers = new Headers({ accept: ACCEPT, "content-type": "application/json" });
  if (token.get()) headers.set("authorization", `Bearer ${token.get()}`);
  for (const [name, value] of Object.entries(own ?? {})) headers.set(name, value);
  return headers;
}

function answerIn(text, { status, statusText }) {
  try {
    const answer = JSON.parse(text);
    if (answer !== null && typeof answer === "object") return answer;
  } catch {
    // A proxy in between replied, or another server.
  }
  const message = `This is not a GraphQL response: HTTP ${status} ${statusText}`.trim();
  return failed(message, { body: text.slice(0, SHOWN_OF_A_BODY) });
}

function failed(message, extensions) {
  return { errors: [{ message, ...(extensions && { extensions }) }] };
}

const OUTCOMES = {
  INVITED: "the candidate is invited nevertheless",
  NOT_INVITED: "this request invited nobody",
  UNKNOWN: "the candidate may or may not be invited",
};

/** The response in one line: `tone` is good, bad or doubtful, and `how` is how it came. */
export function summary(done) {
  if (done.notSent) return NOT_SENT;
  const { status, answer, milliseconds } = done;
  const came = status === null ? "no response" : `HTTP ${status}`;
  return { ...verdictOn(answer), how: `${came} · ${milliseconds} ms` };
}

function verdictOn({ data, errors }) {
  if (errors?.length) return faultOf(errors[0]);
  const results = Object.values(data ?? {}).filter(isResult);
  return results.length === 1 ? verdictOf(results[0]) : { tone: "good", text: "Response received" };
}

// A request that was refused did nothing; of one that got lost or met a bug, it is not known.
function faultOf({ path, extensions }) {
  const code = extensions?.code;
  const what = path ? "Some fields failed" : "Request refused";
  if (code && code !== BUG) return { tone: "bad", text: `${what}: ${code}` };
  return { tone: "doubtful", text: `${code ?? "Request failed"}: it is not known what was done` };
}

const isResult = (held) => held?.outcome || held?.invite || isList(held);
const isList = (held) => COUNTS.every((name) => Number.isInteger(held?.[name]));

function verdictOf(result) {
  if (isList(result)) return verdictOfMany(result);
  const { __typename: type, code, outcome, replayed } = result;
  if (!outcome) {
    return { tone: "good", text: replayed ? "Invited before: nothing was sent now" : "Invited" };
  }
  return {
    tone: outcome === "NOT_INVITED" ? "bad" : "doubtful",
    text: `${code ?? type ?? "Error"}: ${OUTCOMES[outcome] ?? outcome}`,
  };
}

function verdictOfMany({ invitedCount, notInvitedCount, failedCount, unknownCount }) {
  const failed = notInvitedCount ?? failedCount ?? 0;
  const tone = unknownCount ? "doubtful" : failed ? "bad" : "good";
  const doubt = unknownCount ? `, ${unknownCount} that may or may not be` : "";
  return { tone, text: `${invitedCount} invited, ${failed} not${doubt}` };
}
