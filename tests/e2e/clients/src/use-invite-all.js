// node use-invite-all.js http://host:port/graphql: what `inviteAll` makes of a list before and after
// a reload. With the word `lossy` the network fails it too: the first request is turned away by the
// gateway, and the response to the second does not arrive.
import { forget, inviteAll } from "./inviteAll.js";

const [endpoint, lossy] = process.argv.slice(2);
const sent = globalThis.fetch;
const error = { message: "Too many", extensions: { code: "RATE_LIMITED", retryAfterSeconds: 1 } };
let requests = 0;

async function lossyFetch(address, init) {
  requests += 1;
  if (requests === 1) return Response.json({ errors: [error] }, { status: 429 });
  const response = await sent(address, init);
  if (requests === 2) throw new TypeError("fetch failed");
  return response;
}

if (lossy) globalThis.fetch = lossyFetch;

const held = new Map();
const storage = {
  getItem: (name) => held.get(name) ?? null,
  setItem: (name, value) => held.set(name, value),
  removeItem: (name) => held.delete(name),
};
const candidates = ["ada", "dropped", "conflict", "grace", "alan"].map((localPart) => ({
  candidateName: "Somebody",
  candidateEmail: `${localPart}@example.com`,
}));
const progress = [];
const onProgress = (done, all) => progress.push(`${done}/${all}`);
const chunk = lossy ? 2 : 5;
const call = (rounds) =>
  inviteAll("list", "6578", candidates, { chunk, endpoint, onProgress, rounds, storage });

const before = await call(1);
const after = await call(4);
const kept = held.size;
forget("list", storage);
console.log(JSON.stringify({ before, after, progress, kept: [kept, held.size] }));
