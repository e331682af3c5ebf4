"""Imports run one way, so that each part can be read, tested and replaced by itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "gateway"

# What each folder may import of the others. The modules beside the folders put the parts
# together; a store knows what a record is, and the core only what a store can do.
ALLOWED = {
    "graphql": {"gateway", "gateway.graphql", "gateway.applications", "gateway.invites"},
    "applications": {"gateway.applications", "gateway.invites", "gateway.upstream"},
    "invites": {"gateway.invites", "gateway.upstream"},
    # A secret in a file is watched in the same way wherever it is used.
    "upstream": {"gateway.upstream", "gateway.watched_file"},
    "stores": {"gateway.stores", "gateway.invites.idempotency"},
    "sandbox": {"gateway.sandbox"},
}
MODULES = sorted(PACKAGE.rglob("*.py"))


def imported(module: Path) -> Iterator[str]:
    """The full names of all modules that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""


def is_within(name: str, allowed: set[str]) -> bool:
    return any(name == one or (one != "gateway" and name.startswith(one + ".")) for one in allowed)


@pytest.mark.parametrize("folder", ALLOWED)
def test_folders_import_downwards(folder):
    """The edge knows nothing of the upstream, the core nothing of GraphQL or HTTP."""
    strays = [
        (module.name, name)
        for module in (PACKAGE / folder).rglob("*.py")
        for name in imported(module)
        if name.split(".")[0] == "gateway" and not is_within(name, ALLOWED[folder])
    ]

    assert strays == []


def test_core_and_upstream_are_free_of_frameworks():
    """What decides about invites runs without a web framework or a schema library."""
    frameworks = {"graphql", "strawberry", "starlette", "uvicorn"}
    strays = [
        (module.name, name)
        for folder in ("applications", "invites", "upstream", "stores")
        for module in (PACKAGE / folder).rglob("*.py")
        for name in imported(module)
        if name.split(".")[0] in frameworks
    ]

    assert strays == []


def test_one_module_imports_httpx2():
    """What a client proves is known in one place."""
    users = [module for module in MODULES if any(n.startswith("httpx") for n in imported(module))]

    assert [str(module.relative_to(PACKAGE)) for module in users] == ["upstream/client.py"]


def test_commands_alone_import_the_stand_in():
    """Production code cannot come to depend on it."""
    users = {
        module.relative_to(PACKAGE).parts[0]
        for module in MODULES
        if any(name.startswith("gateway.sandbox") for name in imported(module))
    }

    assert users <= {"cli.py", "dev.py", "sandbox"}
