"""Arrows point down only: nn to engine, the upper rooms of engine to its core, never back."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter

import pytest

from tests.project.sources import MODULES, ROOT, parse

# Each room, and the rooms below it that it may import. What is not here has no room.
BELOW: dict[str, set[str]] = {
    "engine.source": set(),
    "engine.core": {"source"},
    "engine.operations": {"core"},
    "engine.calculus": {"core", "operations"},
    "engine.wording": {"source", "core"},
    "engine.explain": {"source", "core", "operations", "wording"},
    "engine.drawing": {"core", "wording", "explain"},
    "engine.page": {"core", "wording"},
    "engine.native": {"source", "core", "operations", "wording"},
    "engine.interactive": {"source", "core"},
    "engine.compatibility": {"core"},
    "engine.cli": {"core", "wording", "explain", "drawing"},
    "engine.stepping": {
        "source",
        "core",
        "interactive",
        "wording",
        "explain",
        "drawing",
        "page",
        "cli",
    },
    "nn.neighbour": set(),
    "nn.checks": set(),
    "nn.models": {"checks"},
    "nn.pairs": {"checks"},
    "nn.likelihoods": {"checks", "pairs"},
    "nn.losses": {"checks", "pairs", "likelihoods"},
    "nn.optim": {"checks"},
    "nn.evaluation": {"checks", "models", "losses"},
    "nn.checkpoint": {"checks", "models", "losses", "optim"},
    "nn.training": {"checks", "models", "losses", "optim", "evaluation", "checkpoint"},
}
_ALL = {"checks", "models", "losses", "optim", "evaluation", "checkpoint", "training"}
BELOW |= {"nn.interop": _ALL, "nn.drawing": _ALL, "nn.player": _ALL, "nn.doctor": _ALL}
BELOW["nn.summary"] = {"checks", "models"}
# What those rooms of nn may import of engine, beside its public names and its core.
WORDS, NATIVE = {"engine.wording"}, {"engine.native"}
ENGINE: dict[str, set[str]] = {
    "nn.evaluation": NATIVE,
    "nn.training": NATIVE,
    "nn.interop": WORDS,
    "nn.drawing": WORDS | {"engine.drawing", "engine.explain"},
    "nn.summary": WORDS,
    "nn.doctor": WORDS | {"engine.explain"},
    "nn.player": WORDS | NATIVE | {"engine.stepping", "engine.page"},
}
# Loaded when they are first asked for, and so allowed inside a function. The core asks in one file.
UPPER = {room for room in BELOW if room.startswith("engine.")}
UPPER -= {"engine.source", "engine.core", "engine.operations", "engine.calculus"}
UPPER -= {"engine.compatibility", "engine.interactive"}
UPPER |= {"nn.drawing", "nn.player", "nn.doctor", "nn.summary"}
LATE = {
    "nn.evaluation.programs",
    "nn.interop.sklearn",
    "nn.training.native",
}  # files that are loaded in the same way
BESIDE = {
    "engine.lazy",
    "engine.aliases",
    "engine.choices",
    "engine.containers",
    "engine.forks",
    "engine.freeing",
    "engine.outfile",
    "engine.settings",
}  # for every room; these import nothing of ours
SHORTCUTS = "engine.core.shortcuts"
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


def room(name: str) -> str:
    return ".".join(name.split(".")[:2])


def upper(name: str) -> bool:
    return room(name) in UPPER or name in LATE


def allowed(here: str) -> set[str]:
    """The rooms that a room may import."""
    package = here.partition(".")[0]
    if here in BESIDE:
        return {here}
    beneath = {here} | BESIDE | {f"{package}.{each}" for each in BELOW[here]}
    if package == "nn":
        return beneath | {"engine", "engine.core", "engine.source"} | ENGINE.get(here, set())
    return beneath | ({"engine"} if here == "engine.cli" else set())


def test_every_file_has_a_room_and_every_room_a_file() -> None:
    doors = {"engine", "engine.__main__", "nn"}
    assert {room(name) for name in MODULES} - doors - BESIDE <= BELOW.keys()


@pytest.mark.parametrize("name", sorted(MODULES.keys() - {"engine", "engine.__main__", "nn"}))
def test_arrows_point_down(name: str) -> None:
    for target, at_once in imports(name):
        if at_once or room(target) == room(name):
            assert room(target) in allowed(room(name)), f"{name} imports {target}"
        if not at_once:  # a room above may be called at first use; a cycle may not be dodged
            assert upper(target), f"{name} imports {target} inside a function"
        if room(name) == "engine.core" and name != SHORTCUTS:
            assert room(target) in allowed("engine.core"), f"{name}: {target}; {SHORTCUTS} may"


# The stages of the native room, from the lowest up; then the files beside them.
STAGES = ("needs", "emit", "math", "lower", "kernels")


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("engine.native.")])
def test_a_stage_of_the_native_room_imports_only_those_below(name: str) -> None:
    def stage(module: str) -> int:
        part = module.split(".")[2]
        return STAGES.index(part) if part in STAGES else len(STAGES)

    targets = [target for target, _ in imports(name) if target.startswith("engine.native.")]
    assert [target for target in targets if stage(target) > stage(name)] == []


def test_the_rooms_stand_on_each_other_in_no_circle() -> None:
    TopologicalSorter({here: allowed(here) - {here} for here in BELOW}).prepare()


@pytest.mark.parametrize("name", sorted(GROUND & MODULES.keys()))
def test_the_ground_stands_on_nothing(name: str) -> None:
    assert {target for target, _ in imports(name)} <= BESIDE


@pytest.mark.parametrize("name", ["engine.core.ops", "engine.core.graph"])
def test_the_table_and_the_graph_stand_on_the_ground(name: str) -> None:
    known = GROUND | {"engine.core.operation", "engine.core.origins", "engine.source.traces"}
    assert {target for target, _ in imports(name)} <= known


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


@pytest.mark.parametrize(
    ("package", "needs"), [("engine", {"engine"}), ("nn", {"engine", "nn", "tqdm"})]
)
def test_a_package_loads_no_room_above_and_no_library_that_it_can_do_without(
    package: str, needs: set[str]
) -> None:
    loaded = loaded_by(f"import {package}")
    assert "engine.core.value" in loaded
    assert {name.split(".")[0] for name in loaded} - sys.stdlib_module_names == needs
    assert {name for name in loaded if upper(name)} == set()
