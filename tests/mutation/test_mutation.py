"""The mutation tester finds its places, chooses the tests, and knows who noticed."""

from collections import defaultdict
from pathlib import Path
from queue import SimpleQueue
from textwrap import dedent

import pytest

pytest.importorskip("cosmic_ray", reason="pip install gradwalk[lint]")
pytest.importorskip("coverage", reason="pip install gradwalk[lint]")

from tests.mutation import plugin
from tests.mutation.__main__ import survives
from tests.mutation.lines import Lines, record
from tests.mutation.places import Mutant, excused, sites, statement
from tests.project.sources import ROOT

CODE = dedent('''
    """What is tested."""

    import subprocess
    import sys
    from typing import TYPE_CHECKING, overload

    if TYPE_CHECKING:
        SEEN = 1 + 2

    LIMIT = 3


    def short(x: "int | None") -> bool:
        y: "int | str" = x
        return y < LIMIT


    @overload
    def half(x: int) -> int: 1 + 1
    def half(x):
        if (
            x
            > 100
        ):
            return 0
        return x // 2


    def unused(x):
        return x + 1


    if __name__ == "__main__":
        print(half(8))
''').lstrip()
TESTS = """
    import subprocess, sys
    import pytest
    from engine.tiny import LIMIT, half, short

    def test_long():
        assert not short(5)

    def test_half():
        assert half(8) == 4

    def test_much():
        assert half(1000) == 0

    def test_program():
        done = subprocess.run([sys.executable, "-m", "engine.tiny"], capture_output=True)
        assert done.stdout.split() == [b"4"]

    def test_that_fails():
        assert half(7) == 3.5

    @pytest.mark.parametrize("x", [x for x in (1, 2, 4) if x >= LIMIT])
    def test_large(x):
        assert x > 3
"""
TINY = "engine/tiny.py"
EMPTY = ("engine/__init__.py", "tests/__init__.py", "tests/mutation/__init__.py")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small tree, and what its tests run."""
    home = tmp_path_factory.mktemp("home")
    plant(home, dedent(TESTS))
    record(home, ["tests"])
    return home


def plant(home: Path, tests: str) -> None:
    files = dict.fromkeys(EMPTY, "") | {TINY: CODE, "tests/test_tiny.py": tests}
    files["tests/mutation/plugin.py"] = Path(plugin.__file__).read_text(encoding="utf-8")
    for name, text in files.items():
        (home / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (home / "tree" / name).write_text(text, encoding="utf-8")


def test_where_tests_do_not_run_nothing_is_measured(tmp_path: Path) -> None:
    plant(tmp_path, "import nothing_of_this_name")
    expected = "ended with the code 2; python -m pytest tests shows why"
    with pytest.raises(RuntimeError, match=expected):
        record(tmp_path, ["tests"])
    assert not (tmp_path / "lines").exists()


def line(text: str) -> int:
    return next(i for i, code in enumerate(CODE.splitlines(), 1) if text in code)


def mutants(home: Path) -> dict[str, list[Mutant]]:
    """Those of each line."""
    found = defaultdict[str, list[Mutant]](list)
    for place in sites(Path(TINY), home / "tree"):
        found[CODE.splitlines()[place[0].line - 1].strip()] += place
    return found


def test_places_that_no_run_depends_on_are_left_out(home: Path) -> None:
    assert list(mutants(home)) == [
        *("LIMIT = 3", "return y < LIMIT", "if (", "> 100", "return 0", "return x // 2"),
        *("return x + 1", 'if __name__ == "__main__":', "print(half(8))"),
    ]


def test_those_are_chosen_that_run_the_line_and_all_where_that_is_not_known(home: Path) -> None:
    ids = {
        name: f"tests/test_tiny.py::test_{name}"
        for name in ("long", "half", "much", "program", "large[4]")
    }
    chosen = {
        code: {name: limit for name, limit in Lines(home).tests(found[0]).items() if limit}
        for code, found in mutants(home).items()
    }
    assert chosen["return y < LIMIT"].keys() == {ids["long"]}
    assert chosen["> 100"].keys() == {ids["half"], ids["much"], ids["program"]}
    assert chosen["return 0"].keys() == {ids["much"]}
    assert chosen["return x // 2"].keys() == {ids["half"], ids["program"]}
    assert chosen["return x + 1"].keys() == set(ids.values())
    assert chosen["LIMIT = 3"].keys() == set(ids.values())
    assert list(chosen["> 100"])[-1] == ids["program"]  # the slowest


def test_who_notices(home: Path) -> None:
    trees: SimpleQueue[Path] = SimpleQueue()
    trees.put(home / "tree")
    found = {m.change()[2]: m for tried in mutants(home).values() for m in tried}
    lived = {
        code: survives(found[f"+ {code}"], trees, Lines(home))
        for code in ("return y > LIMIT", "return y <= LIMIT", "LIMIT = 2", "LIMIT = 4")
    }
    assert list(lived.values()) == [False, True, False, True]  # `test_large[2]` is made by a mutant
    assert (home / "tree" / TINY).read_text() == CODE


def test_the_lines_of_a_statement() -> None:
    assert statement(CODE, line("> 100")) == (range(line("if ("), line("return 0")), True)
    assert statement(CODE, line("LIMIT = 3")) == (
        range(line("LIMIT = 3"), line("LIMIT = 3") + 1),
        False,
    )


def test_every_excuse_has_a_reason_and_is_of_code_that_is_there() -> None:
    for (path, *change), reason in excused().items():
        lines = [code.strip() for code in (ROOT / path).read_text(encoding="utf-8").splitlines()]
        assert len(reason) > 20, path
        assert {code[2:] for code in change if code[0] == "-"} <= {*lines}, path
        assert {code[0] for code in change} == {"-", "+"}, path
