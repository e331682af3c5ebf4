"""What the gateway tells its operator."""

from __future__ import annotations

import logging

# The HTTP client's own lines name URLs and, at debug level, what goes over the wire.
_SILENCED = ("httpx2", "httpcore2")


def configure_logging(level: int = logging.INFO) -> None:
    """One line an event on standard error; libraries that log what they carry are kept quiet."""
    logging.basicConfig(
        level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s", force=True
    )
    for name in _SILENCED:
        logging.getLogger(name).setLevel(logging.CRITICAL)
