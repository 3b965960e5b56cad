"""Places of a file that can be mutated, and their mutants."""

import ast
from collections import defaultdict
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

Position = tuple[int, int]

SAME = "_Is_Eq", "_IsNot_NotEq"  # `x is None` and `x == None` are one to a test


@dataclass(frozen=True)
class Mutant:
    """A file with one small fault."""

    path: Path
    line: int
    operator: str
    occurrence: int
    before: str

    @property
    def after(self) -> str:
        """The text of the file with the fault."""
        text: str = mutate_code(self.before, get_operator(self.operator)(), self.occurrence)
        return text

    def diff(self) -> str:
        """The lines that differ."""
        lines = unified_diff(self.before.splitlines(), self.after.splitlines(), lineterm="", n=1)
        return "\n".join([f"{self}", *[*lines][2:]])

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.operator.removeprefix('core/')}"


def sites(path: Path, root: Path) -> list[list[Mutant]]:
    """The mutants of a file, by place.

    Left out is what no run of a program depends on: annotations, and what only a type checker sees.
    """
    text = (root / path).read_text(encoding="utf-8")
    tree, idle = get_ast(text), _idle(ast.parse(text))
    found = defaultdict[Position, list[Mutant]](list)
    for name in operator_names():
        kind = get_operator(name)
        if kind.arguments() or name.endswith(SAME):
            continue
        operator = kind()
        places = [at for node in ast_nodes(tree) for at in operator.mutation_positions(node)]
        for occurrence, (start, _) in enumerate(places):
            if not any(first <= start < last for first, last in idle):
                found[start].append(Mutant(path, start[0], name, occurrence, text))
    return [found[place] for place in sorted(found)]


def _idle(tree: ast.Module) -> list[tuple[Position, Position]]:
    """From where to where no code is run."""
    spans: list[ast.AST | None] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign | ast.arg):
            spans.append(node.annotation)
        elif isinstance(node, ast.FunctionDef):
            spans.append(node.returns)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            spans += [node.test, *node.body]
    return [
        ((each.lineno, each.col_offset), (each.end_lineno or 0, each.end_col_offset or 0))
        for each in spans
        if isinstance(each, ast.expr | ast.stmt)
    ]
