"""The project's own sources, as these tests look at them."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("engine", "nn")


def sources(*packages: str) -> list[Path]:
    """Every Python file of the packages, in order."""
    return [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sources(*PACKAGES)}


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))
