"""GraphQL over HTTP. Knows nothing of the upstream."""
