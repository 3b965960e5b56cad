"""Value: its operators, what it accepts, how it looks; and that an error changes nothing."""

import math
import operator
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

import engine
from engine import Value, topological

Binary = Callable[[Any, Any], Any]

# symbol: the operator, its derivative by x in f(x, n), and by x in f(n, x)
OPERATORS: dict[str, tuple[Binary, Binary, Binary]] = {
    "+": (operator.add, lambda x, n: 1.0, lambda x, n: 1.0),
    "-": (operator.sub, lambda x, n: 1.0, lambda x, n: -1.0),
    "*": (operator.mul, lambda x, n: n, lambda x, n: n),
    "/": (operator.truediv, lambda x, n: 1.0 / n, lambda x, n: -n / x / x),
    "**": (operator.pow, lambda x, n: n * x ** (n - 1), lambda x, n: math.log(n) * n**x),
}
COMPARISONS = (operator.lt, operator.le, operator.gt, operator.ge)
NUMBERS = [
    *(2, 0.5, True),
    *(np.float64(2.0), np.float32(0.5), np.float16(0.5), np.longdouble(2.0)),
    *(np.int64(2), np.uint8(2), np.bool_(True)),
]
HOLDS = "a Value holds an int, a float or a NumPy scalar, got "
BAD: list[tuple[Any, str, str]] = [  # what is given, how the message shows it, the remedy
    ("2", "str '2'", "convert it with float(...)"),
    (b"2", "bytes b'2'", "convert it with float(...)"),
    (None, "NoneType None", "give a number, e.g. 0.0"),
    (Decimal("2"), "Decimal Decimal('2')", "convert it with float(...)"),
    (2j, "complex 2j", "take .real or abs(...)"),
    (np.complex128(2j), "complex128 ", "take .real or abs(...)"),
    ([2.0], "list [2.0]", "make one Value for each element, e.g. [Value(x) for x in xs]"),
    ((2.0,), "tuple (2.0,)", "make one Value for each element"),
    (np.array([2.0, 3.0]), "ndarray array([2., 3.])", "make one Value for each element"),
    (np.ones((2, 2)), "ndarray ", "make one Value for each element"),
]
bad_inputs = pytest.mark.parametrize(
    ("bad", "shown", "remedy"), BAD, ids=[type(row[0]).__name__ for row in BAD]
)


def snapshot(*roots: Value) -> list[Any]:
    """Everything a graph holds, nodes by identity."""
    return [
        (id(n), n.data, n.grad, n.op, tuple(map(id, n.parents)), n.label)
        for n in topological(*roots)
    ]


# --- operators ------------------------------------------------------------------------------------
@pytest.mark.parametrize("number", NUMBERS, ids=lambda n: type(n).__name__)
@pytest.mark.parametrize("symbol", OPERATORS)
def test_an_operator_takes_a_number_on_either_side(symbol: str, number: Any) -> None:
    f, slope, reflected_slope = OPERATORS[symbol]
    plain = float(number)
    for made, data, gradient in (
        (lambda x: f(x, number), f(3.0, plain), slope(3.0, plain)),
        (lambda x: f(number, x), f(plain, 3.0), reflected_slope(3.0, plain)),
    ):
        x = Value(3.0)
        y = made(x)
        y.backward()
        assert type(y) is Value
        assert (type(y._data), y.data) == (float, data)
        assert x.grad == pytest.approx(gradient, rel=1e-15)


@pytest.mark.parametrize("symbol", OPERATORS)
def test_an_operator_takes_two_values_and_the_same_value_twice(symbol: str) -> None:
    f, slope, reflected_slope = OPERATORS[symbol]
    x, y = Value(3.0), Value(2.0)
    z = f(x, y)
    z.backward()
    assert (z.data, z.parents) == (f(3.0, 2.0), (x, y))
    assert x.grad == pytest.approx(slope(3.0, 2.0), rel=1e-15)
    assert y.grad == pytest.approx(reflected_slope(2.0, 3.0), rel=1e-15)
    twice = Value(3.0)
    f(twice, twice).backward()
    both = slope(3.0, 3.0) + reflected_slope(3.0, 3.0)
    assert twice.grad == pytest.approx(both, rel=1e-15, abs=1e-15)


def test_signs_and_abs() -> None:
    x = Value(-3.0)
    assert ((-x).data, (+x).data, abs(x).data) == (3.0, -3.0, 3.0)
    (abs(x) - x).backward()
    assert x.grad == -2.0


