"""A file that cannot be compared with the schema is named in a line."""

from __future__ import annotations

import pytest

from gateway.commands.schema import SchemaFileError, compared
from gateway.graphql.schema import printed_schema


def test_a_file_of_another_encoding_is_named(tmp_path):
    """What cannot be read as text is no difference."""
    file = tmp_path / "schema.graphql"
    file.write_bytes(printed_schema(federation=False).encode("utf-16"))

    with pytest.raises(SchemaFileError, match="cannot be read: it is not UTF-8"):
        compared(file, federation=False)
