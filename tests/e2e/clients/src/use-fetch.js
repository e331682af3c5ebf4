// node use-fetch.js http://host:port/graphql ada lost …: what `invite` makes of each candidate.
// The first answer to the candidate called lost does not arrive.
import { invite } from "./invite.js";

const [endpoint, ...localParts] = process.argv.slice(2);
const sent = globalThis.fetch;
let lost = 0;

globalThis.fetch = async (address, init) => {
  const response = await sent(address, init);
  if (JSON.parse(init.body).variables.input.candidateEmail?.startsWith("lost") && lost++ === 0) {
    throw new TypeError("fetch failed");
  }
  return response;
};

const results = {};
for (const localPart of localParts) {
  const input = {
    candidateName: "Ada Lovelace",
    candidateEmail: `${localPart}@example.com`,
    trackId: "6578",
  };
  results[localPart] = await invite(input, { endpoint });
}
const mistake = await invite({ candidateName: "Ada Lovelace" }, { endpoint }).catch(String);
console.log(JSON.stringify({ results, mistake }));
