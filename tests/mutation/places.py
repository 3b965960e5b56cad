"""Places of a file that can be mutated, and their mutants."""

import ast
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from difflib import unified_diff
from functools import cache, cached_property
from pathlib import Path
from warnings import catch_warnings

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

Position = tuple[int, int]

SURVIVORS = Path(__file__).with_name("survivors.txt")
# arguments of zip and of a dataclass that forbid what nobody does, and where checks draw numbers
IDLE = "strict", "frozen", "slots", "domain"
SAME = "_Is_Eq", "_IsNot_NotEq"  # `x is None` and `x == None` are one to a test


@dataclass(frozen=True)
class Mutant:
    """A file with one small fault."""

    path: Path
    line: int
    operator: str
    occurrence: int
    before: str

    @cached_property
    def after(self) -> str:
        """The text of the file with the fault."""
        text: str = mutate_code(self.before, get_operator(self.operator)(), self.occurrence)
        return text

    @property
    def runs(self) -> bool:
        """Whether it is Python: some operators take the stars of `f(**x)` for a power."""
        with suppress(SyntaxError), catch_warnings(action="ignore"):
            return bool(compile(self.after, str(self.path), "exec"))
        return False

    def diff(self, around: int = 1) -> list[str]:
        """The lines that differ, with so many around them."""
        texts = self.before.splitlines(), self.after.splitlines()
        return [*unified_diff(*texts, lineterm="", n=around)][2:]

    def change(self) -> tuple[str, ...]:
        """What tells it from other mutants for as long as its lines stay, wherever they move."""
        lines = [line for line in self.diff(around=0) if not line.startswith("@@")]
        return self.path.as_posix(), *(f"{line[0]} {line[1:].strip()}" for line in lines)

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.operator.removeprefix('core/')}"


@cache
def excused() -> dict[tuple[str, ...], str]:
    """What survivors.txt says of mutants: below its heading, paragraphs of a
    path, the lines that differ and a reason.
    """
    found = {}
    for paragraph in SURVIVORS.read_text(encoding="utf-8").strip().split("\n\n")[1:]:
        lines = paragraph.splitlines()
        change = [lines[0], *(line for line in lines[1:] if line[:2] in ("- ", "+ "))]
        found[tuple(change)] = " ".join(lines[len(change) :])
    return found


def sites(path: Path, root: Path) -> list[list[Mutant]]:
    """The mutants of a file, by place.

    Left out is what no run of a program depends on: annotations, and what only a type checker sees.
    """
    text = (root / path).read_text(encoding="utf-8")
    nodes, idle = [*ast_nodes(get_ast(text))], _idle(ast.parse(text))
    found = defaultdict[Position, list[Mutant]](list)
    for name in operator_names():
        kind = get_operator(name)
        if kind.arguments() or name.endswith(SAME):
            continue
        operator = kind()
        places = [at for node in nodes for at in operator.mutation_positions(node)]
        for occurrence, (start, _) in enumerate(places):
            if not any(first <= start < last for first, last in idle):
                found[start].append(Mutant(path, start[0], name, occurrence, text))
    return [found[place] for place in sorted(found)]


def _idle(tree: ast.Module) -> list[tuple[Position, Position]]:
    """From where to where nothing is that a run depends on."""
    spans: list[ast.AST | None] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign | ast.arg):
            spans.append(node.annotation)
        elif isinstance(node, ast.FunctionDef):
            overload = "overload" in [ast.unparse(each) for each in node.decorator_list]
            spans += [*node.decorator_list, node] if overload else [node.returns]
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            spans += [node.test, *node.body]
        elif isinstance(node, ast.keyword) and node.arg in IDLE:
            spans.append(node.value)
    return [
        ((each.lineno, each.col_offset - 1), (each.end_lineno or 0, each.end_col_offset or 0))
        for each in spans
        if isinstance(each, ast.expr | ast.stmt)
    ]


def statement(text: str, line: int) -> tuple[range, bool]:
    """The lines of the statement at a line, of an `if` or a loop those above its body; and whether
    they are in a function, so that importing the file does not run them.
    """
    nodes = [*ast.walk(ast.parse(text))]
    heads = [_head(node) for node in nodes if isinstance(node, ast.stmt)]
    inside = any(
        node.body[0].lineno <= line <= (node.end_lineno or 0)
        for node in nodes
        if isinstance(node, ast.FunctionDef)
    )
    around = [lines for lines in heads if line in lines]
    return max(around, key=min, default=range(line, line + 1)), inside


def _head(node: ast.stmt) -> range:
    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
    body = getattr(node, "body", None)
    return range(first, body[0].lineno if body else (node.end_lineno or 0) + 1)
