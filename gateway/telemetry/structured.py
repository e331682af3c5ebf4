"""structlog without rich, with which it would print tracebacks.

No traceback of ours is printed that way, for it would show the values of variables; and loading
rich takes a twentieth of the gateway's start.
"""

from __future__ import annotations

import sys

_loaded = "rich" in sys.modules
# What is None here cannot be imported; structlog then does without it, as if it were not there.
sys.modules.setdefault("rich", None)  # type: ignore[arg-type]
try:
    import structlog
    from structlog.typing import EventDict, Processor, WrappedLogger
finally:
    if not _loaded:
        del sys.modules["rich"]

__all__ = ["EventDict", "Processor", "WrappedLogger", "structlog"]
