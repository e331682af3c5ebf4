"""`gateway schema`: the schema as text, or a file's differences from it."""

from __future__ import annotations

import difflib
from pathlib import Path

from gateway.graphql.schema import printed_schema
from gateway.operator_error import OperatorError


class SchemaFileError(OperatorError):
    """The file cannot be compared."""


def compared(file: Path, *, federation: bool) -> str:
    """The difference, for people; empty if there is none. Raises SchemaFileError."""
    try:
        written = file.read_text("utf-8")
    except UnicodeDecodeError:
        raise SchemaFileError(f"{file} cannot be read: it is not UTF-8") from None
    except OSError as error:
        raise SchemaFileError(f"{file} cannot be read: {error.strerror}") from None
    before, after = written, printed_schema(federation=federation)
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in difflib.unified_diff(
            before.splitlines(keepends=True),
            after.splitlines(keepends=True),
            str(file),
            "gateway schema",
        )
    )
