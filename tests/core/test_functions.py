"""The functions that `engine` exports: what they take, what they give, what they refuse."""

import ast
import inspect
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import engine
from engine import Value, topological
from engine.core.operation import TABLE
from engine.core.value import is_constant
from engine.operations.check import domain_of
from tests.operations.rows import MORE

# How each is called on the numbers of a point; the point is at no kink.
CALLS: dict[str, tuple[Callable[..., Any], tuple[float, ...]]] = {
    **{
        name: (getattr(engine, name), (0.7,))
        for name in (
            *("cos", "exp", "expm1", "gelu", "gelu_tanh", "log", "log1p", "relu", "sigmoid"),
            *("silu", "sin", "softplus", "sqrt", "tan", "tanh"),
        )
    },
    "leaky_relu": (engine.leaky_relu, (-0.7, 0.2)),
    "elu": (engine.elu, (-0.7, 1.5)),
    "hypot": (engine.hypot, (3.0, -4.0)),
    "clamp": (engine.clamp, (0.7, -1.0, 1.0)),
    "equal": (engine.equal, (0.7, 0.7)),
    "choose": (lambda i, *xs: engine.choose(i, xs), (1.0, 2.5, 3.5)),
    "binary_cross_entropy": (engine.binary_cross_entropy, (0.7, 0.25)),
    "binary_cross_entropy_with_logits": (engine.binary_cross_entropy_with_logits, (0.7, 0.25)),
    "sum": (lambda *xs: engine.sum(xs), (1.0, 2.5, -4.0)),
    "dot": (lambda *xs: engine.dot(xs[:2], xs[2:4], xs[4]), (1.0, 2.0, 3.0, 4.0, 5.0)),
    "maximum": (engine.maximum, (1.0, 3.0, 2.0)),
    "minimum": (engine.minimum, (1.0, 3.0, 2.0)),
    "logsumexp": (lambda *xs: engine.logsumexp(xs), (1.0, 3.0, 2.0)),
    "logaddexp": (engine.logaddexp, (1.0, 3.0)),
    "sign": (engine.sign, (-0.7,)),
    "softmax": (lambda *xs: engine.softmax(xs, 1), (1.0, 3.0, 2.0)),
    "log_softmax": (lambda *xs: engine.log_softmax(xs, 1), (1.0, 3.0, 2.0)),
    "prod": (lambda *xs: engine.prod(xs), (1.0, 2.5, -4.0)),
    "mean": (lambda *xs: engine.mean(xs), (1.0, 2.5, -4.0)),
    "var": (lambda *xs: engine.var(xs), (1.0, 2.5, -4.0)),
    "std": (lambda *xs: engine.std(xs, correction=0), (1.0, 2.5, -4.0)),
    "norm": (lambda *xs: engine.norm(xs), (1.0, 2.5, -4.0)),
    "where": (lambda a, b: engine.where(True, a, b), (1.5, 2.5)),
}
# The rows of engine/operations are called as they say themselves, within their domain.
CALLS |= {
    name: (
        getattr(engine, name),
        tuple([low + 0.37 * (high - low) for low, high in domain_of(row)]),
    )
    for name, row in TABLE.items()
    if name in MORE and name in engine.__all__ and not row.expand
}
every_function = pytest.mark.parametrize("name", CALLS)


def test_every_function_is_here() -> None:
    others = {
        "engine.calculus.differentiation",
        "engine.operations.check",
        "engine.operations.rule",
        "engine.core.graph",
    }
    exported = {name: getattr(engine, name) for name in engine.__all__}
    functions = {name: thing for name, thing in exported.items() if inspect.isfunction(thing)}
    called = {name for name, f in functions.items() if f.__module__ not in others}
    assert set(CALLS) - {"sum"} == called - {"inputs"}  # Python has a sum; inputs makes leaves
    assert len(exported) == len(engine.__all__)


