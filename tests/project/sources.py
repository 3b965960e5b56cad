"""The project's own sources, as these tests look at them."""

import ast
import functools
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("engine", "nn")


def sources(*packages: str) -> list[Path]:
    """Every Python file of the packages, in order."""
    return [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PARTS = {
    "engine/core": sources("engine/core"),
    "engine": sources("engine"),
    "nn": sources("nn"),
    "engine and nn": sources("engine", "nn"),
}
MODULES = {module_name(path): path for path in sources(*PACKAGES)}


@functools.cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def docstrings(tree: ast.Module) -> list[ast.Expr]:
    """The docstrings of a file: its own, and those of its classes and functions."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                found += [first] if isinstance(first.value.value, str) else []
    return found


def code_lines(path: Path) -> int:
    """How many lines of a file are neither empty nor comments nor docstrings."""
    said = {
        number
        for text in docstrings(parse(path))
        for number in range(text.lineno, (text.end_lineno or text.lineno) + 1)
    }
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    return sum(
        1
        for number, line in lines
        if number not in said and line.strip() and not line.strip().startswith("#")
    )
