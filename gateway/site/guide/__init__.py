"""The guide for those who write frontends, served from this machine alone."""

from gateway.site.guide.page import guide_routes

__all__ = ["guide_routes"]