@every_function
def test_a_function_takes_values_and_numbers_in_any_mix_and_gives_a_value(name: str) -> None:
    f, point = CALLS[name]
    results = []
    for mask in range(2 ** len(point)):
        inputs = [Value(x) if mask >> i & 1 else x for i, x in enumerate(point)]
        y = f(*inputs)
        assert type(y) is Value
        results.append(y.data)
    assert set(results) == {results[0]}
    assert math.isfinite(results[0])


@every_function
def test_a_function_records_one_node_on_the_values_it_was_given(name: str) -> None:
    f, point = CALLS[name]
    inputs = [Value(x) for x in point]
    y = f(*inputs)
    assert {parent for parent in y.parents if not is_constant(parent)} <= set(inputs)
    assert len(topological(y)) == len(y.parents) + 1


@every_function
def test_a_method_is_the_function(name: str) -> None:
    f, (x, *others) = CALLS[name]
    method = getattr(Value, name, None)
    if method is None:
        assert others  # every function of one number is a method too
        return
    one, two = Value(x), Value(x)
    y, z = f(one, *others), method(two, *others)
    assert (y.data, y.op) == (z.data, z.op)
    y.backward()
    z.backward()
    assert one.grad == two.grad
    assert method.__name__ == name
    assert method is getattr(engine, name)  # with its docstring and its signature


def test_defaults_are_those_of_pytorch() -> None:
    x = Value(-2.0)
    assert x.leaky_relu().data == engine.leaky_relu(x).data == -0.02
    assert x.elu().data == engine.elu(x).data == math.expm1(-2.0)


def test_the_slope_of_leaky_relu_and_the_alpha_of_elu_can_be_learned() -> None:
    slope, alpha, x = Value(0.1), Value(1.5), Value(-2.0)
    (x.leaky_relu(slope) + x.elu(alpha=alpha)).backward()
    assert (slope.grad, alpha.grad) == (-2.0, math.expm1(-2.0))
    assert x.grad == pytest.approx(0.1 + 1.5 * math.exp(-2.0), rel=1e-15)
    slope.grad = alpha.grad = 0.0
    positive = Value(2.0)
    (positive.leaky_relu(slope) + positive.elu(alpha)).backward()
    assert (slope.grad, alpha.grad, positive.grad) == (0.0, 0.0, 2.0)


def test_targets_and_bounds_are_inputs_like_any_other() -> None:
    p, t, low, high = Value(0.5), Value(0.25), Value(-1.0), Value(1.0)
    engine.binary_cross_entropy(p, t).backward()
    assert t.grad == pytest.approx(math.log(0.5) - math.log(0.5), abs=1e-15)
    x = Value(0.8)
    engine.binary_cross_entropy_with_logits(x, t).backward()
    assert t.grad == pytest.approx(-0.8, rel=1e-15)
    for at, wanted in ((-3.0, (0.0, 1.0, 0.0)), (0.0, (1.0, 0.0, 0.0)), (3.0, (0.0, 0.0, 1.0))):
        x, low.grad, high.grad = Value(at), 0.0, 0.0
        engine.clamp(x, low, high).backward()
        assert (x.grad, low.grad, high.grad) == wanted


# --- any number of inputs -------------------------------------------------------------------------
@pytest.mark.parametrize("count", [1, 2, 3, 50])
def test_n_ary_functions_take_any_number_of_inputs(count: int) -> None:
    xs = [Value(0.1 * i) for i in range(count)]
    plain = [x.data for x in xs]
    assert engine.sum(xs).data == math.fsum(plain)
    assert engine.maximum(*xs).data == max(plain)
    assert engine.minimum(*xs).data == min(plain)
    assert engine.dot(xs, xs).data == pytest.approx(sum(x * x for x in plain), rel=1e-15)
    whole = math.fsum(map(math.exp, plain))
    assert engine.logsumexp(xs).data == pytest.approx(math.log(whole), rel=1e-14, abs=1e-15)
    shares = engine.softmax(xs)
    assert [p.data for p in shares] == pytest.approx([math.exp(x) / whole for x in plain])
    assert math.fsum(p.data for p in shares) == pytest.approx(1.0, rel=1e-15)
    logs = engine.log_softmax(xs)
    assert [math.exp(p.data) for p in logs] == pytest.approx([p.data for p in shares])
    for i in range(count):
        assert engine.softmax(xs, i).data == shares[i].data
        assert engine.log_softmax(xs, index=i).data == logs[i].data


