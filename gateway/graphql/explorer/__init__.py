"""The GraphiQL explorer, served from this machine alone."""

from gateway.graphql.explorer.files import ExplorerFilesError
from gateway.graphql.explorer.routes import explorer_routes

__all__ = ["ExplorerFilesError", "explorer_routes"]
