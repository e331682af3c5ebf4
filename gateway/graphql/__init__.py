"""The edge: GraphQL over HTTP, and nothing of the upstream."""
