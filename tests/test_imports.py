"""Imports run one way, so that each part can be read, tested and replaced by itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "gateway"

GROUND = {"background", "operator_error", "stop_signals", "watched_file"}
"""Modules beside the rooms that import nothing of the house; all may use them."""
# What each room, and each module beside the rooms, may import of the others.
ALLOWED: dict[str, str] = {
    "settings": "",
    "http": "settings",
    "upstream": "http settings",
    "invites": "upstream settings",
    "stores": "invites settings",
    "applications": "invites upstream settings",
    "graphql": "applications invites http settings",
    "server": "http settings",
    "sandbox": "server settings",
    "access": "server invites upstream http settings",
    "checks": "access server graphql stores upstream settings",
    "service": "access applications stores invites upstream settings",
    "spreadsheet": "service invites upstream settings",
    "telemetry": "service server graphql applications invites upstream http settings",
    "site": "telemetry server http settings",
    "app": "checks site telemetry service access server graphql stores invites upstream http settings",
    "commands": "app checks sandbox spreadsheet service telemetry server access graphql stores invites"
    " upstream settings",
    "cli": "checks commands sandbox spreadsheet site access server graphql stores invites settings",
    "__main__": "cli",
}
MODULES = sorted(PACKAGE.rglob("*.py"))


@cache
def imported(module: Path) -> tuple[str, ...]:
    """The full names of all modules that a module imports, wherever in it."""
    return tuple(_imported(module))


def _imported(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""
            named = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from filter(is_module, named)


def is_module(name: str) -> bool:
    """Whether it is a module, as in `from package import module`, and nothing within one."""
    path = PACKAGE.parent.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def room_of(name: str) -> str:
    """The room, or the module beside the rooms, that a full name within the package is in."""
    return name.split(".")[1] if name.startswith("gateway.") else ""


def test_every_room_has_its_floor():
    """Whoever adds a room says what it may import."""
    rooms = {module.relative_to(PACKAGE).parts[0].removesuffix(".py") for module in MODULES}

    assert rooms - {"__init__"} == set(ALLOWED) | GROUND


def test_few_modules_lie_beside_the_rooms():
    """The top of the package is seen at a glance."""
    assert len([module for module in PACKAGE.glob("*.py") if "__" not in module.name]) <= 8


@pytest.mark.parametrize("room", ALLOWED)
def test_arrows_run_down(room):
    """A room imports only what stands above it in the table: there is no circle."""
    rooms = [*ALLOWED]

    assert set(ALLOWED[room].split()) <= set(rooms[: rooms.index(room)])


@pytest.mark.parametrize("room", [*ALLOWED, *GROUND])
def test_rooms_import_downwards(room):
    """The edge knows nothing of the upstream, the core nothing of GraphQL or HTTP."""
    strays = [
        (module.name, name)
        for module in MODULES
        for name in imported(module)
        if module.relative_to(PACKAGE).parts[0].removesuffix(".py") == room
        and room_of(name)
        not in {
            "",
            room,
            *ALLOWED.get(room, "").split(),
            *(GROUND - {room} if room in ALLOWED else ()),
        }
    ]

    assert strays == []


def test_no_modules_import_each_other():
    """Late imports and those for types alone count too: each module can be read after those below."""
    names = {
        ".".join(one.relative_to(PACKAGE.parent).with_suffix("").parts): one for one in MODULES
    }
    graph = {name: names.keys() & {*imported(one)} for name, one in names.items()}

    TopologicalSorter(graph).prepare()


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

    assert [str(module.relative_to(PACKAGE)) for module in users] == ["upstream/httpx_client.py"]


def test_commands_alone_import_the_stand_in():
    """Production code cannot come to depend on it."""
    users = {
        module.relative_to(PACKAGE).parts[0]
        for module in MODULES
        if any(name.startswith("gateway.sandbox") for name in imported(module))
    }

    assert users <= {"cli.py", "commands", "sandbox"}


def test_no_test_module_imports_another():
    """What tests share is in tests/fakes: a test can be moved or deleted by itself."""
    tests = [*Path(__file__).parent.rglob("test_*.py")]
    strays = [
        (module.name, name)
        for module in tests
        for name in imported(module)
        if name.startswith("tests.") and name.rpartition(".")[2].startswith("test_")
    ]

    assert tests
    assert strays == []
