"""The guides for those who use and run the gateway, served from this machine alone."""

from gateway.site.guide.routes import guide_routes

__all__ = ["guide_routes"]