def test_python_s_own_sum_min_max_and_sorted_take_values() -> None:
    xs = [Value(3.0), Value(1.0), Value(2.0)]
    assert sum(xs).data == 6.0
    assert (min(xs), max(xs)) == (xs[1], xs[0])
    assert sorted(xs) == [xs[1], xs[2], xs[0]]


def test_an_object_array_of_values_computes_element_by_element() -> None:
    xs = np.array([Value(1.0), Value(2.0)], dtype=object)
    assert [y.data for y in xs * 2.0 + 1.0] == [3.0, 5.0]
    assert (xs @ xs).data == 5.0


def test_results_do_not_depend_on_the_label_or_grad_of_what_they_are_made_from() -> None:
    x = Value(2.0, "x")
    x.grad = 7.0
    y = x * 3.0
    assert (y.grad, y.label, y.op and y.op.name) == (0.0, None, "mul")
    assert [str(node.op) for node in y.parents] == ["None", "constant"]


def test_a_result_given_a_label_does_not_rename_numbers_elsewhere() -> None:
    x = Value(2.0, "x")
    slope = engine.gradient(x + 3.0, x)  # the number 1, of which the engine keeps one for all
    slope.label = "dy/dx"
    try:
        assert (x * 1.0).parents[1].label is None
    finally:
        slope.label = None


# --- comparisons, hash, conversions ---------------------------------------------------------------
@pytest.mark.parametrize("compare", COMPARISONS)
@pytest.mark.parametrize("other", [1, 2.0, np.float64(3.0), np.int64(2), math.nan, True])
def test_comparisons_look_at_the_data(compare: Binary, other: Any) -> None:
    x = Value(2.0)
    assert compare(x, other) is compare(2.0, float(other))
    assert compare(other, x) is compare(float(other), 2.0)
    assert compare(x, Value(other)) is compare(2.0, float(other))


def test_equality_and_hash_are_by_identity() -> None:
    x, same = Value(2.0), Value(2.0)
    assert x == x
    assert x != same
    assert x != 2.0
    assert np.float64(2.0) != x
    assert {x: "x", same: "same"} == {x: "x", same: "same"}
    assert len({x, same}) == 2
    x.data = 5.0
    assert x in {x}


def test_conversions() -> None:
    x = Value(-2.75)
    assert (float(x), int(x), bool(x), bool(Value(0.0)), bool(Value(-0.0))) == (
        *(-2.75, -2, True, False, False),
    )
    assert (math.floor(x).data, math.ceil(x).data, complex(x)) == (-3, -2, -2.75 + 0j)
    assert f"{x:.1f}|{x:+e}|{x:>8}" == "-2.8|-2.750000e+00|   -2.75"
    assert f"{x}" == str(x) == repr(x)


@pytest.mark.parametrize("number", NUMBERS, ids=lambda n: type(n).__name__)
def test_data_is_a_python_float_whatever_was_given(number: Any) -> None:
    x = Value(number)
    assert type(x._data) is float
    x.data = number
    assert (type(x._data), x.data) == (float, float(number))


def test_repr_is_flat_and_says_data_grad_label_and_operation() -> None:
    x = Value(3.0, "x")
    y = x * 2
    assert repr(Value(1e-6)) == "Value(data=1e-06, grad=0.0)"
    assert repr(x) == "Value(data=3.0, grad=0.0, label='x')"
    assert repr(y) == "Value(data=6.0, grad=0.0, op=mul)"
    for _ in range(10_000):
        y = y + x
    assert re.fullmatch(r"Value\(data=30006\.0, grad=0\.0, op=add\)", repr(y))


# --- what is rejected -----------------------------------------------------------------------------
@bad_inputs
def test_what_is_no_number_is_a_type_error_that_says_what_to_do(
    bad: Any, shown: str, remedy: str
) -> None:
    x, y = Value(2.0, "x"), Value(3.0, "y")
    z = x * y
    z.backward()
    before = snapshot(z)
    attempts: list[Callable[[], Any]] = [
        lambda: Value(bad),
        lambda: setattr(x, "data", bad),
        lambda: z.backward(bad),
        lambda: x.leaky_relu(bad),
        lambda: engine.dot([x, y], [bad, 1.0]),
        lambda: engine.dot([x, y], [1.0, 1.0], bias=bad) if bad is not None else Value(bad),
        lambda: engine.sum([x, bad, y]),
        lambda: engine.where(True, bad, x),
    ]
    array = isinstance(bad, np.ndarray)  # with an operator it gives an array of Values
    for f in () if array else (*(row[0] for row in OPERATORS.values()), *COMPARISONS):
        attempts += [lambda f=f: f(x, bad), lambda f=f: f(bad, x)]
    for attempt in attempts:
        with pytest.raises(TypeError) as error:
            attempt()
        message = str(error.value)
        assert message.startswith(HOLDS + shown)
        assert remedy in message
        assert snapshot(z) == before
    z.backward()  # and nothing went stale
    assert (x.grad, y.grad) == (6.0, 4.0)


