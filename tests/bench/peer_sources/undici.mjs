import { Pool } from "undici";

import { headers, inviteAll, listPath, toConnection, toResult, upstream, upstreamBody } from "./contract.mjs";

const { origin, pathname } = new URL(upstream);
const pool = new Pool(origin, { connections: 512 });

const invite = async (input) => {
  const { statusCode, body } = await pool.request({
    path: `${pathname}/tracks/invite`,
    method: "POST",
    headers,
    body: upstreamBody(input),
  });
  return toResult(statusCode, await body.json());
};

const applications = async (_, args) => {
  const { body } = await pool.request({ path: `${pathname}/${listPath(args)}`, method: "GET", headers });
  return toConnection(await body.json());
};

export const resolvers = {
  Query: { applications },
  Mutation: {
    inviteCandidate: (_, { input }) => invite(input),
    inviteCandidates: (_, { input }) => inviteAll(input, invite),
  },
};
