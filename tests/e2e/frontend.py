"""A frontend's folder as its makers have it: operations, generated types, compiled programs."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from graphql import OperationDefinitionNode, parse

from tests.e2e.node import needs_packages, run_tool
from tests.e2e.processes import ROOT

CLIENTS = Path(__file__).parent / "clients"
README = ROOT / "README.md"
GUIDES = ROOT / "gateway" / "site" / "guide"
GUIDE = GUIDES / "frontends.md"
PROGRAMS = (
    "apollo",
    "apollo-manifest",
    "genql",
    "graphql-http",
    "graphql-request",
    "relay",
    "urql",
)
CACHES = "caches"
"""The program that reads through the caches that the guide configures."""
MANIFESTS = ("relay-documents.json", "src/gql/persisted-documents.json", "apollo-manifest.json")
"""What the generators list for the gateway."""

_BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def operations_on(page: Path) -> dict[str, str]:
    """The operations that a page of Markdown shows, by their names."""
    blocks = _BLOCK.findall(page.read_text("utf-8"))
    return {_name(text): text for language, _, text in blocks if language == "graphql"}


def files_on(page: Path) -> dict[str, str]:
    """The files that a page of Markdown shows, operations apart, by their paths."""
    blocks = _BLOCK.findall(page.read_text("utf-8"))
    return {path: text for language, path, text in blocks if path and language != "graphql"}


def make_frontend(folder: Path) -> None:
    """Lay out what README and guide show, and run the generators of all clients."""
    needs_packages(CLIENTS)
    shutil.copytree(
        CLIENTS, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules", ".*")
    )
    (folder / "node_modules").symlink_to(CLIENTS / "node_modules")
    shutil.copy(ROOT / "schema.graphql", folder)
    for path, text in files_on(GUIDE).items():
        (folder / path).write_text(text, "utf-8")
    _write_operations(
        folder / "src",
        operations_on(README) | operations_on(GUIDES / "applications.md") | operations_on(GUIDE),
    )
    run_tool(folder, "graphql-codegen", "--config", "codegen.ts")
    run_tool(folder, "relay-compiler")
    run_tool(folder, "generate-persisted-query-manifest", "--config", "apollo-manifest.config.cjs")
    run_tool(folder, "genql", "--schema", "schema.graphql", "--output", "src/genql")


def compile_programs(folder: Path) -> None:
    """Bundle each program for Node."""
    run_tool(
        folder,
        "esbuild",
        *(f"src/{name}.ts" for name in (*PROGRAMS, CACHES)),
        "--bundle",
        "--platform=node",
        "--format=cjs",
        "--out-extension:.js=.cjs",
        "--outdir=programs",
        "--log-level=warning",
    )


def compile_page(folder: Path, source: str) -> str:
    """One script for a browser, made of a program and all that it imports."""
    return run_tool(
        folder, "esbuild", source, "--bundle", '--define:process.env.NODE_ENV="production"'
    )


def _write_operations(source: Path, operations: dict[str, str]) -> None:
    (source / "operations").mkdir()
    (source / "relay" / "__generated__").mkdir(parents=True)
    for name, text in operations.items():
        (source / "operations" / f"{name}.graphql").write_text(text, "utf-8")
        (source / "relay" / f"{name}.ts").write_text(_relay_module(name, text), "utf-8")


def _relay_module(name: str, text: str) -> str:
    # Relay wants an operation to be named after its module and its kind.
    operation = _operation(text)
    kind = operation.operation.value
    renamed = text.replace(f"{kind} {name}", f"{kind} {name}{kind.title()}", 1)
    return f'import {{ graphql }} from "relay-runtime";\n\nexport default graphql`\n{renamed}`;\n'


def _name(text: str) -> str:
    name = _operation(text).name
    assert name is not None, "an operation without a name"
    return name.value


def _operation(text: str) -> OperationDefinitionNode:
    (operation,) = parse(text).definitions
    assert isinstance(operation, OperationDefinitionNode)
    return operation
