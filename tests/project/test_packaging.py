"""What is promised to pip, and what the checks install."""

import ast
import subprocess
import sys
import tomllib
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import engine
import nn
from tests.conftest import THOROUGH
from tests.project.sources import PACKAGES, ROOT, parse, sources

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SKIPS = {"pytest.skip", "pytest.importorskip", "pytest.mark.skipif", "pytest.mark.skip"}
EXTRAS = PROJECT["project"]["optional-dependencies"]


def requirements(*extras: str) -> list[Requirement]:
    texts = [*PROJECT["project"]["dependencies"], *(t for extra in extras for t in EXTRAS[extra])]
    return [Requirement(text) for text in texts]


def test_the_wheel_holds_the_two_packages() -> None:
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert tuple(wheel["packages"]) == PACKAGES


def test_ranges_have_two_ends() -> None:
    for need in requirements(*EXTRAS):
        if need.name != "gradwalk":
            ends = {specifier.operator for specifier in need.specifier}
            assert ends == {">=", "<"}, f"{need} should say from which version and up to which"


def test_all_is_what_a_user_wants() -> None:
    (everything,) = [Requirement(text) for text in EXTRAS["all"]]
    large = {"interop", "compare"}  # PyTorch, JAX
    assert everything.extras == EXTRAS.keys() - {"all", "docs", "test", "lint", "bench"} - large


def test_the_checks_install_exact_versions_within_the_ranges() -> None:
    lines = (ROOT / ".ci" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.split("==") for line in lines if not line.startswith("#")]
    exact = {canonicalize_name(name): version for name, version in pins}
    for need in requirements(*EXTRAS.keys() - {"bench", "all"}):
        if need.name == "gradwalk":
            continue
        assert need.specifier.contains(exact[canonicalize_name(need.name)]), f"run .ci/lock: {need}"


def test_the_changelog_names_the_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = [line for line in changelog.splitlines() if line.startswith("## ")]
    assert any(PROJECT["project"]["version"] in heading for heading in headings)


@pytest.mark.parametrize("name", THOROUGH)
def test_what_a_newcomers_run_leaves_out_is_there(name: str) -> None:
    file, _, test = name.partition("::")
    text = (ROOT / "tests" / file).read_text(encoding="utf-8")
    assert f"def {test.partition('[')[0]}" in text


def test_each_skip_says_what_would_make_the_test_run() -> None:
    silent = []
    for path in sources("tests"):
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in SKIPS:
                said = node.keywords or (ast.unparse(node.func) == "pytest.skip" and node.args)
                silent += [] if said else [f"{path.name}:{node.lineno}"]
    assert silent == []


@pytest.mark.parametrize(
    ("package", "there"),
    [
        (engine, "Program compiled drawing stepping Value sum round tanh"),
        (nn, "drawing diagnose ScalarMLPClassifier MLP fit"),
        (engine.drawing, "draw explain tree"),
        (engine.stepping, "hunt Run"),
        (nn.drawing, "Figure draw_network plot_history"),
    ],
)
def test_a_package_shows_what_is_public_and_nothing_else(package: Any, there: str) -> None:
    shown = [name for name in dir(package) if not name.startswith("__")]
    assert {*there.split()} <= {*shown}
    assert not [name for name in shown if name.startswith("_")]
    internal = "core lazy aliases settings training models checks load_ipython_extension picture"
    internal += " figure matplotlib"
    assert not {*internal.split()} & {*shown}
    assert all(hasattr(package, name) for name in dir(package))


def test_importing_a_package_loads_its_rooms_when_they_are_asked_for() -> None:
    code = (
        "import sys, engine, nn; rooms = {'engine.drawing', 'engine.stepping', 'nn.drawing'}\n"
        "assert not rooms & {*sys.modules}\n"
        "engine.drawing.draw, engine.stepping.hunt; nn.drawing.draw_network\n"
        "print(len(rooms & {*sys.modules}), engine.__version__, nn.__version__)"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ran.stdout.split() == ["3", *[PROJECT["project"]["version"]] * 2], ran.stderr
    with pytest.raises(AttributeError, match="module 'engine' has no attribute 'drawings'"):
        engine.drawings  # noqa: B018
