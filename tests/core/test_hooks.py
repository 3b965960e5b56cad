"""Hooks see a node's gradient when it is complete, and change it for all that is below."""

import gc
import math
from typing import Any
from weakref import ref

import pytest

from engine import NumericError, Value, exp, topological
from engine.core.hooks import HOOKS, visited
from engine.stepping import Run, to_source


def graph() -> tuple[Value, Value, Value, Value]:
    """x and w, a result h that is used twice, and what is computed from it."""
    x, w = Value(0.5, "x"), Value(-1.5, "w")
    h = x * w
    h.label = "h"
    y = exp(h) + h * w
    return x, w, h, y


def grads(root: Value) -> list[float]:
    return [node.grad for node in topological(root)]


def test_a_hook_sees_the_whole_gradient_and_scales_what_is_below() -> None:
    x, w, h, y = graph()
    seen: list[float] = []
    h.register_hook(seen.append)
    y.backward()
    whole = math.exp(-0.75) - 1.5
    assert seen == [whole]
    assert (h.grad, x.grad) == (whole, whole * -1.5)
    h.register_hook(lambda grad: 10 * grad)  # a second hook gets what the first leaves
    y.zero_grad()
    y.backward()
    assert (h.grad, x.grad, w.grad) == (10 * whole, 10 * whole * -1.5, -0.75 + 10 * whole * 0.5)
    assert seen == [whole, whole]


def test_hooks_of_leaves_and_of_the_output_are_called_too_and_passes_add_up() -> None:
    x, _, _, y = graph()
    y.register_hook(lambda grad: grad * 2)
    y.backward()
    doubled = x.grad
    x.register_hook(lambda grad: 1.0)
    y.backward()
    assert x.grad == doubled + 1.0  # a hook has the gradient of its own pass
    assert y.grad == 4.0
    a, _, _, b = graph()
    b.backward(2.0)
    assert a.grad == doubled


def test_a_hook_that_is_removed_is_not_called() -> None:
    x, _, h, y = graph()
    first = h.register_hook(lambda grad: 0.0)
    second = h.register_hook(lambda grad: grad + 1.0)
    first.remove()
    y.backward()
    other = graph()
    other[3].backward()
    assert h.grad == other[2].grad + 1.0
    second.remove()
    second.remove()
    y.zero_grad()
    y.backward()
    assert x.grad == other[0].grad


def test_what_is_no_hook_or_no_number_is_refused_and_changes_nothing() -> None:
    x, _, h, y = graph()
    wrong: Any = 3.0
    with pytest.raises(TypeError, match=r"a hook is a function of the gradient, got float; give"):
        h.register_hook(wrong)
    wrong = lambda grad: "all"  # noqa: E731
    for hook, error in {
        wrong: (TypeError, "a Value holds an int, a float or a NumPy scalar, got str"),
        (lambda grad: 1 / 0): (ZeroDivisionError, "division"),
        (lambda grad: math.inf): (
            NumericError,
            "of h=-0.75 is inf, by what a hook made of it or of one",
        ),
        (lambda grad: -1.7e308): (NumericError, "of x=0.5 is inf, by what .* remove"),
        (lambda grad: y.backward()): (RuntimeError, r"called within backward\(\)"),
    }.items():
        x.grad = 7.0
        handle = h.register_hook(hook)
        with pytest.raises(error[0], match=error[1]):
            y.backward()
        assert (x.grad, h.grad, y.grad) == (7.0, 0.0, 0.0)
        handle.remove()


def test_graphs_without_hooks_are_walked_as_they_are() -> None:
    *_, y = graph()
    order = topological(y)
    *_, h, _ = graph()
    handle = h.register_hook(print)
    assert visited(order) is order
    handle.remove()
    assert not HOOKS.get(ref(h))


def test_hooks_go_with_their_node() -> None:
    before = set(HOOKS)
    x, _, h, y = graph()
    h.register_hook(lambda grad: grad)
    key = ref(h)
    hash(key)
    assert key in HOOKS
    del x, h, y
    gc.collect()
    assert key not in HOOKS
    assert set(HOOKS) <= before


def hooked() -> Value:
    x, w, h, y = graph()
    y.register_hook(lambda grad: grad * 3)
    h.register_hook(lambda grad: max(grad, -0.5))
    x.register_hook(lambda grad: -grad)
    w.register_hook(lambda grad: grad / 7)
    w.grad = 2.0
    return y


def test_steps_and_runs_and_their_source_do_what_backward_does_with_hooks() -> None:
    swept = hooked()
    swept.backward()
    stepped = hooked()
    steps = [*stepped.backward_steps()]
    assert grads(stepped) == grads(swept)
    walked = hooked()
    run = Run(walked)
    assert [step.upstream for step in run] == [step.upstream for step in steps]
    positions = [grads(walked)]
    while run.step():
        positions.append(grads(walked))
    assert positions[-1] == grads(swept)
    for earlier in reversed(positions[:-1]):  # and back again, to the bit
        run.back()
        assert grads(walked) == earlier
    run.goto(-1)
    assert grads(walked) == grads(swept)
    scope: dict[str, Any] = {"__name__": "unrolled"}
    exec(to_source(run), scope)
    assert "h.grad = -0.5" in to_source(run)
    assert [scope[name].grad for name in ("x", "w", "h")] == [
        next(node.grad for node in topological(swept) if node.label == name) for name in "xwh"
    ]
    run.close()
    assert [node.grad for node in topological(walked) if node.label == "w"] == [2.0]


def test_training_with_a_hook_is_eager_and_obeys_it(capsys: pytest.CaptureFixture[str]) -> None:
    from nn import MLP, fit

    def trained(**how: Any) -> Any:
        model = MLP(2, [3, 1], rng=1)
        frozen = model.parameters()[0]
        start = frozen.data
        handle = frozen.register_hook(lambda grad: 0.0)
        xs = [[0.0, 1.0], [1.0, 0.5], [0.5, 0.25]]
        history = fit(model, xs, [0.0, 1.0, 0.5], loss="mse", optimizer="sgd", epochs=3, **how)
        handle.remove()
        return history.backend, frozen.data == start

    assert trained() == ("eager", True)
    with pytest.raises(ValueError, match="a Value of the model has a hook, which native code"):
        trained(backend="native")
