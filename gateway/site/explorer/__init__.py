"""The GraphiQL explorer, served from this machine alone."""

from gateway.site.explorer.files import ExplorerFilesError
from gateway.site.explorer.routes import explorer_routes

__all__ = ["ExplorerFilesError", "explorer_routes"]
