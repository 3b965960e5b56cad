"""Conditions of the debugger: they mean what Python means, and nothing of them is ever executed."""

import builtins
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import Value
from engine.stepping.condition import FIELDS, FUNCTIONS, LONGEST, read
from engine.wording.terminal import Mistake

X, W = Value(2.0, "x"), Value(-3.0, "L0.N3.w2")
N = X * W
STEPS = list((N.tanh() + N * 0.5).backward_steps())
NODES = {"x": X, "L0.N3.w2": W, "n": N, "petal length": X, "xs[0]": X}

# fmt: off
NUMBERS = st.sampled_from([
    "index", "upstream", "local", "contribution", "before", "after", "x.grad", "n.data",
    "L0.N3.w2.data", "step.position", "parent.data", "2", "0.5", "1e3", "xs[0].data",
])
# fmt: on


def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def written(form: str) -> st.SearchStrategy[str]:
        return st.tuples(inner, inner).map(lambda pair: form.format(*pair))

    forms = ["({0} + {1})", "({0} - {1})", "{0} * {1}", "max({0}, {1})", "({0} < {1})"]
    forms += ["({0} <= {1} < 3)", "({0} != {1})", "({0} and {1})", "({0} or {1})", "-({0})"]
    forms += ["abs({0})", "isfinite({0})", "(not {0})", "({0} > 0) == ({1} > 0)"]
    return st.sampled_from(forms).flatmap(written)


class Neuron:
    """What `L0.N3` is in Python: something with attributes."""

    w2 = W


class Layer:
    N3 = Neuron


@given(st.recursive(NUMBERS, larger, max_leaves=8), st.sampled_from(STEPS))
def test_it_means_what_it_means_in_python(source: str, step: Any) -> None:
    if len(source) > LONGEST:
        return
    fields = {name: getattr(step, name) for name in FIELDS if name != "edge"}
    names = {"x": X, "n": N, "xs": [X], "L0": Layer, "step": step, **fields}
    functions = {name: getattr(math, name, None) or vars(builtins)[name] for name in FUNCTIONS}
    expected = eval(source, functions, names)
    found = read(source, NODES.get)
    assert found.kind == "number"
    assert found.at(step) == expected


@pytest.mark.parametrize(
    ("source", "indices"),
    [
        ("parent is x", [i for i, s in enumerate(STEPS) if s.parent is X]),
        ("parent == 'petal length'", [i for i, s in enumerate(STEPS) if s.parent is X]),
        ("'petal length' == step.parent", [i for i, s in enumerate(STEPS) if s.parent is X]),
        ("parent is not x", [i for i, s in enumerate(STEPS) if s.parent is not X]),
        ("parent in (x, L0.N3.w2)", [i for i, s in enumerate(STEPS) if s.parent in (X, W)]),
        ("parent not in [x]", [i for i, s in enumerate(STEPS) if s.parent is not X]),
        ("node.op == 'tanh'", [i for i, s in enumerate(STEPS) if str(s.node.op) == "tanh"]),
        ("parent.label in ('x', 'y')", [i for i, s in enumerate(STEPS) if s.parent is X]),
        ("edge % 2 == 0", [i for i in range(len(STEPS)) if i % 2 == 1]),
        ("1 / before > 5", [i for i, s in enumerate(STEPS) if not s.before or 1 / s.before > 5]),
        ("isnan(0 * (1 / 0))", [*range(len(STEPS))]),
        ("9 ** 9 ** 9 ** 9 == inf", [*range(len(STEPS))]),
    ],
)
def test_nodes_are_compared_and_nothing_raises(source: str, indices: list[int]) -> None:
    found = read(source, NODES.get)
    assert [i for i, step in enumerate(STEPS) if found.at(step)] == indices


@pytest.mark.parametrize(
    "source",
    [
        "__import__('os').system('true')",
        "().__class__.__bases__",
        "x.__class__",
        "x.data.real",
        "x.grad.hex()",
        "x.backward()",
        "open('x')",
        "[y for y in (1, 2)]",
        "lambda: 1",
        "f'{x}'",
        "(y := 3)",
        "x[0]",
        "x.grad = 3",
        "max(*x)",
        "max(1, 2, key=abs)",
        "max(1)",
        "abs(1, 2)",
        "max()",
        "1 if 2 else 3",
        "'9' * 9",
        "'a' + 'b'",
        "'a' < 'b'",
        "x == 3",
        "x + 1",
        "x and n",
        "parent in x",
        "parent in 3",
        "parent == 'nobody'",
        "1 << 9999",
        "2 // 1",
        "1j",
        "b'1'",
        "None",
        "...",
        "1; 2",
        "import os",
        "1" * LONGEST + "1",
        "1" + "0" * 249 + "1",
        "-" * 249 + "(",
        "",
        "\0",
        "x\nn",
    ],
)
def test_what_it_does_not_know_is_a_mistake(source: str) -> None:
    with pytest.raises(Mistake):
        read(source, NODES.get)


@given(st.text(st.sampled_from("xn0.1e9+-*/%()[]<>=!,' andorti\n\0é#\\"), max_size=LONGEST))
def test_whatever_is_typed_is_read_or_is_a_mistake(source: str) -> None:
    try:
        found = read(source, NODES.get)
    except Mistake:
        return
    for step in STEPS:
        found.at(step)


def test_the_deepest_that_can_be_typed_is_read() -> None:
    assert read("-" * (LONGEST - 1) + "1", NODES.get).at(STEPS[0]) == -1.0
    assert read("not " * 62 + "1", NODES.get).at(STEPS[0]) is True


def test_a_mistake_points_at_its_place() -> None:
    with pytest.raises(Mistake) as caught:
        read("after > 1 and loca < 2", NODES.get)
    assert str(caught.value).splitlines()[1:] == ["  after > 1 and loca < 2", " " * 16 + "^^^^"]
