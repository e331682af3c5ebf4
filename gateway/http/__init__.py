"""Values and rules of HTTP that server, access and GraphQL share."""