def test_inputs_may_be_any_iterable_which_is_read_once() -> None:
    xs = [Value(1.0), Value(2.0), Value(3.0)]

    def once() -> Iterator[Value]:
        yield from xs

    assert engine.sum(once()).parents == tuple(xs)
    assert engine.dot(once(), once()).parents == (*xs, *xs)
    assert engine.dot(map(float, once()), dict.fromkeys(xs)).data == 14.0
    assert engine.logsumexp(once()).parents == tuple(xs)
    assert len(engine.softmax(once())) == len(engine.log_softmax(once())) == 3
    assert engine.softmax(once(), 2).data == engine.softmax(xs)[2].data


def test_the_lists_that_were_given_are_not_changed() -> None:
    xs, ws = [Value(1.0), 2.0], [3.0, Value(4.0)]
    kept = [*xs, *ws]
    for f in (engine.sum, engine.logsumexp, engine.softmax, engine.log_softmax):
        f(xs)
    assert engine.dot(ws, xs, 1.0).data == 12.0
    assert [*xs, *ws] == kept


def test_of_nothing() -> None:
    assert engine.sum([]).data == 0.0
    assert engine.dot([], []).data == 0.0
    assert engine.dot([], [], bias=Value(2.0)).data == 2.0
    for name in ("maximum", "minimum", "logsumexp", "softmax", "log_softmax"):
        f: Any = getattr(engine, name)
        empty: list[Any] = [] if name in ("maximum", "minimum") else [[]]
        with pytest.raises(
            ValueError, match=f"^{name} takes at least one input, got none; give it one or more$"
        ):
            f(*empty)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("index", [3, -1, 100])
def test_an_index_out_of_range(name: str, index: int) -> None:
    with pytest.raises(IndexError) as error:
        getattr(engine, name)([1.0, 2.0, Value(3.0)], index)
    assert str(error.value) == f"{name} got index {index} for 3 inputs; it counts from 0 to 2"


@pytest.mark.parametrize("name", ["logsumexp", "softmax", "log_softmax"])
def test_one_value_where_a_list_belongs(name: str) -> None:
    with pytest.raises(TypeError) as error:
        getattr(engine, name)(Value(1.0))
    assert str(error.value) == (
        f"{name} takes a list of Values or numbers, got Value; write {name}([...])"
    )


def test_dot_wants_as_many_weights_as_inputs() -> None:
    ws, xs = [Value(1.0), Value(2.0)], [Value(3.0)]
    for args in ((ws, xs), (xs, ws), (iter(ws), iter(xs)), ([], xs)):
        with pytest.raises(ValueError, match=r"^dot takes as many weights as inputs, got \d weigh"):
            engine.dot(*args)
    message = "dot takes as many weights as inputs, got 2 weights and 1 inputs"
    with pytest.raises(ValueError, match=re.escape(message)):
        engine.dot(ws, xs, bias=Value(1.0))


def test_an_input_that_appears_twice_gets_both_gradients() -> None:
    x, y = Value(2.0), Value(3.0)
    engine.sum([x, y, x]).backward()
    assert (x.grad, y.grad) == (2.0, 1.0)
    x.grad = y.grad = 0.0
    engine.dot([x, y], [x, x], bias=x).backward()
    assert (x.grad, y.grad) == (2 * 2 + 3 + 1, 2.0)
    x.grad = 0.0
    engine.maximum(x, x, 1.0).backward()
    assert x.grad == 1.0


