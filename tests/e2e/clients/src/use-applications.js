// node use-applications.js http://host:port/graphql 6578 …: whom `applications` finds on each track.
import { applications } from "./applications.js";

const [endpoint, ...trackIds] = process.argv.slice(2);
const found = {};
for (const trackId of trackIds) {
  found[trackId] = [];
  try {
    for await (const { email } of applications(trackId, { endpoint })) found[trackId].push(email);
  } catch (error) {
    found[trackId] = String(error);
  }
}
console.log(JSON.stringify(found));
