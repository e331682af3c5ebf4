"""`python -m tests.mutation [--each N] [--seed N] [MODULE …]`: does a test notice?

Each mutant changes one place of one module in a copy of the tree: a comparison, a truth, a number,
a call that is left out. The module's own tests run first, then all of its room. Printed is
which test noticed each mutant, if any, and how many were noticed, by module and by room.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
ROOMS = ("invites", "upstream")
SECONDS = 300
SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--each", type=int, default=8, help="mutants of each module, at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("modules", nargs="*", help="such as invites/evidence.py; else all")
    given = parser.parse_args()
    modules = given.modules or [
        str(path.relative_to(ROOT / "gateway"))
        for room in ROOMS
        for path in sorted((ROOT / "gateway" / room).rglob("*.py"))
        if path.name != "__init__.py"
    ]
    with tempfile.TemporaryDirectory(prefix="gateway-mutation-") as folder:
        tree = copied(Path(folder))
        for room in sorted({module.split("/")[0] for module in modules}):
            # A test that fails anyway would seem to notice everything.
            if found := failing(tree, tree / "tests" / room):
                sys.exit(f"{room}/ without a mutant: {found}")
        rooms: dict[str, Counter[bool]] = defaultdict(Counter)
        for module in modules:
            noticed = tried(tree, module, given.each, given.seed)
            print(f"{module}: {noticed[True]} of {noticed.total()} noticed", flush=True)
            rooms[module.split("/")[0]] += noticed
    for room, noticed in rooms.items():
        print(f"{room}/ (seed {given.seed}): {noticed[True]} of {noticed.total()} noticed")


def tried(tree: Path, module: str, each: int, seed: int) -> Counter[bool]:
    """How many mutants of one module were noticed, and how many were not."""
    source = (ROOT / "gateway" / module).read_text("utf-8")
    mutants = list(mutants_of(source))
    # The sample of a module is the same whichever others are run beside it.
    sample = random.Random(f"{seed} {module}").sample(mutants, min(each, len(mutants)))
    counts: Counter[bool] = Counter()
    for line, change, text in sample:
        (tree / "gateway" / module).write_text(text, "utf-8")
        noticed_by = noticing(tree, module)
        counts[noticed_by is not None] += 1
        print(f"{module}:{line}: {change}: {noticed_by or 'NOT NOTICED'}", flush=True)
    (tree / "gateway" / module).write_text(source, "utf-8")
    return counts


def copied(folder: Path) -> Path:
    """A copy of what the tests need."""
    for name in ("gateway", "tests", "pyproject.toml", "README.md", "schema.graphql"):
        source = ROOT / name
        if source.is_dir():
            leave = shutil.ignore_patterns("node_modules", "__pycache__")
            shutil.copytree(source, folder / name, ignore=leave)
        else:
            shutil.copy(source, folder / name)
    return folder


def mutants_of(source: str) -> Iterator[tuple[int, str, str]]:
    """The line, the change and the whole text of each."""
    tree = ast.parse(source)
    # How a class is made matters to no invite, and what a limit is set to is a choice.
    parts: list[ast.AST] = [one for one in tree.body if isinstance(one, ast.AnnAssign | ast.Assign)]
    for node in ast.walk(tree):
        parts += node.decorator_list if isinstance(node, ast.ClassDef) else []
    left_alone = {id(inner) for part in parts for inner in ast.walk(part)}
    for place, node in enumerate(ast.walk(tree)):
        for change in () if id(node) in left_alone else changes_of(node):
            mutant = copy.deepcopy(tree)
            changed = next(one for at, one in enumerate(ast.walk(mutant)) if at == place)
            change_in(changed, change)
            ast.fix_missing_locations(mutant)
            described = f"{ast.unparse(node)} → {ast.unparse(changed)}"
            yield node.lineno, described, ast.unparse(mutant)  # type: ignore[attr-defined]


def changes_of(node: ast.AST) -> Iterator[Any]:
    """What may be changed in one node."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
        yield SWAPS[type(node.ops[0])]()
    elif isinstance(node, ast.BoolOp) or (
        isinstance(node, ast.BinOp) and type(node.op) in SWAPS and not is_union(node)
    ):
        yield SWAPS[type(node.op)]()
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield not node.value
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield node.value + 1
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call | ast.Await):
        yield ast.Pass()


def is_union(node: ast.BinOp) -> bool:
    return isinstance(node.op, ast.BitOr)


def change_in(node: ast.AST, change: Any) -> None:
    if isinstance(node, ast.Compare):
        node.ops[0] = change
    elif isinstance(node, ast.BoolOp | ast.BinOp):
        node.op = change
    elif isinstance(node, ast.Constant):
        node.value = change
    elif isinstance(node, ast.UnaryOp):
        # Twice "not" is what is under it, as far as truth goes.
        node.operand = ast.UnaryOp(ast.Not(), node.operand)
    elif isinstance(node, ast.Expr):
        node.value = ast.Constant(None)


def noticing(tree: Path, module: str) -> str | None:
    """The first test of the module or of its room that fails."""
    path = tree / "tests" / module
    own = path.with_name(f"test_{path.name}")
    room = tree / "tests" / Path(module).parts[0]
    return (failing(tree, own) if own.exists() else None) or failing(tree, room)


def failing(tree: Path, chosen: Path) -> str | None:
    """The first test that fails, which a busy machine may have a part in; or that all hangs."""
    try:
        ran = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", str(chosen)],
            cwd=tree,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"no end within {SECONDS} seconds"
    if ran.returncode < 0:
        sys.exit(f"pytest was ended by signal {-ran.returncode}")
    if not ran.returncode:
        return None
    named = [line for line in ran.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return named[0][:150] if named else f"pytest ended with {ran.returncode}"


if __name__ == "__main__":
    main()
