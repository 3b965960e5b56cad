"""All operations at their edges: the conformance cases, and operations of a user's own."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import engine
from engine import NumericError, Program, Value, gradient, operation
from engine.core.operation import TABLE, rows
from engine.native.math.rules import has_formula
from tests.core.test_conformance import CASES, EXCEPTIONS, build, meets, number
from tests.native.tools import eager, ieee, near, same_bits

# Not asked: a test of .data, which no program can record; and the second of two chains of 100,000
# operations, which takes as long to compile as all other cases.
NOT_ASKED = ("where(x!=0", "chain100000: x=x+")
BY_NAME: dict[str, list[dict[str, Any]]] = {}
for _case in CASES:
    _key = f"{_case['op']} of {len(_case['inputs'])}"
    if not _case["op"].startswith(NOT_ASKED):
        BY_NAME.setdefault(_key, []).append(_case)


def outputs_of(op: str, inputs: list[Value]) -> list[Value]:
    """The value, its first derivatives and each second derivative by the same input again."""
    output = build(op)(*inputs)
    firsts = gradient(output, inputs)
    seconds = [] if op.startswith("chain") else map(gradient, firsts, inputs)
    return [output, *firsts, *seconds]


@pytest.mark.parametrize("name", BY_NAME)
def test_conformance(name: str) -> None:
    """All cases of one operation are the rows of one program, in ieee mode."""
    cases = BY_NAME[name]
    op, count = cases[0]["op"], len(cases[0]["inputs"])
    with ieee():
        inputs = engine.inputs(*[f"x{i}" for i in range(count)])
        outputs = outputs_of(op, inputs)
        rows = [[number(x) for x in case["inputs"]] for case in cases]
        got = Program(inputs, outputs)(rows)
    wrong = []
    slack = 1e-11 if op.startswith("chain100000") else 0.0  # as the table's note
    for case, answers in zip(cases, got.tolist(), strict=True):
        wanted = [case["want"], *(case["want_g1"] or [None] * count)]
        if len(outputs) > 1 + count:
            wanted += case["want_g2"] or [None] * count
        for k, (answer, want) in enumerate(zip(answers, wanted, strict=False)):
            if want is not None:
                want = number(want)
                absolute = 1e-15 if k > count else slack * abs(want)
                if not meets(answer, want, absolute) and case["id"] not in EXCEPTIONS:
                    wrong.append((case["id"], case["inputs"], k, answer, want))
    assert wrong == []


def test_all_cases_are_asked() -> None:
    asked = sum(map(len, BY_NAME.values()))
    assert asked >= 0.99 * len(CASES)


# --- operations of a user's own ------------------------------------------------------------------
def cube(name: str = "cubed") -> Any:
    return operation(name, lambda x: x * x * x, lambda y, x: 3.0 * x * x)


def test_an_own_operation_and_its_derivatives() -> None:
    x, w = Value(0.0, "x"), Value(2.0, "w")
    y = cube()(x * w) + engine.exp(x)
    g = gradient(y, [x, w])
    outputs = [y, *g, gradient(g[0], x), gradient(g[0], w)]
    rows = [[0.1 * k] for k in range(11)]
    near(Program([x], outputs, [w])(rows), eager([x], outputs, rows), 1e-14)
    near(Program([x], outputs, [w], "sum")(rows), eager([x], outputs, rows).sum(axis=0), 1e-13)


def test_an_own_operation_of_several_inputs_and_of_parameters_alone() -> None:
    mix = operation("mix", lambda a, b, t: a + (b - a) * t, lambda y, a, b, t: (1.0 - t, t, b - a))
    a, b, t = Value(1.0, "a"), Value(3.0, "b"), Value(0.0, "t")
    y = mix(a, b, t)
    program = Program([t], [y, *gradient(y, [a, b, t]), mix(a, b, 0.5)], [a, b])
    assert program([[0.0], [0.25]]).tolist() == [[1, 1, 0, 2, 2], [1.5, 0.75, 0.25, 2, 2]]


@pytest.mark.parametrize(
    ("error", "answer"),
    [(ValueError, math.nan), (ZeroDivisionError, math.nan), (OverflowError, math.inf)],
)
def test_an_own_operation_that_is_undefined_somewhere(error: Any, answer: float) -> None:
    def f(x: float) -> float:
        if x > 1.0:
            raise error("too large")
        return x * 2.0

    own = operation("brittle", f, lambda y, x: 2.0, remedy="stay below 1")
    x = Value(0.0, "x")
    program = Program([x], [own(x)])
    assert program([[0.5], [1.0]]).tolist() == [[1.0], [2.0]]
    with pytest.raises(NumericError, match=r"row 2: brittle\(x=3\.0\) is .*: stay below 1"):
        program([[0.5], [1.0], [3.0]])
    with ieee():
        assert same_bits(program([[3.0], [0.25]]), [[answer], [0.5]])


def test_own_operations_that_have_the_name_of_a_step_of_the_compiler() -> None:
    """Whatever a compiler calls its own steps and leaves."""
    x, y = Value(0.0, "x"), Value(0.0, "y")
    for name in ("rest", "share", "exp_difference", "add_rest", "log_share", "input", "const"):
        own = operation(name, lambda a, b: 10.0 * a + b, lambda z, a, b: (10.0, 1.0))
        logs = engine.log_softmax([Value(1.0), Value(2.0)])
        program = Program([x, y], [own(x, y), engine.softmax([x, y], 0), logs[0] + x])
        (got,) = program([[3.0, 4.0]]).tolist()
        assert got[0] == 34.0, name
        assert got[1:] == pytest.approx([1 / (1 + math.e), logs[0].data + 3.0], rel=1e-14), name


def test_operations_that_replace_one_of_the_same_name_are_not_confused() -> None:
    x = Value(0.0, "x")
    kept = []
    for factor in (2.0, 3.0, 5.0):
        own = operation("times", lambda a, f=factor: a * f, lambda y, a, f=factor: f)
        program = Program([x], [own(x), gradient(own(x), x)])
        kept.append((program, factor))
        del own
    for program, factor in kept:
        assert program([[1.5]]).tolist() == [[1.5 * factor, factor]]
    for k in range(40):  # also where Python gives a new one the place of an old one
        own = operation("times", lambda a, k=k: a + k, lambda y, a: 1.0)
        assert Program([x], [own(x)])([[1.0]]).tolist() == [[1.0 + k]]
        del own


CALL = "call double (double"  # of a float function, for each lane by itself
NUMBERS = [0.0, -0.0, 1.0, -1.0, 0.5, 3.0, 1e200, -1e200, 5e-324, math.inf, -math.inf, math.nan]


def _inverse_or_seven(x: float) -> float:
    try:
        return 1.0 / x
    except ZeroDivisionError:
        return 7.0


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x * x * x - 2 * x + 1,
        lambda x: -abs(x) + x**2,
        lambda x: 1.0 / x,
        lambda x: (1.0 - x) / (x + 1),
        lambda x: (2.0 / x) / (x - 3.0) - x / 2.0,
        lambda x: rows.sqrt(abs(x)) * rows.select(rows.greater(x, 0.5), 2.0, x),
        lambda x: rows.square(x),
    ],
)
def test_what_is_made_of_arithmetic_and_rows_runs_in_vectors(function: Any) -> None:
    own = operation("made", function, lambda y, x: 0.0)
    x = Value(0.0, "x")
    with ieee():
        program = Program([x], [own(x)])
        got = program([[number] for number in NUMBERS])
        want = [[own(Value(number)).data] for number in NUMBERS]
    assert CALL not in program.source
    assert same_bits(got, want)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x if x > 0.0 else -x,
        lambda x: 1.0 if x == 0.5 else 2.0,
        lambda x: 2.0 if x != 0.5 else 1.0,
        lambda x: {0.5: 7.0}.get(x, 8.0),
        lambda x: max(x, 0.25),
        lambda x: x or 4.0,
        lambda x: float(x) * 2.0,
        lambda x: math.floor(min(abs(x), 9.0) if x == x else 0.0) + 0.5,
        lambda x: math.atan(x),
        lambda x: x**3 if abs(x) < 1e100 else 0.0,
        lambda x: x % 2.0,
        lambda x: float(f"{x:.3g}"),
        lambda x: float(isinstance(x, float)),
        lambda x: math.nan if isinstance(x, float) else x * 2.0,
        lambda x: x * sum([x for _ in "ab"]),
        lambda x: x * len(CALL),
        _inverse_or_seven,
    ],
)
def test_what_looks_at_its_number_or_at_anything_else_is_called(function: Any) -> None:
    own = operation("made", function, lambda y, x: 0.0)
    x = Value(0.0, "x")
    with ieee():
        program = Program([x], [own(x)])
        got = program([[number] for number in NUMBERS])
        want = [[own(Value(number)).data] for number in NUMBERS]
    assert CALL in program.source
    assert same_bits(got, want)


def test_a_variable_that_an_own_operation_reads_may_change() -> None:
    factor = [2.0]
    own = operation("times", lambda x: x * factor[0], lambda y, x: factor[0])
    x = Value(0.0, "x")
    program = Program([x], [own(x)])
    assert program([[3.0]]).tolist() == [[6.0]]
    factor[0] = 5.0
    assert program([[3.0]]).tolist() == [[15.0]]


def test_rows_that_are_made_of_rows_need_no_formula() -> None:
    for op in (rows.where, rows.square, rows.selu, rows.logit_slope, rows.asin_slope):
        assert not has_formula(op.name)
        x = Value(0.25)
        assert CALL not in Program([x], [op(x)]).source


def test_an_own_operation_stays_as_long_as_a_program_needs_it() -> None:
    x = Value(0.0, "x")

    def make() -> Callable[[Any], Any]:
        return Program([x], [cube("short_lived")(x)])

    programs = [make() for _ in range(3)]
    del TABLE["short_lived"]
    for program in programs:
        assert program([[2.0], [3.0]]).tolist() == [[8.0], [27.0]]


def test_any_other_error_of_an_own_operation_is_raised() -> None:
    """In ctypes an error in a callback is printed and its result is garbage: not here."""

    def f(x: float) -> float:
        return {0.5: 1.0}[x]

    own = operation("table", f, lambda y, x: 0.0)
    with ieee():
        x = Value(0.5, "x")
        program = Program([x], [own(x)])
    assert program([[0.5]]).tolist() == [[1.0]]
    with pytest.raises(KeyError):
        program([[0.5], [0.75]])


SPREADS = {
    "mean": engine.mean,
    "norm": engine.norm,
    "var": engine.var,
    "var of all": lambda xs: engine.var(xs, correction=0),
    "std": engine.std,
}


@pytest.mark.parametrize("many", [2, 3, 10, 47])
@pytest.mark.parametrize("function", SPREADS.values(), ids=SPREADS)
def test_spreads_run_in_vectors(function: Any, many: int) -> None:
    xs = engine.inputs(*[f"x{i}" for i in range(many)])
    y = function(xs)
    slopes = gradient(y, xs)
    outputs = [y, *slopes, *gradient(slopes[0], xs[:3])]
    program = Program(xs, outputs)
    assert "@" not in program.listing()  # which calls of float functions have in their names
    rng = np.random.default_rng(many)
    rows = rng.normal(size=(20, many)) * 10.0 ** rng.integers(-3, 4, size=(20, 1))
    near(program(rows), eager(xs, outputs, rows), 1e-12, 1e-13)


@pytest.mark.parametrize("function", SPREADS.values(), ids=SPREADS)
def test_spreads_of_anything(function: Any) -> None:
    """But for what overflows on the way, and an infinity beside a nan."""
    special = [0.0, -0.0, 1.0, -2.5, math.inf, -math.inf, 5e-324, 1e-200, -1e200]
    xs = engine.inputs("a", "b", "c")
    rows = [*itertools.product(special, repeat=3), *itertools.permutations([math.nan, 1.0, 0.0])]
    with ieee():
        y = function(xs)
        outputs = [y, *gradient(y, xs)]
        near(Program(xs, outputs)(rows), eager(xs, outputs, rows), 1e-15, 5e-324)


@pytest.mark.parametrize("many", [1, 2, 3, 40, 2500])
def test_products_of_anything_do_not_overflow_on_the_way(many: int) -> None:
    xs, rng = engine.inputs(*[f"x{i}" for i in range(many)]), np.random.default_rng(5)
    special = [0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, -1e-308, 1e308]
    sizes = np.array([1.0, 30.0, 600.0])[rng.integers(0, 3, (100, 1))]
    rows = 2.0 ** rng.uniform(-sizes, sizes, (100, many)) * rng.choice([-1.0, 1.0], (100, many))
    rows[range(60), rng.integers(0, many, 60)] = rng.choice(special, 60)
    with ieee():
        y = engine.prod(xs)
        outputs = [y, *gradient(y, xs if many < 50 else xs[:1])]
        near(Program(xs, outputs)(rows), eager(xs, outputs, rows), many * 1.2e-16, 5e-324)


def test_the_partials_of_a_product_have_most_factors_in_common() -> None:
    xs = engine.inputs(*[f"x{i}" for i in range(150)])
    y = engine.prod(xs)
    assert Program(xs, [y, *gradient(y, xs)]).stats.nodes < 20 * len(xs)  # of 150 x 149 factors
