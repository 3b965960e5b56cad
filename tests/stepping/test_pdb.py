"""pdb on the recipe of the documentation, and IPython's debugger on the same."""

import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stepping.pythons import ROOT, THIS, VERSIONS, environment, interpreter

PAGE = (ROOT / "demos" / "docs" / "how-to" / "debugger.md").read_text(encoding="utf-8")
RECIPES = re.findall(r"^```pdb\n(.*?)^```", PAGE, re.M | re.S)
(PROGRAM,) = re.findall(r"^```python\n(# neuron\.py\n.*?)^```", PAGE, re.M | re.S) or [""]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    (folder / "neuron.py").write_text(PROGRAM, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def env(folder: Path) -> dict[str, str]:
    return environment(folder) | {"PYTHONIOENCODING": "utf-8", "NO_COLOR": "1"}


def drive(command: list[str], typed: list[str], folder: Path, env: dict[str, str]) -> str:
    ran = subprocess.run(
        command,
        input="".join(f"{line}\n" for line in typed),
        cwd=folder,
        env=env,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    return ran.stdout + ran.stderr


def pdb(version: str, typed: list[str], folder: Path, env: dict[str, str]) -> list[str]:
    """What pdb answers to each line; it does not echo them."""
    command = [interpreter(version), "-m", "pdb", "neuron.py"]
    said = drive(command, [*typed, "q"], folder, env)
    _, *answers, _ = said.split("(Pdb) ")
    return answers


def test_the_page_has_its_recipes() -> None:
    assert "backward_steps()" in PROGRAM
    assert len(RECIPES) == 2
    assert any("0.501  [old: 0.0]" in recipe for recipe in RECIPES)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("recipe", RECIPES, ids=["in the user's loop", "in the engine's loop"])
def test_the_recipe_works(recipe: str, version: str, folder: Path, env: dict[str, str]) -> None:
    exchanges = [each.partition("\n") for each in recipe.split("(Pdb) ")[1:]]
    answers = pdb(version, [typed for typed, _, _ in exchanges], folder, env)
    check = doctest.OutputChecker().check_output
    for (typed, _, want), got in zip(exchanges, answers, strict=True):
        assert check(want, got, doctest.ELLIPSIS), f"{typed}\nshould print\n{want}\nprinted\n{got}"


def test_one_steps_into_the_loop(folder: Path, env: dict[str, str]) -> None:
    into = ["s", "s", "s", "r", "s", "s"]  # past what as_float does
    *_, where, names = pdb(THIS, ["b 9", "c", *into, "w", "a"], folder, env)
    assert "backward(self, as_float(seed))" in where
    assert names.splitlines()[-1] == "seed = 1.0"


def test_the_debugger_of_ipython(folder: Path, env: dict[str, str]) -> None:
    pytest.importorskip("IPython", reason="IPython is not installed: it is in the extra `test`")
    command = [sys.executable, "-m", "IPython", "--simple-prompt", "--no-banner"]
    typed = [
        "%run -d neuron.py",
        "b 8, edge.parent is weight",
        "c",
        "display weight.grad",
        "c",
        "q",
        "exit",
    ]
    private = {"IPYTHONDIR": str(folder / "ipython")}
    said = drive([*command, "--colors=NoColor"], typed, folder, env | private)
    assert "display weight.grad: 0.501\n" in said
    assert "display weight.grad: 3.501  [old: 0.501]\n" in said
