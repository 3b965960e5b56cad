"""What type checkers know: a user's programs, the share of types that is known, and names."""

import json
import re
import sys
from collections.abc import Collection
from pathlib import Path
from types import FunctionType, UnionType
from typing import Any, get_args, get_origin

import pytest

import nn
from engine import Value
from nn import MLP, Module
from nn.losses import OTHER_NAMES
from nn.training.fit import _loss
from tests.project.newcomer import ask, completeness
from tests.project.sources import PACKAGES, ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
PROGRAM = Path("tests/project/users_program.py")
KNOWN = 0.98  # the share of public names whose types a checker has not to guess


def errors_of_mypy() -> set[int]:
    said = ask("mypy", PROGRAM)
    return {int(line) for line in re.findall(rf"^{PROGRAM}:(\d+): error", said, re.MULTILINE)}


def errors_of_pyright() -> set[int]:
    said = json.loads(ask("pyright", "--outputjson", PROGRAM))
    found = [each for each in said["generalDiagnostics"] if each["severity"] == "error"]
    return {each["range"]["start"]["line"] + 1 for each in found}


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_a_users_program_has_the_errors_that_it_says(checker: str) -> None:
    found = errors_of_mypy() if checker == "mypy" else errors_of_pyright()
    lines = enumerate((ROOT / PROGRAM).read_text(encoding="utf-8").splitlines(), 1)
    assert found == {i for i, line in lines if re.search(rf"  # error(: {checker})?$", line)}


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_the_readmes_loop_is_accepted(checker: str, tmp_path: Path) -> None:
    (loop,) = re.findall(r"^```python\n(from engine.*?)^```", README, re.M | re.S)[-1:]
    assert "micrograd" in loop
    program = tmp_path / "loop.py"
    program.write_text(loop, encoding="utf-8")
    options = ["--strict"] if checker == "mypy" else ["--pythonpath", sys.executable]
    said = ask(checker, *options, program)
    assert "Success" in said or "0 errors" in said, said


def is_true(value: Any, kind: Any) -> Any:
    """Hold what a program asserts of a type, as far as that can be seen of a value."""
    parts, (first, *_) = get_args(kind), (*get_args(kind), Any)
    alias = getattr(get_origin(kind), "__value__", kind)  # as NumPy's newest has NDArray
    if get_origin(kind) is UnionType:
        assert isinstance(value, parts)
    elif kind is not Any:
        assert isinstance(value, get_origin(alias) or alias)
        for each in value if isinstance(value, list | tuple | frozenset) else ():
            is_true(each, first)


def test_a_users_program_does_what_checkers_believe() -> None:
    text = (ROOT / PROGRAM).read_text(encoding="utf-8")
    runs = re.sub(r"^( *).*  # error$", r"\1pass", text, flags=re.MULTILINE)
    held: dict[str, Any] = {"__name__": "users_program"}
    exec(compile(runs, PROGRAM, "exec"), held)
    held["assert_type"] = is_true
    for each in list(held.values()):
        if isinstance(each, FunctionType) and each.__module__ == "users_program":
            each()


@pytest.mark.parametrize("package", PACKAGES)
def test_types_are_known(package: str) -> None:
    found = completeness(package)
    guessed = [
        f"{each['name']}: {' '.join(x['message'] for x in each['diagnostics'][:1])}"
        for each in found["symbols"]
        if each["isExported"] and not each["isTypeKnown"]
    ]
    assert found["completenessScore"] >= KNOWN, guessed


@pytest.mark.parametrize(
    ("names", "table"),
    [
        (nn.ActivationName, nn.ACTIVATIONS),
        (nn.InitName, nn.INITS),
        (nn.OptimizerName, nn.OPTIMIZERS),
    ],
)
def test_checkers_know_exactly_the_names_of_a_table(names: Any, table: Collection[str]) -> None:
    assert get_args(names) == tuple(table)


def test_checkers_know_the_names_of_losses() -> None:
    known = {name for each in get_args(nn.LossName) for name in get_args(each) or [each]}
    short = {*nn.LOSSES, *OTHER_NAMES}
    assert short <= known <= short | {f"{name}_loss" for name in short}
    assert {name for name in vars(nn) if name.endswith("_loss")} <= known
    assert all(callable(_loss(name)) for name in known)


def test_what_is_said_to_checkers_changes_nothing() -> None:
    said, unsaid = MLP[Value](2, [3, 1], rng=1), MLP(2, [3, 1], rng=1)
    assert type(said) is type(unsaid)
    assert vars(said).keys() == vars(unsaid).keys()
    assert Module[list[Value]] is Module
