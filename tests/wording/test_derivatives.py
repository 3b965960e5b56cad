"""Formulas of derivatives, computed as they are written and held against the derivatives."""

from collections.abc import Callable

import pytest

import engine
from engine import Value, operation
from engine.core.operation import TABLE
from engine.wording.notation import PLAIN, WIDE, Term, derivatives, tried

x, w, v = Value(0.75, "x"), Value(1.25, "w"), Value(0.5, "v")
WRITTEN: dict[str, tuple[Callable[[], Value], list[str | None]]] = {
    "product": (lambda: x * w, ["w", "x"]),
    "quotient": (lambda: x / w, []),
    "power": (lambda: x**3, ["3 × x ** 2", None]),
    "power of a number": (lambda: 2.0**x, []),
    "power of two": (lambda: x**w, []),
    "exp": (lambda: x.exp(), ["y"]),
    "sum": (lambda: engine.sum([x, w, v]), ["1", "1", "1"]),
    "dot": (lambda: engine.dot([x, w], [w, v]), ["w", "v", "x", "w"]),
    **{name: (lambda name=name: getattr(x, name)(), [])
       for name in ("tanh", "sigmoid", "log", "sqrt", "sin", "cos", "softplus", "relu", "elu")},
}  # fmt: skip


def term(node: Value) -> Term:
    return Term(node.label or "y", PLAIN)


@pytest.mark.parametrize("name", WRITTEN)
def test_a_formula_computed_as_it_is_written_gives_the_derivative(name: str) -> None:
    build, says = WRITTEN[name]
    y = build()
    formulas = [each and each.text for each in derivatives(y, term)]
    assert says in ([], formulas)
    names = {row.name: row.function for row in TABLE.values()}
    names |= {"x": x.data, "w": w.data, "v": v.data, "y": y.data}
    for step in y.trace_backward():
        formula = formulas[step.position] or ""
        computed = eval(formula.replace("×", "*"), {"__builtins__": {}}, names)
        assert computed == pytest.approx(step.local, rel=1e-3)  # numbers in it are rounded


def test_a_number_takes_none() -> None:
    by_x, by_number = derivatives(x**3, term)
    assert by_x is not None
    assert by_number is None


def test_too_many_parents_have_none_but_in_a_dot() -> None:
    xs = [Value(float(i), f"x{i}") for i in range(WIDE + 1)]
    assert derivatives(engine.softmax(xs, 0), term) == []
    written = derivatives(engine.dot(xs, xs), term)
    assert [each and each.text for each in written[:3]] == ["x0", "x1", "x2"]


def test_partials_that_look_at_numbers_or_raise_are_ones_own() -> None:
    kink = operation("kinked", abs, lambda y, x: 1.0 if x > 0 else -1.0)
    assert [each and each.text for each in derivatives(kink(-x), term)] == ["-1"]
    bad = operation("raises", abs, lambda y, x: {}[x])
    assert derivatives(bad(x), term) == []


@pytest.mark.parametrize("error", [ValueError, KeyError, SystemError])
def test_what_is_tried_raises_nothing_of_a_users(error: type[Exception]) -> None:
    def fail() -> float:
        raise error

    assert tried(fail, 2.0) == 2.0
    assert tried(lambda: (Value(0.0).log() * 2).data, 0.0) == float("-inf")