def test_a_value_in_a_value_is_a_type_error() -> None:
    x = Value(2.0, "x")
    with pytest.raises(TypeError) as error:
        Value(x)
    assert str(error.value) == (
        HOLDS + "Value Value(data=2.0, grad=0.0, label='x'); use it as it is, or .detach() it for "
        "a leaf of its own"
    )
    with pytest.raises(TypeError, match=r"got Value .* \.detach\(\) it"):
        x.data = x
    with pytest.raises(TypeError, match=r"got Value .* \.detach\(\) it"):
        (x * 2).backward(x)
    assert (x.data, x.grad) == (2.0, 0.0)


def test_a_long_message_is_cut() -> None:
    with pytest.raises(TypeError) as error:
        Value("a" * 10_000)
    assert len(str(error.value)) < 200


def test_the_remedy_for_an_array_without_dimensions_works() -> None:
    with pytest.raises(TypeError) as error:
        Value(np.array(2.0))
    assert "float(" in str(error.value)  # it has no elements to loop over


@pytest.mark.parametrize("label", [5, b"x", ["x"], Value(1.0)], ids=repr)
def test_a_label_is_a_string(label: Any) -> None:
    with pytest.raises(TypeError) as error:
        Value(1.0, label)
    assert str(error.value) == f"a label is a str or None, got {label!r}; use str(...)"


def test_data_of_a_result_cannot_be_set() -> None:
    x = Value(2.0, "x")
    y = x * 3.0
    y.label = "y"
    before = snapshot(y)
    for node, name in ((y, "y=6.0"), (y.parents[1], "3")):
        with pytest.raises(AttributeError) as error:
            node.data = 1.0
        assert str(error.value) == (
            f"the data of {name} cannot be set, since it was computed; change a leaf and build the "
            "expression again, or take .detach()"
        )
    assert snapshot(y) == before
    y.backward()
    assert x.grad == 3.0


def test_a_value_has_no_other_attributes() -> None:
    x: Any = Value(2.0)
    with pytest.raises(AttributeError):
        x.gradient = 1.0
    with pytest.raises(TypeError):
        x[0]
    with pytest.raises(TypeError):
        iter(x)


# --- errors in a sweep change nothing -------------------------------------------------------------
class Interrupt(BaseException):
    """As a KeyboardInterrupt would arrive: not an Exception."""


@pytest.mark.parametrize("kind", [Interrupt, KeyboardInterrupt, RuntimeError, MemoryError])
@pytest.mark.parametrize("earlier", [False, True], ids=["first", "after another sweep"])
def test_a_sweep_that_is_interrupted_changes_nothing(
    kind: type[BaseException], earlier: bool
) -> None:
    armed = False

    def partial(y: Any, x: Any) -> Any:
        if armed:
            raise kind("in the middle")
        return 2.0 * x

    square = engine.operation("my_square", lambda x: x * x, partial)
    a, b = Value(2.0, "a"), Value(3.0, "b")
    y = square(a * b) * b + a
    if earlier:
        y.backward()
    before = snapshot(y)
    armed = True
    with pytest.raises(kind):
        y.backward()
    assert snapshot(y) == before
    armed = False
    y.zero_grad()
    y.backward()  # the engine is ready for the next one
    assert (a.grad, b.grad) == (2 * 2 * 27 + 1, 3 * 4 * 9)


def test_a_number_that_was_met_has_its_node_already() -> None:
    """Counted memory: a long loop makes one node for its 2. A 0 has a sign, and is never shared."""
    x = Value(3.0)

    def node(number: float) -> Value:
        return (x * number).parents[1]

    assert node(2.5) is node(2.5)
    assert [math.copysign(1.0, node(zero).data) for zero in (0.0, -0.0, 0.0)] == [1.0, -1.0, 1.0]
    assert node(0.0) is not node(0.0)
    node(2.5).label = "k"
    assert node(2.5).label is None
    node(2.5).grad = 1.0
    assert node(2.5).grad == 0.0
    assert node(2.5) is node(2.5)
