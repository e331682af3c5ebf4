// Apollo's manifest generator, with ids that are no SHA-256: it lets a frontend choose.
const { createHash } = require("node:crypto");

module.exports = {
  documents: "src/operations/*.graphql",
  output: "apollo-manifest.json",
  createOperationId: (text) => createHash("md5").update(text).digest("hex"),
};
