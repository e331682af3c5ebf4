"use strict";

// The examples that a first visit opens, one tab each; GraphiQL names a tab after its operation.
const ALL_OF_IT = `    __typename
    ... on InviteCandidateSuccess {
      invite {
        applicationId
        email
        inviteLink
        inviteStatus
        name
        trackId
      }
      replayed
    }
    ... on InviteError { code message outcome retryable }
    ... on InvalidInputError { issues { field message } }`;

const candidate = (fields) => JSON.stringify({ input: fields }, null, 2);

const EXAMPLES = [
  {
    query: `# Makes a link for you to pass on; nobody is e-mailed.
# Run it with the button, or with Ctrl-Enter.
mutation Invite($input: InviteCandidateInput!) {
  inviteCandidate(input: $input) {
${ALL_OF_IT}
  }
}
`,
    variables: candidate({
      candidateName: "Ada Lovelace",
      candidateEmail: "ada@example.com",
      trackId: "6578",
    }),
  },
  {
    query: `# The platform e-mails the invite to the candidate.
mutation InviteByEmail($input: InviteCandidateInput!) {
  inviteCandidate(input: $input) {
${ALL_OF_IT}
  }
}
`,
    variables: candidate({
      candidateName: "Ada Lovelace",
      candidateEmail: "ada@example.com",
      trackId: "6578",
      inviteFormat: "SEND_LINK",
    }),
  },
  {
    query: `# "... on InviteError" handles every failure, also those
# added later; "outcome" is what is known of the invite.
# With the stand-in, try invalid@, exhausted@, dropped@,
# rate-limited@, unavailable@ and garbage@example.com.
mutation HandleEveryError($input: InviteCandidateInput!) {
  inviteCandidate(input: $input) {
    __typename
    ... on InviteCandidateSuccess {
      invite { applicationId inviteLink }
    }
    ... on InviteError { code message outcome retryable }
    ... on InvalidInputError { issues { field message } }
    ... on TrackNotFoundError { trackId }
    ... on RateLimitedError { retryAfterSeconds }
    ... on UpstreamError { upstreamStatus retryAfterSeconds }
  }
}
`,
    variables: candidate({
      candidateName: "Ada Lovelace",
      candidateEmail: "conflict@example.com",
      trackId: "6578",
    }),
  },
  {
    query: `# Run it twice: the second answer is a replay, and nobody
# is invited again. Use a new random key for each invite.
mutation RetrySafely($input: InviteCandidateInput!) {
  inviteCandidate(input: $input) {
${ALL_OF_IT}
  }
}
`,
    variables: candidate({
      candidateName: "Ada Lovelace",
      candidateEmail: "ada@example.com",
      trackId: "6578",
      idempotencyKey: "order-66-ada",
    }),
  },
];

const SHARED = ["query", "variables", "operationName"];

/** The request that the page's address carries, if any; never headers. */
function sharedRequest() {
  const { hash, search } = window.location;
  const address = new URLSearchParams(hash.includes("query=") ? hash.slice(1) : search);
  const query = address.get("query");
  return query ? { query, variables: address.get("variables") ?? "" } : null;
}

/**
 * Lets the address follow the editor, so that it can be passed on. All of it stands behind the
 * "#", which browsers keep to themselves: no server's log gets to see a candidate's address.
 */
function follow(changes) {
  const request = new URLSearchParams(window.location.hash.slice(1));
  for (const name of SHARED) {
    if (!(name in changes)) continue;
    if (changes[name]) request.set(name, changes[name]);
    else request.delete(name);
  }
  window.history.replaceState(null, "", `${window.location.pathname}#${request}`);
}

function followTab({ tabs, activeTabIndex }) {
  const { query, variables, operationName } = tabs[activeTabIndex];
  follow({ query, variables, operationName });
}

/** Says in words what GraphiQL would show as an empty panel. */
function notice(text) {
  const place = document.getElementById("notice");
  place.textContent = text;
  place.hidden = !text;
}

function watched(fetcher) {
  return async (request, options) => {
    const answer = await fetcher(request, options);
    if (request.operationName === "IntrospectionQuery") {
      const hidden = !answer?.data;
      notice(
        hidden
          ? "This gateway does not show its schema (or asks for a token in the headers), " +
              "so there is no documentation panel and no completion. Operations can be run."
          : "",
      );
    }
    return answer;
  };
}

/** GraphiQL opens the tabs of an earlier visit, and takes the variables of the first from here. */
function isFirstVisit() {
  return window.localStorage.getItem("graphiql:tabState") === null;
}

/**
 * Local storage without headers. GraphiQL keeps those of every request in its history, whatever
 * `shouldPersistHeaders` says; a token must not outlive the page.
 */
const storage = {
  get length() {
    return window.localStorage.length;
  },
  getItem: (name) => window.localStorage.getItem(name),
  removeItem: (name) => window.localStorage.removeItem(name),
  clear: () => window.localStorage.clear(),
  setItem(name, value) {
    window.localStorage.setItem(name, withoutHeaders(value));
  },
};

function withoutHeaders(value) {
  if (!value.includes('"headers"')) return value;
  return JSON.stringify(JSON.parse(value), (name, part) => (name === "headers" ? undefined : part));
}

const element = React.createElement;
const shared = sharedRequest();
const opened = shared ?? (isFirstVisit() ? EXAMPLES[0] : null);

ReactDOM.render(
  element(
    GraphiQL,
    {
      // Relative, so that the gateway may be served below a path.
      fetcher: watched(GraphiQL.createFetcher({ url: new URL("graphql", window.location.href).href })),
      storage,
      defaultTabs: shared ? [shared, ...EXAMPLES] : EXAMPLES,
      query: opened?.query,
      variables: opened?.variables,
      defaultEditorToolsVisibility: "variables",
      isHeadersEditorEnabled: true,
      // A token typed into the headers is gone with the page.
      shouldPersistHeaders: false,
      onEditQuery: (query) => follow({ query }),
      onEditVariables: (variables) => follow({ variables }),
      onEditOperationName: (operationName) => follow({ operationName }),
      onTabChange: followTab,
    },
    element(
      GraphiQL.Logo,
      null,
      element(
        "span",
        { className: "gateway-logo" },
        element("img", { src: new URL("icon.svg", document.currentScript.src).href, alt: "" }),
        "Track Invite Gateway",
      ),
    ),
  ),
  document.getElementById("explorer"),
);
