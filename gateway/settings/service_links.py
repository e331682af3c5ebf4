"""Variables that Kubernetes sets in a pod for each Service of its namespace.

For a Service named `gateway` they have the settings' prefix, and one is `GATEWAY_PORT`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_URL_NAME: Final = re.compile(r".+_PORT(_\d+_(TCP|UDP|SCTP))?", re.IGNORECASE)
_URL: Final = ("tcp://", "udp://", "sctp://")
_PART_NAME: Final = re.compile(
    r".+_(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT_\d+_(TCP|UDP|SCTP)_(PROTO|PORT|ADDR))",
    re.IGNORECASE,
)


def without_service_links(variables: Mapping[str, str | None]) -> dict[str, str | None]:
    """The variables that Kubernetes did not set for a Service."""
    return {
        name: value for name, value in variables.items() if not _is_service_link(name, value or "")
    }


def _is_service_link(name: str, value: str) -> bool:
    if value.startswith(_URL):
        return _URL_NAME.fullmatch(name) is not None
    return _PART_NAME.fullmatch(name) is not None
