// node use-fetch.js http://host:port/graphql ada lost …: what `invite` makes of each candidate.
// The first answer to the candidate called lost does not arrive; the one called limited is turned
// away at first, as callers are who send too many requests.
import { invite } from "./invite.js";

const [endpoint, ...localParts] = process.argv.slice(2);
const sent = globalThis.fetch;
const seen = new Set();
const errors = [{ message: "Too many", extensions: { code: "RATE_LIMITED" } }];

globalThis.fetch = async (address, init) => {
  const email = JSON.parse(init.body).variables.input.candidateEmail ?? "";
  const isFirst = !seen.has(email);
  seen.add(email);
  if (isFirst && email.startsWith("limited")) return Response.json({ errors }, { status: 429 });
  const response = await sent(address, init);
  if (isFirst && email.startsWith("lost")) throw new TypeError("fetch failed");
  return response;
};

const results = {};
for (const localPart of localParts) {
  const input = {
    candidateName: "Ada Lovelace",
    candidateEmail: `${localPart}@example.com`,
    trackId: "6578",
    idempotencyKey: undefined,
  };
  results[localPart] = await invite(input, { endpoint });
}
const mistake = await invite({ candidateName: "Ada Lovelace" }, { endpoint }).catch(String);
console.log(JSON.stringify({ results, mistake }));
