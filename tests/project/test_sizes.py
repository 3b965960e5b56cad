"""How large the house may be: lines of code (without docstrings and comments), and files."""

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from tests.project.sources import PACKAGES, ROOT, code_lines, sources

# What is read in one sitting: the numbers, the nodes, the table, the sweep, and what these need.
CORE = ("numerics", "node", "operation", "ops", "graph", "sweep", "value", "functions", "calculus")
CORE += ("nary", "branches", "inputs", "modes", "nonfinite")
# Who takes lines away lowers the limit.
LIMITS: dict[str, tuple[list[Path], int]] = {
    "the core": ([p for p in sources("engine/core") if p.stem in CORE], 1800),
    "engine/core": (sources("engine/core"), 2400),
    "engine": (sources("engine"), 9600),
    "nn": (sources("nn"), 4300),
    "engine and nn": (sources("engine", "nn"), 13600),
}
FILES = 23  # in one folder


@pytest.mark.parametrize("part", LIMITS)
def test_no_part_grows(part: str) -> None:
    paths, limit = LIMITS[part]
    lines = {path.name: code_lines(path) for path in paths}
    assert sum(lines.values()) <= limit, f"{part} has {sum(lines.values())} lines of code: {lines}"


def test_lines_of_code_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "file.py"
    path.write_text(
        '"""Doc."""\n\n# why\ndef f():\n    """Two\n    lines."""\n    return 1  # why\n'
    )
    assert code_lines(path) == 2


def test_no_two_files_have_one_name() -> None:
    homes = defaultdict(list)
    for path in sources(*PACKAGES):
        homes[path.name].append(str(path.relative_to(ROOT).parent))
    del homes["__init__.py"], homes["__main__.py"]
    assert {name: folders for name, folders in homes.items() if len(folders) > 1} == NOT_YET


NOT_YET = {
    "activations.py": ["nn/drawing", "nn/models"],
    "network.py": ["nn/drawing", "nn/player"],
    "page.py": ["engine/stepping/player", "nn/player"],
}


def test_no_folder_is_a_flat_list() -> None:
    folders = Counter(path.parent for path in sources(*PACKAGES) if path.name != "__init__.py")
    assert {str(folder): files for folder, files in folders.items() if files > FILES} == {}
