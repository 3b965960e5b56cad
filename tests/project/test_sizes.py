"""How large the house may be: lines of code (without docstrings and comments), and files."""

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from tests.project.sources import PACKAGES, PARTS, ROOT, code_lines, sources

# The most that each part may have. Who takes lines away lowers the limit.
LIMITS = {
    "engine/core": 972,
    "engine": 13048,
    "nn": 7165,
    "engine and nn": 20213,
}
FILES = 23  # in one folder


@pytest.mark.parametrize("part", PARTS)
def test_no_part_grows(part: str) -> None:
    lines = {str(path.relative_to(ROOT)): code_lines(path) for path in PARTS[part]}
    assert sum(lines.values()) <= LIMITS[part], f"{sum(lines.values())} lines of code: {lines}"


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
    assert {name: folders for name, folders in homes.items() if len(folders) > 1} == {}


def test_no_folder_is_a_flat_list() -> None:
    folders = Counter(path.parent for path in sources(*PACKAGES) if path.name != "__init__.py")
    assert {str(folder): files for folder, files in folders.items() if files > FILES} == {}
