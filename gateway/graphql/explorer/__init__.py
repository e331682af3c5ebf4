"""The GraphiQL explorer, served from this machine alone."""

from gateway.graphql.explorer.routes import explorer_routes

__all__ = ["explorer_routes"]
