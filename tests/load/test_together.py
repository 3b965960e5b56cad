"""Eight threads that each build, sweep, compile, train, draw and step: the answers of one."""

import math

import pytest

from engine import Program, Value, gradient
from engine.drawing import latex, tree
from nn import MLP, fit, predict
from tests.core.test_threads import together
from tests.load.works import HOW, XS, YS, network

pytest.importorskip("llvmlite", reason="pip install gradwalk[fast]")


def everything(seed: int) -> list[object]:
    """What one thread finds, to the bit."""
    xs, y = network(3, 2, seed)
    y.backward()
    found: list[object] = [y.data, *[x.grad for x in xs]]
    x, w = Value(0.0, "x"), Value(0.5 + seed, "w")
    loss = (x * w).tanh() + x * x
    found += [*Program([x], [loss, gradient(loss, w)], [w])([[math.sin(seed)]]).flat]
    for backend in ("eager", "native"):
        model = MLP(2, [3, 1], "tanh", "sigmoid", rng=seed)
        fit(model, XS, YS, **HOW, epochs=2, seed=seed, backend=backend)
        found += [p.data for p in model.parameters()]
        found += predict(model, XS[:3])
    found += [y.to_svg(), str(tree(y)), str(latex(y, limit=10**6))]
    run = y.trace_backward()
    found += [run.goto(5), run.current and run.current.after]
    run.close()
    return [str(each) for each in found]


def test_eight_threads_that_do_everything_find_what_one_does() -> None:
    want = [everything(seed) for seed in range(4)]
    assert together(lambda i: everything(i % 4), 8) == want + want
