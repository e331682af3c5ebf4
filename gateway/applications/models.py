"""An application as the upstream describes it, as typed facts."""

from __future__ import annotations

from typing import NamedTuple

from gateway.upstream.applications import (
    Application,
    ApplicationDetails,
    ApplicationPage,
    Stage,
    SubmittedResponse,
)
from gateway.upstream.tracks import Track

__all__ = [
    "Application",
    "ApplicationDetails",
    "ApplicationKey",
    "ApplicationPage",
    "Stage",
    "SubmittedResponse",
    "Track",
]


class ApplicationKey(NamedTuple):
    """The ids by which the upstream finds an application."""

    track_id: int
    application_id: int
