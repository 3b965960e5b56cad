"""Code written for micrograd, NumPy and other libraries does with Values what it did there."""

import builtins
import math
import pickle
import sys

import numpy as np
import pytest

import engine
from engine import NumericError, Value
from engine.core.node import Node


def graph() -> tuple[Value, ...]:
    a, b = Value(2.0, "a"), Value(-3.0, "b")
    c = a * b
    return a, b, c, (c + a).tanh()


# --- micrograd's names -------------------------------------------------------------------------
def test_the_lecture_s_trace_walks_the_graph() -> None:
    """`trace` as it stands in the notebooks of the lectures; `draw_dot` draws what it finds."""
    nodes, found = set(), set()

    def build(v: Value) -> None:
        if v not in nodes:
            nodes.add(v)
            for child in v._prev:
                found.add((child, v))
                build(child)

    a, b, c, d = graph()
    build(d)
    assert nodes == {*engine.topological(d)}
    assert found >= {(a, c), (b, c)}
    assert c._prev == {a, b}
    assert a._prev == set()


@pytest.mark.parametrize(
    ("make", "written"),
    [
        (lambda x: x + 1, "+"),
        (lambda x: x - 1, "-"),
        (lambda x: x * 2, "*"),
        (lambda x: x / 2, "/"),
        (lambda x: x**3, "**3"),
        (lambda x: x**-0.5, "**-0.5"),
        (lambda x: x.relu(), "ReLU"),
        (lambda x: x.tanh(), "tanh"),
        (lambda x: x.exp(), "exp"),
        (lambda x: x, ""),
    ],
)
def test_operations_are_written_as_in_micrograd(make, written: str) -> None:
    assert make(Value(2.0))._op == written


def test_a_number_in_an_expression_was_made_by_nothing() -> None:
    (number,) = [parent for parent in (Value(2.0) * 3)._prev if parent.data == 3.0]
    assert number._op == ""


def test_none_is_a_gradient_of_zero_in_a_walk_by_hand() -> None:
    a, b = Value(2.0), Value(3.0)
    c = a * b
    a.grad = c.grad = None  # type: ignore[assignment]
    c._backward()
    c.grad = 1.0
    c._backward()
    assert [a.grad, b.grad] == [3.0, 2.0]


def test_a_walk_by_hand_gives_the_gradients_of_backward() -> None:
    a, b, c, d = graph()
    d.backward()
    wanted = [a.grad, b.grad, c.grad]
    d.zero_grad()
    d.grad = 1.0
    for node in reversed(engine.topological(d)):
        node._backward()
    assert [a.grad, b.grad, c.grad] == wanted


def test_a_step_by_hand_hands_on_what_the_sweep_does() -> None:
    """Nothing to numbers in an expression, nor to a branch that was not taken; and it adds."""
    x, y = Value(2.0), Value(1.0)
    product, largest = x * 3, engine.maximum(x, y)
    for result in (product, product, largest):
        result.grad = 1.0
        result._backward()
    assert (x.grad, y.grad, product.parents[1].grad) == (7.0, 0.0, 0.0)


def test_micrograd_s_names_are_read_only() -> None:
    x = Value(2.0)
    for name in ("_prev", "_op"):
        with pytest.raises(AttributeError, match="no setter"):
            setattr(x, name, ())
    with pytest.raises(AttributeError, match=r"engine\.operation\(name, function, partials\)"):
        x._backward = lambda: None
    with pytest.raises(AttributeError):
        x._op_name = "sin"


@pytest.mark.parametrize(
    "make",
    [
        lambda x: Value(math.sin(x.data), (x,), "sin"),
        lambda x: Value(math.sin(x.data), (x,)),
    ],
)
def test_an_operation_made_as_in_the_lecture_names_engine_operation(make) -> None:
    with pytest.raises(TypeError, match=r"a label is a str or None.*engine\.operation\(\.\.\.\)"):
        make(Value(2.0))


# --- attributes --------------------------------------------------------------------------------
def test_a_label_is_refused_when_it_is_set() -> None:
    x = Value(2.0, "x")
    with pytest.raises(TypeError, match=r"a label is a str or None, got 3; use str\(\.\.\.\)"):
        x.label = 3  # type: ignore[assignment]
    assert x.label == "x"
    x.label = None
    assert x.label is None
    x.label = "y"
    assert pickle.loads(pickle.dumps(x)).label == "y"


def test_moments_of_an_optimiser_have_a_place_beside_the_value() -> None:
    p = Value(2.0)
    for name in ("m", "v", "velocity", "momentum", "square_avg", "step", "mask", "t"):
        with pytest.raises(AttributeError, match=rf"a dictionary by Value: {name}\[p\] = "):
            setattr(p, name, 0.0)
        assert not hasattr(p, name)
    m = {p: 0.0}  # what the message says
    m[p] += 1.0
    with pytest.raises(AttributeError, match=r"requires_grad_\(False\) of its module"):
        p.requires_grad = False  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        p.anything = 0.0  # type: ignore[attr-defined]


