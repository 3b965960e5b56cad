"""Examples in docstrings run, and what is public is documented."""

import ast
import doctest
import importlib
import inspect

import pytest

import engine
from tests.project.sources import MODULES, PACKAGES, docstrings, parse

EXAMPLES = [
    name for name in MODULES if name != "engine.drawing.embedded"
]  # a program, not a module


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_run(name: str) -> None:
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for test in doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(name)):
        runner.run(test, out=report.append)
    if report:
        pytest.fail("".join(report), pytrace=False)


PUBLIC = {name: getattr(engine, name) for name in [*engine.__all__, "round", "sum"]}


@pytest.mark.parametrize(
    "name", [name for name, thing in PUBLIC.items() if inspect.isfunction(thing)]
)
def test_every_function_of_the_engine_has_an_example_that_runs(name: str) -> None:
    """The functions of rows too, which a decorator makes, so that the finder passes them over."""
    report: list[str] = []
    example = doctest.DocTestParser().get_doctest(
        inspect.getdoc(PUBLIC[name]) or "", dict(PUBLIC), name, None, 0
    )
    assert example.examples
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=report.append)
    if report:
        pytest.fail("".join(report), pytrace=False)


def test_examples_are_found() -> None:
    finder = doctest.DocTestFinder()
    found = [
        t for name in EXAMPLES for t in finder.find(importlib.import_module(name)) if t.examples
    ]
    assert {"engine.core.value.Value", "nn.models.layers.MLP"} <= {test.name for test in found}


THEIRS = {"has_aux", "buffers", "mode"}  # flags that JAX or PyTorch takes by position


@pytest.mark.parametrize("package", [*PACKAGES, "engine.stepping"])
def test_flags_are_given_by_name(package: str) -> None:
    """`run.until_changed(w, True)` would not say what is true."""
    module, checked, unnamed = importlib.import_module(package), 0, []
    for name in module.__all__:
        thing = getattr(module, name)
        for function in [thing, *vars(thing).values()] if inspect.isclass(thing) else [thing]:
            if inspect.isfunction(function) and not function.__name__.startswith("_"):
                for given in inspect.signature(function).parameters.values():
                    if isinstance(given.default, bool) and given.name not in THEIRS:
                        checked += 1
                        unnamed += [(name, given.name)] * (given.kind is not given.KEYWORD_ONLY)
    assert checked
    assert unnamed == []


@pytest.mark.parametrize("package", PACKAGES)
def test_what_is_public_is_documented(package: str) -> None:
    module = importlib.import_module(package)
    bare = []
    for name in module.__all__:
        value = getattr(module, name)
        if inspect.isroutine(value) or inspect.isclass(value):
            bare += [] if value.__doc__ else [name]
            members = vars(value).items() if inspect.isclass(value) else ()
            bare += [
                f"{name}.{key}"
                for key, member in members
                if not key.startswith("_")
                and (inspect.isfunction(member) or isinstance(member, property))
                and not inspect.getdoc(getattr(value, key))
            ]
    assert not bare


def test_each_docstring_stands_alone() -> None:
    found = [(name, text) for name, path in MODULES.items() for text in docstrings(parse(path))]
    texts = [(name, ast.literal_eval(text.value).strip()) for name, text in found]
    leaning = [(name, text[:60]) for name, text in texts if text.startswith("The same")]
    assert leaning == []
