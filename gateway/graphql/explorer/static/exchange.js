// One request to the gateway and its answer, in words for a person where there is no good one.

// Relative to the page, so that the gateway may be served below a path.
const ENDPOINT = new URL("graphql", document.baseURI);
// The media type under which a refused request comes with status 200: with 400, the browser
// would complain in its console of what the page shows anyway.
const ACCEPT = "application/json";
const SHOWN_OF_A_BODY = 2000;

/** Send one request. Never fails: `answer` is what to show, the rest is how it went. */
export async function exchange(request, headers) {
  const started = performance.now();
  const { status, answer } = await reply(request, headers);
  return { status, answer, milliseconds: Math.round(performance.now() - started) };
}

async function reply(request, headers) {
  try {
    const response = await fetch(ENDPOINT, {
      method: "POST",
      headers: allHeaders(headers),
      body: JSON.stringify(withOwnOperation(request)),
    });
    return { status: response.status, answer: answerIn(await response.text(), response) };
  } catch (error) {
    return { status: null, answer: failed(`No answer from ${ENDPOINT}: ${error.message}.`) };
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
  for (const [name, value] of Object.entries(own ?? {})) headers.set(name, value);
  return headers;
}

function answerIn(text, { status, statusText }) {
  try {
    const answer = JSON.parse(text);
    if (answer !== null && typeof answer === "object") return answer;
  } catch {
    // Something between this page and the gateway answered, or it is no gateway.
  }
  const message = `This is no GraphQL answer: HTTP ${status} ${statusText}`.trim();
  return failed(message, { body: text.slice(0, SHOWN_OF_A_BODY) });
}

function failed(message, extensions) {
  return { errors: [{ message, ...(extensions && { extensions }) }] };
}

const OUTCOMES = {
  INVITED: "the candidate is invited all the same",
  NOT_INVITED: "this request invited nobody",
  UNKNOWN: "the candidate may or may not be invited",
};

/** The answer in one line: `tone` is good, bad or doubtful. */
export function summary({ answer }) {
  if (answer.errors?.length) {
    const { path, extensions } = answer.errors[0];
    const what = path ? "Not all could be answered" : "Request refused";
    const code = extensions?.code;
    return { tone: "bad", text: code ? `${what}: ${code}` : "Request failed" };
  }
  const results = Object.values(answer.data ?? {}).filter((held) => held?.outcome || held?.invite);
  if (results.length !== 1) return { tone: "good", text: "Answered" };
  return summaryOf(results[0]);
}

function summaryOf({ __typename: type, code, outcome, replayed }) {
  if (!outcome) {
    return { tone: "good", text: replayed ? "Invited before: nothing was sent now" : "Invited" };
  }
  return {
    tone: outcome === "NOT_INVITED" ? "bad" : "doubtful",
    text: `${code ?? type ?? "Error"}: ${OUTCOMES[outcome] ?? outcome}`,
  };
}
