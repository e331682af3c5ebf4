"""The explorer's files: a fixed list, read and checked once at start.

GraphiQL and React come from the installed package `graphene-django-graphiql-static`. Only these
files and the version number are used: no Django, no other code.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable

from gateway.operator_error import OperatorError

VENDOR_PACKAGE = "graphene_django_graphiql_static"
VENDOR_DISTRIBUTION = "graphene-django-graphiql-static==0.8"

# npm's react 17.0.2 and react-dom 17.0.2 (umd/), byte for byte, and graphiql 2.4.7, which has
# one more line break at its end here. All are under the MIT licence.
VENDOR_SHA256 = {
    "graphiql.min.css": "c6cd4b83f01c5e1ff4975d77bc957184dce6dec0155fbf9cc4d9190eba8a7b9d",
    "graphiql.min.js": "c564de05b95d184e2c5ba5ceaf2635821f6bf92f2d5777b74d91004ff6b591d1",
    "react-dom.production.min.js": (
        "9db33292007ab6c38527b39d5663e976a305564e19b2a5a8713ea2b2c00f505d"
    ),
    "react.production.min.js": "229bbf4d0e7488209564152c6723497f1ac3934136ca1684233d2fa88fa4146f",
}
OWN_NAMES = (
    "address.js",
    "editors.js",
    "examples.js",
    "exchange.js",
    "explorer.css",
    "explorer.js",
    "icon.svg",
    "memory.js",
    "platform.js",
    "token.js",
    "tools.js",
    "watched.js",
)
PAGE_NAME = "index.html"
# Fonts: two fifths of what the page would load, for letters that every system has.
_FONTS = re.compile(rb"@font-face\s*\{.*?\}", re.DOTALL)
_VERSION_MARK = b"{version}"

_CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class ExplorerFilesError(OperatorError):
    """The files of GraphiQL are missing, or not those that this explorer was tested with."""


@dataclass(frozen=True)
class ExplorerFile:
    """One file as it is sent."""

    name: str
    content: bytes

    @property
    def content_type(self) -> str:
        return _CONTENT_TYPES[self.name[self.name.rindex(".") :]]

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @cached_property
    def gzipped(self) -> bytes:
        """The content compressed, on first use: clients on loopback do not get it."""
        return gzip.compress(self.content, mtime=0)


@dataclass(frozen=True)
class Explorer:
    """The page, the files it loads, and the version of them all."""

    page: ExplorerFile
    assets: tuple[ExplorerFile, ...]
    version: str


def read_explorer() -> Explorer:
    """All of the explorer. Raises ExplorerFilesError."""
    own = files(__package__) / "static"
    assets = (*_own_files(own), *_vendor_files())
    version = _version_of(assets)
    page = (own / PAGE_NAME).read_bytes().replace(_VERSION_MARK, version.encode())
    return Explorer(ExplorerFile(PAGE_NAME, page), assets, version)


def _own_files(folder: Traversable) -> Iterator[ExplorerFile]:
    for name in OWN_NAMES:
        yield ExplorerFile(name, (folder / name).read_bytes())


def _vendor_files() -> Iterator[ExplorerFile]:
    folder = _vendor_folder()
    for name, sha256 in VENDOR_SHA256.items():
        try:
            file = ExplorerFile(name, (folder / name).read_bytes())
        except OSError:
            raise _not_ours(name) from None
        if file.sha256 != sha256:
            raise _not_ours(name)
        yield (
            replace(file, content=_FONTS.sub(b"", file.content)) if name.endswith(".css") else file
        )


def _vendor_folder() -> Traversable:
    try:
        return files(VENDOR_PACKAGE) / "static" / VENDOR_PACKAGE
    except ModuleNotFoundError:
        raise ExplorerFilesError(
            f"the explorer needs {VENDOR_DISTRIBUTION}: install it, or turn the explorer off"
        ) from None


def _not_ours(name: str) -> ExplorerFilesError:
    return ExplorerFilesError(
        f"{name} is not the one in {VENDOR_DISTRIBUTION}: install that, or turn the explorer off"
    )


def _version_of(assets: tuple[ExplorerFile, ...]) -> str:
    sums = "\n".join(f"{asset.sha256}  {asset.name}" for asset in assets)
    return hashlib.sha256(sums.encode()).hexdigest()[:16]