def test_a_nan_is_never_hidden() -> None:
    nan = Value(math.nan)
    for f in (engine.maximum, engine.minimum):
        assert math.isnan(f(nan, 1.0).data)
        assert math.isnan(f(1.0, nan).data)
    for g in (engine.relu, engine.leaky_relu, engine.elu, engine.softplus, engine.silu):
        assert math.isnan(g(nan).data)
    assert math.isnan(engine.clamp(nan, 0.0, 1.0).data)


# --- where ----------------------------------------------------------------------------------------
def test_where_links_the_branch_that_was_taken_and_only_that() -> None:
    a, b = Value(2.0, "a"), Value(3.0, "b")
    for test, taken, other in ((True, a, b), (0.0, b, a), (a > b, b, a), (Value(1.0), a, b)):
        a.grad = b.grad = 0.0
        y = engine.where(test, a, b)
        y.backward()
        assert (y.data, y.parents, y.op and y.op.name) == (taken.data, (taken,), "where")
        assert (taken.grad, other.grad) == (1.0, 0.0)


def test_where_calls_the_lazy_branch_that_is_taken_and_only_that() -> None:
    x = Value(-1.0, "x")
    called: list[str] = []

    def root() -> Value:
        called.append("root")
        return engine.sqrt(x)

    assert engine.where(x > 0, root, 0.0).data == 0.0
    assert engine.where(x > 0, root, lambda: 5).data == 5.0
    assert called == []
    x.data = 4.0
    y = engine.where(x > 0, root, lambda: engine.log(-x))
    y.backward()
    assert (y.data, x.grad, called) == (2.0, 0.25, ["root"])


def test_the_branch_not_taken_cannot_poison_a_gradient() -> None:
    x = Value(0.0)
    with engine.numeric_mode("ieee"):
        y = engine.where(x > 0, engine.log(x) * x, x * 2.0)
        y.backward()
    assert x.grad == 2.0


def test_type_checkers_find_exactly_the_methods_that_rows_set() -> None:
    """A method of a row is set while the room of operations is loaded, and declared beside it."""

    def methods(path: Path, of: str) -> dict[str, ast.FunctionDef]:
        (found,) = [x for x in ast.parse(path.read_text()).body if getattr(x, "name", "") == of]
        assert isinstance(found, ast.ClassDef)
        return {x.name: x for x in found.body if isinstance(x, ast.FunctionDef)}

    home = Path(engine.__file__).parent
    declared = methods(home / "operations" / "methods.pyi", "Methods")
    own = methods(home / "core" / "value.py", "Value").keys() | vars(object).keys()
    set_on_value = {name: each for name, each in vars(Value).items() if callable(each)}
    assert declared.keys() == set_on_value.keys() - own
    for name, stub in declared.items():
        if not name.startswith("__"):
            (_, *rest) = inspect.signature(set_on_value[name]).parameters.values()
            assert [arg.arg for arg in stub.args.args[1:]] == [x.name for x in rest]
            defaults = [x.default for x in rest if x.default is not x.empty]
            assert [ast.literal_eval(each) for each in stub.args.defaults] == defaults


@pytest.mark.parametrize(
    ("attempt", "error", "message"),
    [
        ("hypot([x, x])", TypeError, r"argument: 'b'; write hypot\(a, b\)"),
        ("atan2(x, x, x)", TypeError, r"3 were given; write atan2\(a, b\)"),
        ("softmax([x, x], 1.0)", TypeError, "the index of an input, got 1.0; write an int"),
        ("numeric_mode('IEEE')", ValueError, "did you mean 'ieee'?"),
        ("check_gradient(abs, ['a'])", TypeError, r"got str 'a'; convert it with float\("),
        ("operation('few', abs, lambda y: y)(x).backward()", TypeError, "the partials of few take"),
    ],
)
def test_an_error_about_arguments_says_what_to_write(
    attempt: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        eval(attempt, {"x": engine.Value(1.0), **{n: getattr(engine, n) for n in engine.__all__}})
