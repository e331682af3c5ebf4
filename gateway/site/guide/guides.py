"""The guides: the Markdown files of this folder."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

# In the order that a newcomer needs them; guides not listed here come last.
ORDER = (
    "frontends",
    "spreadsheets",
    "applications",
    "errors",
    "reliability",
    "access",
    "operations",
    "settings",
    "federation",
    "stand-in",
    "speed",
    "dependencies",
)


@dataclass(frozen=True, slots=True)
class Guide:
    """One Markdown file of this folder: title, summary paragraph, text."""

    name: str
    markdown: str

    @property
    def title(self) -> str:
        return self.markdown.partition("\n")[0].removeprefix("# ")

    @property
    def summary(self) -> str:
        return self.markdown.split("\n\n")[1]


def read_guides() -> list[Guide]:
    """All guides, in the order of the list."""
    folder = files(__package__)
    guides = [
        Guide(file.name.removesuffix(".md"), file.read_text("utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".md")
    ]
    return sorted(guides, key=_place)


def _place(guide: Guide) -> tuple[int, str]:
    return (ORDER.index(guide.name) if guide.name in ORDER else len(ORDER), guide.name)
