"""A GraphQL gateway that invites candidates to recruiting tracks."""

__version__ = "0.1.0"
