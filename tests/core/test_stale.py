"""A gradient is that of the numbers which the forward pass saw: right, or an error; never a mix."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest

import engine
from engine import StaleValueError, Value, gradient, hvp, jvp, topological, vjp


def state(*roots: Value) -> list[tuple[float, float]]:
    return [(node.data, node.grad) for node in topological(*roots)]


def test_a_leaf_changed_in_between_is_an_error_that_changes_nothing() -> None:
    a, b = Value(2.0, "a"), Value(5.0, "b")
    y = a * b
    y.backward()
    b.data, line = 100.0, inspect.currentframe().f_lineno  # type: ignore[union-attr]
    before = state(y)
    with pytest.raises(StaleValueError) as error:
        y.backward()
    assert str(error.value) == (
        "b=100.0 was changed after y=10.0 was computed from it, so gradients would mix old and "
        "new numbers; build the expression again after changing a leaf (as "
        f"test_stale.py:{line} did)"
    )
    assert isinstance(error.value, RuntimeError)
    assert state(y) == before
    y = a * b  # the remedy
    y.backward()
    assert (a.grad, b.grad) == (5.0 + 100.0, 4.0)


def test_a_leaf_without_a_label_is_named_by_its_variable() -> None:
    x = Value(2.0)
    y = x * 3.0
    y.label = "y"
    x.data = 1.0
    with pytest.raises(StaleValueError, match=r"^x=1\.0 was changed after y=6\.0 was"):
        y.backward()


SWEEPS: dict[str, Callable[[Value, Value], Any]] = {
    "backward": lambda y, x: y.backward(),
    "gradient": gradient,
    "vjp": lambda y, x: vjp([y, y], [x], [1.0, 2.0]),
    "jvp": lambda y, x: jvp(y, {x: 1.0}),
    "hvp": lambda y, x: hvp(y, [x], [1.0]),
    "jacobian": lambda y, x: engine.jacobian([y], [x]),
    "hessian": lambda y, x: engine.hessian(y, [x]),
}
every_sweep = pytest.mark.parametrize("sweep", SWEEPS.values(), ids=SWEEPS)


@every_sweep
@pytest.mark.parametrize(
    "build",
    [
        lambda x: x + 1,
        lambda x: -x,
        lambda x: x.tanh(),
        lambda x: x**2,
        lambda x: x / x,
        lambda x: engine.dot([x, 2.0], [3.0, x]),
        lambda x: engine.softmax([x, 1.0])[1],
        lambda x: engine.where(True, x, 0.0),
        lambda x: ((x * 2).sin() + 1).exp(),
    ],
)
def test_every_sweep_and_every_kind_of_node_notices(
    sweep: Callable[[Value, Value], Any], build: Callable[[Value], Value]
) -> None:
    x = Value(0.5, "x")
    y = build(x)
    sweep(y, x)
    x.data = 0.5  # to the same number too: it is not compared
    before = state(y)
    with pytest.raises(StaleValueError, match=r"^x=0\.5 was changed after"):
        sweep(y, x)
    assert state(y) == before


@every_sweep
def test_gradients_are_stale_as_well(sweep: Callable[[Value, Value], Any]) -> None:
    x = Value(2.0, "x")
    slope = gradient(x**3, x)
    sweep(slope, x)
    x.data = 3.0
    with pytest.raises(StaleValueError):
        sweep(slope, x)


def test_only_what_lies_above_the_change_is_stale() -> None:
    a, b = Value(2.0, "a"), Value(3.0, "b")
    left, right = a * 2.0, b * 3.0
    both = left + right
    a.data = 7.0
    right.backward()
    assert b.grad == 3.0
    for node in (left, both):
        with pytest.raises(StaleValueError, match=r"^a=7\.0 was changed after left=4\.0"):
            node.backward()
    fresh = a * right  # a subgraph that is fresh may be used on
    fresh.backward()
    assert (a.grad, b.grad) == (9.0, 3.0 + 21.0)


def test_a_graph_built_in_part_before_and_in_part_after() -> None:
    a, b = Value(2.0, "a"), Value(3.0, "b")
    h = a * b
    a.data = 10.0
    y = h * a  # h saw 2, y sees 10
    with pytest.raises(StaleValueError, match=r"^a=10\.0 was changed after h=6\.0"):
        y.backward()
    assert (a.grad, b.grad) == (0.0, 0.0)
    c = Value(1.0, "c")
    z = a * c
    unrelated = Value(1.0)
    unrelated.data = 5.0  # time passes
    w = z + unrelated
    w.backward()
    assert (a.grad, c.grad) == (1.0, 10.0)


def test_a_leaf_that_the_gradient_does_not_need_is_noticed_all_the_same() -> None:
    """x + b has the gradient 1 whatever b is; but the value above it is not that of b's number."""
    a, b = Value(2.0), Value(3.0)
    y = a + b
    b.data = 0.0
    with pytest.raises(StaleValueError):
        y.backward()


def test_data_that_could_not_be_set_makes_nothing_stale() -> None:
    a = Value(2.0)
    y = a * a
    for bad in ("3", None, [3.0]):
        with pytest.raises(TypeError):
            a.data = bad
    y.backward()
    assert a.grad == 4.0


def test_grad_and_label_may_change_at_any_time() -> None:
    a = Value(2.0, "a")
    y = a * a
    a.grad, a.label, y.grad, y.label = 5.0, "b", 7.0, "y"
    y.backward()
    assert (a.grad, y.grad) == (9.0, 8.0)


def test_a_change_before_anything_is_built_and_a_change_of_what_is_apart() -> None:
    a = Value(2.0)
    a.data = 3.0
    y = a * a
    Value(1.0).data = 2.0
    y.detach().data = 5.0
    with engine.no_grad():
        z = a * 2
        z.data = 5.0
    y.backward()
    assert a.grad == 6.0


@pytest.mark.parametrize("steps", [1, 20])
def test_the_usual_loop_of_training_passes(steps: int) -> None:
    w, b = Value(0.0, "w"), Value(0.0, "b")
    points = [(x, 2.0 * x + 1.0) for x in (-1.0, 0.0, 1.0)]
    losses = []
    for _ in range(steps):
        loss = engine.sum([(w * x + b - y) ** 2 for x, y in points])
        for p in (w, b):
            p.grad = 0.0
        loss.backward()
        for p in (w, b):
            p.data -= 0.1 * p.grad
        losses.append(loss.data)
    assert losses == sorted(losses, reverse=True)
    if steps > 1:
        assert (w.data, b.data) == pytest.approx((2.0, 1.0), abs=0.05)
    with pytest.raises(StaleValueError):
        loss.backward()


def test_a_model_changed_by_accident_between_two_losses() -> None:
    w = Value(1.0, "w")
    one, two = (w - 1.0) ** 2, (w - 3.0) ** 2
    one.backward()
    w.data -= 0.1 * w.grad
    with pytest.raises(StaleValueError):
        two.backward()


def test_zero_grad_of_a_graph() -> None:
    x, y = Value(2.0), Value(3.0)
    h = x * y
    z = h * h + x
    other = x * 10.0
    z.backward()
    other.backward()
    assert 0.0 not in {node.grad for node in (x, y, h, z, other)}
    z.zero_grad()
    assert [node.grad for node in topological(z)] == [0.0] * 5
    assert other.grad == 1.0
    x.data = 5.0
    z.zero_grad()  # a stale graph too
    assert x.grad == 0.0