def test_a_node_is_no_larger() -> None:
    most = 112 if sys.version_info >= (3, 12) else 104
    assert sys.getsizeof(Value(1.0)) == sys.getsizeof(object.__new__(Node)) <= most


# --- operators ---------------------------------------------------------------------------------
OPERATORS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "truediv": lambda a, b: a / b,
    "pow": lambda a, b: a**b,
    "mod": lambda a, b: a % b,
    "floordiv": lambda a, b: a // b,
    "divmod": divmod,
}


class Knows:
    """Has every reflected operator and every ordinary one."""


for _name in OPERATORS:
    setattr(Knows, f"__r{_name}__", lambda self, other, name=_name: ("right", name, other))
    setattr(Knows, f"__{_name}__", lambda self, other, name=_name: ("left", name, other))


@pytest.mark.parametrize("name", OPERATORS)
def test_another_class_is_asked_for_what_a_value_does_not_know(name: str) -> None:
    x = Value(2.0)
    assert OPERATORS[name](x, Knows()) == ("right", name, x)
    assert OPERATORS[name](Knows(), x) == ("left", name, x)
    assert getattr(x, f"__{name}__")(Knows()) is NotImplemented


@pytest.mark.parametrize("name", OPERATORS)
def test_where_nobody_knows_it_is_a_type_error(name: str) -> None:
    class Unknown:
        pass

    for other in ("a", None, [1.0], 1j):
        with pytest.raises(TypeError, match=r"a Value holds an int, a float or a NumPy scalar"):
            OPERATORS[name](Value(2.0), other)
    with pytest.raises(TypeError, match="unsupported operand"):
        OPERATORS[name](Value(2.0), Unknown())


@pytest.mark.parametrize("name", ["add", "sub", "mul", "truediv", "pow", "mod", "floordiv"])
def test_arrays_give_arrays_of_values_on_both_sides(name: str) -> None:
    array, apply = np.array([[1.0, 2.0], [3.0, 4.0]]), OPERATORS[name]
    x = Value(1.5, "x")
    for left, right in ((array, x), (x, array), (np.array(2.0), x), (x, np.array(2.0))):
        found = np.array(apply(left, right))
        wanted = apply(*[side.data if isinstance(side, Value) else side for side in (left, right)])
        assert found.shape == np.shape(wanted)
        assert [each.data for each in found.flat] == [*np.ravel(wanted)]
    (engine.sum([*(array * x).flat])).backward()
    assert x.grad == 10.0
    assert (array < x).tolist() == (x > array).tolist() == [[True, False], [False, False]]


@pytest.mark.parametrize("scalar", [np.float64(2.0), np.float32(2.0), np.int64(2), np.bool_(True)])
def test_numpy_scalars_are_numbers_on_both_sides(scalar) -> None:
    number = float(scalar)
    for apply in OPERATORS.values():
        assert _data(apply(scalar, Value(3.0))) == apply(number, 3.0)
        assert _data(apply(Value(3.0), scalar)) == apply(3.0, number)
    x = Value(3.0)
    assert (scalar < x) == (number < 3.0)
    product = scalar * x
    assert type(product) is Value
    assert engine.core.origins.name_of(product) == "product"


def _data(found):
    return tuple(each.data for each in found) if isinstance(found, tuple) else found.data


# --- Python ------------------------------------------------------------------------------------
def test_a_value_can_be_matched_by_its_data() -> None:
    match Value(2.0) * 3:
        case Value(6.0 as data):
            assert data == 6.0
        case _:
            raise AssertionError("did not match")


@pytest.mark.parametrize(
    ("compute", "error"),
    [
        (lambda x: x / 0, ZeroDivisionError),
        (lambda x: 1 / (x - x), ZeroDivisionError),
        (lambda x: (x - x) / (x - x), ZeroDivisionError),
        (lambda x: (x - x) ** -1, ZeroDivisionError),
        (lambda x: (x - x) ** Value(-2.0), ZeroDivisionError),
        (lambda x: x % 0, ZeroDivisionError),
        (lambda x: x // 0, ZeroDivisionError),
        (lambda x: (x * 1000).exp(), OverflowError),
        (lambda x: engine.expm1(x * 1000), OverflowError),
        (lambda x: engine.cosh(x * 1000), OverflowError),
        (lambda x: (x * 10) ** 400, OverflowError),
        (lambda x: (x - x).log(), ValueError),
        (lambda x: (-x).sqrt(), ValueError),
    ],
)
def test_errors_can_be_caught_as_what_python_raises(compute, error: type[Exception]) -> None:
    with pytest.raises(NumericError) as caught:
        compute(Value(1.0))
    assert isinstance(caught.value, error)
    assert isinstance(caught.value, ValueError)
    also = {ZeroDivisionError, OverflowError} - {error}
    assert not isinstance(caught.value, tuple(also))
    assert 'numeric_mode("ieee")' in str(caught.value)


def test_a_star_import_leaves_python_s_functions_alone() -> None:
    names: dict[str, object] = {}
    exec("from engine import *", names)
    assert names["tanh"] is engine.tanh
    assert not {*names} & {name for name in dir(builtins) if not name.startswith("__")}
    assert engine.sum is not sum
    assert engine.round is not round
