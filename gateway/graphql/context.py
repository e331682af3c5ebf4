"""What a resolver can reach."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.invites.invite import Inviter


@dataclass(frozen=True, slots=True)
class RequestContext:
    """One request's way into the core."""

    inviter: Inviter
