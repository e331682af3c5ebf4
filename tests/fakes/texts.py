"""README and guides, as they are written."""

from __future__ import annotations

import re
from pathlib import Path

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
)

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
GUIDES = {path.stem: path.read_text("utf-8") for path in (ROOT / "gateway/site/guide").glob("*.md")}


def blocks(text: str, language: str) -> list[str]:
    """The fenced code blocks in one language."""
    return re.findall(rf"^```{language}(?: \S+)?\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def parts_of(kind):
    if isinstance(kind, GraphQLEnumType):
        return list(kind.values.values())
    if isinstance(kind, GraphQLInputObjectType):
        return list(kind.fields.values())
    if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
        fields = list(kind.fields.values())
        return fields + [argument for field in fields for argument in field.args.values()]
    return []
