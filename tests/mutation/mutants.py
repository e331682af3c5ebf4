"""Which places of a module are changed, one at a time, and how.

Left out, because no test should notice: annotations, docstrings, decorators, assertions, log
lines, `__repr__`, `strict` of `zip`, texts with a space in them (prose), and numbers that are a choice: those that
are all of a constant, or of the default of a field or a parameter.
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType
from typing import Any, Final

_TURNED: Final[dict[type[ast.AST], tuple[type[ast.AST], ...]]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Mult,),
}
_OTHER_END: Final = {"min": "max", "max": "min", "any": "all", "all": "any"}
_LONGEST_LINE: Final = 160
_AROUND: Final = 40


@dataclass(slots=True, eq=False)
class Mutant:
    """One change of one place; `lines` are those of the statement that it is in."""

    module: str
    name: str
    lines: range
    is_in_function: bool
    tree: ast.Module
    owner: ast.AST
    field: str
    index: int | None
    new: Any

    def code(self, path: str) -> CodeType:
        """The whole module with the change."""
        old = _put(self.owner, self.field, self.index, self.new)
        try:
            return compile(ast.fix_missing_locations(self.tree), path, "exec", dont_inherit=True)
        finally:
            _put(self.owner, self.field, self.index, old)


def mutants_of(module: str, source: str) -> list[Mutant]:
    """All mutants; each name says the function and the change, and is used once."""
    tree = ast.parse(source)
    seen: Counter[str] = Counter()
    mutants = []
    for mutant in _Places(module, tree).within(tree, statement=tree, place="", inside=False):
        seen[mutant.name] += 1
        if seen[mutant.name] > 1:
            mutant.name += f" ({seen[mutant.name]})"
        mutants.append(mutant)
    return mutants


def _put(owner: ast.AST, field: str, index: int | None, new: Any) -> Any:
    """Put the new part in the old one's place; the old one."""
    if index is None:
        old = getattr(owner, field)
        setattr(owner, field, new)
    else:
        old = getattr(owner, field)[index]
        getattr(owner, field)[index] = new
    return old


class _Places:
    def __init__(self, module: str, tree: ast.Module) -> None:
        self._module = module
        self._tree = tree

    def within(
        self, owner: ast.AST, *, statement: ast.AST, place: str, inside: bool
    ) -> Iterator[Mutant]:
        for field, index, node in _parts(owner):
            if _is_left_out(owner, field, node):
                continue
            around = node if isinstance(node, ast.stmt | ast.ExceptHandler) else statement
            is_inside = inside or (_is_function(owner) and field == "body")
            for new in _changes(owner, field, node):
                old_text = ast.unparse(around if around is not node else node)
                old = _put(owner, field, index, new)
                new_text = ast.unparse(new if around is node else around)
                _put(owner, field, index, old)
                change = _difference(old_text, new_text)
                yield Mutant(
                    self._module,
                    f"{self._module} {place or 'module'}: {change}",
                    _lines_of(around),
                    is_inside,
                    self._tree,
                    owner,
                    field,
                    index,
                    new,
                )
            inner = place
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                inner = f"{place}.{node.name}".lstrip(".")
            yield from self.within(node, statement=around, place=inner, inside=is_inside)


def _is_function(node: ast.AST) -> bool:
    """One whose code may be exchanged: what a cached one gave may be there already."""
    return isinstance(node, ast.Lambda) or (
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and "cache" not in map(ast.unparse, node.decorator_list)
    )


def _parts(owner: ast.AST) -> Iterator[tuple[str, int | None, ast.AST]]:
    for field, value in ast.iter_fields(owner):
        if isinstance(value, list):
            yield from (
                (field, at, one) for at, one in enumerate(value) if isinstance(one, ast.AST)
            )
        elif isinstance(value, ast.AST):
            yield field, None, value


def _is_left_out(owner: ast.AST, field: str, node: ast.AST) -> bool:
    if field in ("annotation", "returns", "decorator_list", "bases", "ctx"):
        return True
    match owner:
        case ast.ClassDef() if field == "keywords":
            return True
        case ast.keyword(arg="strict"):
            return True
        case ast.Call(func=ast.Name(id="cast")) if field == "args" and node is owner.args[0]:
            return True
    if isinstance(node, ast.expr):
        is_default = field in ("defaults", "kw_defaults")
        return isinstance(node, ast.JoinedStr) or (is_default and _is_number(node))
    return isinstance(node, ast.stmt) and _is_statement_left_out(node, owner)


def _is_statement_left_out(node: ast.stmt, owner: ast.AST) -> bool:
    match node:
        case ast.Expr(value=ast.Constant() | ast.Call() as value):
            called = ast.unparse(value.func) if isinstance(value, ast.Call) else ""
            return not called or called.startswith("log.") or called == "assert_never"
        case ast.Assign(targets=[target]) | ast.AnnAssign(target=target):
            return _is_name_of_type(node, ast.unparse(target)) or (
                isinstance(owner, ast.Module | ast.ClassDef)
                and node.value is not None
                and _is_number(node.value)
            )
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.If(orelse=[]):
            return all(_is_statement_left_out(inner, node) for inner in node.body)
        case ast.FunctionDef(name="__repr__") | ast.Assert() | ast.Import() | ast.ImportFrom():
            return True
    return False


