"""A stand-in for the recruiting platform, as far as its public documentation describes it."""

from gateway.sandbox.app import API_KEY, create_sandbox
from gateway.sandbox.platform import EmailFilter, Listed, Platform, SecondInvite, Times
from gateway.sandbox.server import running_sandbox, serve_sandbox

__all__ = [
    "API_KEY",
    "EmailFilter",
    "Listed",
    "Platform",
    "SecondInvite",
    "Times",
    "create_sandbox",
    "running_sandbox",
    "serve_sandbox",
]
