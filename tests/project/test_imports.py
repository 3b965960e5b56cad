"""Arrows point down only: nn to engine, the upper rooms of engine to its core, never back."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter

import pytest

from tests.project.sources import MODULES, ROOT, parse

ABOVE = ("wording", "explain", "drawing", "page", "stepping", "native", "cli")
UPPER = {f"engine.{room}" for room in ABOVE} | {
    "nn.drawing",
    "nn.player",
    "nn.interop.sklearn",
    "nn.training.native",
}
GROUND = {"engine.core.numerics", "engine.core.node", "engine.core.modes"}


def imports(name: str) -> Iterator[tuple[str, bool]]:
    """What a module imports of the project, and whether it does so when it is imported itself."""
    stack: list[tuple[ast.AST, bool]] = [(parse(MODULES[name]), True)]
    while stack:
        node, at_once = stack.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name} imports relatively; write the whole name"
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            targets = [full if full in MODULES else str(node.module) for full in inner]
        else:
            targets = []
        yield from (
            (t, at_once) for t in targets if t.split(".")[0] in ("demos", "tests", "engine", "nn")
        )
        inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        stack += [(child, at_once and not inside) for child in ast.iter_child_nodes(node)]


def upper(name: str) -> bool:
    return name == "engine.__main__" or any(f"{name}.".startswith(f"{room}.") for room in UPPER)


@pytest.mark.parametrize("name", MODULES)
def test_arrows_point_down(name: str) -> None:
    for target, at_once in imports(name):
        assert target.split(".")[0] not in ("demos", "tests"), f"{name} imports {target}"
        if name.startswith("engine"):
            assert not target.startswith("nn"), f"{name} imports {target}"
        if not upper(name) and name.startswith("engine"):
            assert not (at_once and upper(target)), f"the core imports {target} in {name}"
        if not at_once:  # a room above may be called at first use; a cycle may not be dodged
            assert upper(target), f"{name} imports {target} inside a function"


@pytest.mark.parametrize("name", sorted(GROUND & MODULES.keys()))
def test_the_ground_stands_on_nothing(name: str) -> None:
    assert {target for target, _ in imports(name)} == set()


@pytest.mark.parametrize("name", ["engine.core.ops", "engine.core.graph"])
def test_the_table_and_the_graph_stand_on_the_ground(name: str) -> None:
    assert {target for target, _ in imports(name)} <= GROUND | {"engine.core.operation"}


def test_no_module_imports_itself_round_a_corner() -> None:
    arrows = {name: {t for t, at_once in imports(name) if at_once} for name in MODULES}
    TopologicalSorter(arrows).prepare()  # raises CycleError, which names the cycle


def loaded_by(program: str) -> set[str]:
    """The modules that a program loads on top of a bare interpreter."""
    script = (
        "import sys, json; bare = set(sys.modules); "
        f"{program}; print(json.dumps(sorted(set(sys.modules) - bare)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(json.loads(ran.stdout))


def test_engine_needs_nothing_but_the_standard_library() -> None:
    loaded = loaded_by("import engine")
    assert "engine.core.value" in loaded
    tops = {name.split(".")[0] for name in loaded}
    assert tops - sys.stdlib_module_names == {"engine"}
    assert not any(upper(name) for name in loaded)


def test_nn_loads_no_upper_room_and_no_heavy_library() -> None:
    loaded = loaded_by("import nn")
    assert "nn.training.fit" in loaded
    assert not any(upper(name) for name in loaded)
    tops = {name.split(".")[0] for name in loaded}
    heavy = {"graphviz", "pygraphviz", "matplotlib", "numpy", "sklearn", "llvmlite"}
    assert tops.isdisjoint(heavy | {"safetensors", "torch", "onnx"})