def _is_name_of_type(node: ast.stmt, name: str) -> bool:
    if isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == "TypeAlias":
        return True
    value = getattr(node, "value", None)
    called = ast.unparse(value.func) if isinstance(value, ast.Call) else ""
    return called in ("NewType", "TypeVar", "logging.getLogger") or name in ("__slots__", "__all__")


def _is_number(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return _is_number(node.left) and _is_number(node.right)
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def _changes(owner: ast.AST, field: str, node: ast.AST) -> Iterator[ast.AST]:
    """What may stand in the node's place."""
    if isinstance(node, ast.expr):
        yield from _changes_of_expression(node)
        is_condition = field == "test" or (field == "ifs" and isinstance(owner, ast.comprehension))
        if is_condition and not isinstance(node, ast.Compare | ast.BoolOp | ast.UnaryOp):
            yield ast.UnaryOp(ast.Not(), node)
    elif isinstance(node, ast.stmt | ast.ExceptHandler):
        yield from _changes_of_statement(node)


def _changes_of_expression(node: ast.expr) -> Iterator[ast.AST]:
    if isinstance(node, ast.Compare):
        for at, operator in enumerate(node.ops):
            for turned in _TURNED.get(type(operator), ()):
                yield _with(node, ops=[*node.ops[:at], turned(), *node.ops[at + 1 :]])
    elif isinstance(node, ast.BoolOp | ast.BinOp):
        yield from (_with(node, op=turned()) for turned in _TURNED.get(type(node.op), ()))
        if isinstance(node, ast.BoolOp):
            yield from _without_one(node, "values")
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    elif isinstance(node, ast.Constant):
        yield from (ast.Constant(value) for value in _other_values(node.value))
    elif isinstance(node, ast.Call):
        yield from _changes_of_call(node)


def _changes_of_call(node: ast.Call) -> Iterator[ast.AST]:
    for at, keyword in enumerate(node.keywords):
        if keyword.arg and keyword.arg != "strict":
            yield _with(node, keywords=[*node.keywords[:at], *node.keywords[at + 1 :]])
    if isinstance(node.func, ast.Name) and node.func.id in _OTHER_END:
        yield _with(node, func=ast.Name(_OTHER_END[node.func.id], ast.Load()))


def _changes_of_statement(node: ast.stmt | ast.ExceptHandler) -> Iterator[ast.AST]:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call | ast.Await):
        yield ast.copy_location(ast.Pass(), node)
    elif isinstance(node, ast.Return) and node.value and not _is_truth(node.value):
        yield _with(node, value=ast.Constant(None))
    elif isinstance(node, ast.AugAssign):
        yield from (_with(node, op=turned()) for turned in _TURNED.get(type(node.op), ()))
    elif isinstance(node, ast.Break | ast.Continue):
        other = ast.Continue if isinstance(node, ast.Break) else ast.Break
        yield ast.copy_location(other(), node)
    elif isinstance(node, ast.With | ast.AsyncWith):
        if not any(item.optional_vars for item in node.items):
            yield ast.copy_location(ast.If(ast.Constant(True), node.body, []), node)
    elif isinstance(node, ast.ExceptHandler) and isinstance(node.type, ast.Tuple):
        yield from (_with(node, type=fewer) for fewer in _without_one(node.type, "elts"))
    elif isinstance(node, ast.ExceptHandler) and node.type:
        yield _with(node, type=ast.Tuple([], ast.Load()))


def _is_truth(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value in (None, True, False)


def _other_values(value: object) -> Iterator[Any]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield from (value + 1, value - 1)
    elif isinstance(value, bytes) and value:
        yield bytes([value[0] ^ 1]) + value[1:]
    elif isinstance(value, str) and value and " " not in value:
        yield chr(ord(value[0]) ^ 1) + value[1:]


def _with(node: Any, **fields: Any) -> Any:
    """The node with other fields; what is not replaced is shared with it."""
    other = copy.copy(node)
    for field, value in fields.items():
        setattr(other, field, value)
    return other


def _without_one(node: ast.BoolOp | ast.Tuple, field: str) -> Iterator[ast.AST]:
    parts = getattr(node, field)
    for at in range(len(parts)):
        rest = [*parts[:at], *parts[at + 1 :]]
        yield rest[0] if len(rest) == 1 else _with(node, **{field: rest})


def _lines_of(node: ast.AST) -> range:
    """The lines of a statement, or of its head if it has a body."""
    if not isinstance(node, ast.stmt | ast.ExceptHandler):
        return range(0)
    body = getattr(node, "body", None)
    last = max(node.lineno, body[0].lineno - 1) if body else (node.end_lineno or node.lineno)
    return range(node.lineno, last + 1)


def _difference(old: str, new: str) -> str:
    """The lines that differ; of long ones, what differs and a little around it."""
    before, after = old.splitlines(), new.splitlines()
    while before and after and before[-1] == after[-1]:
        del before[-1], after[-1]
    while before and after and before[0] == after[0]:
        del before[0], after[0]
    texts = [" ".join(line.strip() for line in lines) for lines in (before, after)]
    if max(map(len, texts)) > _LONGEST_LINE:
        start = max(0, _same(*texts) - _AROUND)
        end = _same(*(text[start:][::-1] for text in texts)) - _AROUND
        texts = [text[start : len(text) - max(0, end)] for text in texts]
    return " → ".join(texts)


def _same(one: str, other: str) -> int:
    """How many characters at the start are the same."""
    pairs = zip(one, other, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
