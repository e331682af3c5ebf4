// The page's own address: it opens a shared request, and follows the editor so as to be shared.

const NAMES = ["query", "variables", "operationName"];
const FOLLOW_AFTER_MS = 300;

/** The request that the address carries after "?" or "#", or null. */
export function sharedRequest() {
  for (const text of [location.hash.slice(1), location.search]) {
    const parameters = new URLSearchParams(text);
    if (parameters.get("query")) {
      return Object.fromEntries(NAMES.map((name) => [name, parameters.get(name) ?? ""]));
    }
  }
  return null;
}

// What follows "#" stays in the browser, while "?" would put the candidate's name and e-mail
// address into the log of every server on the way.
function addressOf(request) {
  const parameters = new URLSearchParams();
  for (const name of NAMES) {
    if (request[name]) parameters.set(name, request[name]);
  }
  const fragment = parameters.toString();
  return location.pathname + (fragment ? `#${fragment}` : "");
}

let waiting;

/** Lets the address show this request soon; headers are never in it. */
export function follow(request) {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    try {
      history.replaceState(null, "", addressOf(request));
    } catch {
      // Browsers limit how often and how long: the address then stays as it was.
    }
  }, FOLLOW_AFTER_MS);
}

/** Opens what is pasted into the address bar of an open page, where only the "#" part changes. */
export function openPastedAddresses() {
  addEventListener("hashchange", () => location.reload());
}
