"""What the person who runs the gateway can mend."""

from __future__ import annotations

from typing import ClassVar


class OperatorError(Exception):
    """The message is for that person: what is wrong and, where it helps, what to do."""

    exit_code: ClassVar[int] = 1
