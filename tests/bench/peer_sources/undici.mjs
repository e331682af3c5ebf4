import { Pool } from "undici";

import { headers, toResult, upstream, upstreamBody } from "./contract.mjs";

const { origin, pathname } = new URL(upstream);
const pool = new Pool(origin, { connections: 512 });

export const inviteCandidate = async (_, { input }) => {
  const { statusCode, body } = await pool.request({
    path: `${pathname}/tracks/invite`,
    method: "POST",
    headers,
    body: upstreamBody(input),
  });
  return toResult(statusCode, await body.json());
};
