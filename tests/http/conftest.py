"""An endpoint over a small schema of the contract's shape."""

from tests.fakes.endpoint import caller, calling, schema

__all__ = ["caller", "calling", "schema"]
