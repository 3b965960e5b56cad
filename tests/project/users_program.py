# ruff: noqa: B007, B905 (loops as users write them)
"""A user's programs, as type checkers see them: `test_types.py` runs mypy and pyright on this file.

Both accept it but for the lines that end with `# error`, or one does not that is named there. The
programs are run without these lines, and what is asserted of types is true then.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import engine
import nn
from engine import Program, Value, compiled, gradient, inputs, operation
from nn import MLP, Layer, Module, Neuron, Sequential

Array = NDArray[np.float64]
xs = [[2.0, 3.0, -1.0], [3.0, -1.0, 0.5], [0.5, 1.0, 1.0]]
ys = [1.0, -1.0, -1.0]


def micrograds_loop() -> None:
    """The README's, as it is printed there. `sum` is Python's: of Any, pyright says, it is int."""
    model = MLP(3, [4, 4, 1])
    for step in range(20):
        loss = sum((model(x) - y) ** 2 for x, y in zip(xs, ys))
        model.zero_grad()
        loss.backward()  # error: pyright
        for p in model.parameters():
            p.data -= 0.05 * p.grad


def the_loop_with_the_sum_of_the_engine() -> None:
    model = MLP(3, [4, 4, 1])
    for step in range(20):
        loss = engine.sum((model(x) - y) ** 2 for x, y in zip(xs, ys))
        assert_type(loss, Value)
        model.zero_grad()
        loss.backward()


def what_a_model_gives() -> None:
    one, several = MLP[Value](3, [4, 4, 1]), MLP[list[Value]](3, [4, 2])
    assert_type(one(xs[0]), Value)
    assert_type(several(xs[0])[0] + 1, Value)
    one(xs[0]).bakward()  # error
    several(xs[0]) - 1.0  # error
    assert_type(sum([one(x) for x in xs], start=Value(0.0)), Value)
    sum(one(x) for x in xs).backward()  # error

    undecided = MLP(3, [4, 4, 1])
    assert_type(undecided, MLP[Any])
    assert_type(undecided.train(), MLP[Any])
    assert_type(Neuron(3)(xs[0]), Value)
    assert_type(Sequential[Value](Layer(3, 4), Layer(4, 1))(xs[0]), Value)

    class Residual(Module[list[Value]]):
        def __init__(self) -> None:
            self.inner = Layer[list[Value]](3, 3, "tanh")

        def __call__(self, x: Sequence[float]) -> list[Value]:
            return [a + b for a, b in zip(self.inner(x), x)]

    models: list[Module] = [one, several, undecided, Residual()]

    def answer(model: Module[Value | list[Value]]) -> Value | list[Value]:
        return model(xs[0])

    answer(one), answer(several)
    assert_type([p.label for m in models for p in m.parameters()], list[str | None])


def names() -> None:
    model = MLP(3, [4, 1], activation="gelu", output="sigmoid", init="he")
    MLP(3, [4, 1], activation="rellu")  # error
    MLP(3, [4, 1], init="glorot")  # error
    Layer(3, 1, "swish")  # error
    history = nn.fit(model, xs, ys, loss="mse", optimizer="adamw", backend="eager", epochs=2)
    assert_type(history.loss, list[float])
    nn.fit(model, xs, ys, loss="mse_loss", monitor="r2", mode="max", metrics=["r2"], epochs=2)
    nn.fit(model, xs, ys, loss="sme")  # error
    nn.fit(model, xs, ys, loss="mse", optimizer="adm")  # error
    nn.fit(model, xs, ys, loss="mse", mode="lowest")  # error
    nn.fit(model, xs, ys, loss="mse", backend="gpu")  # error
    nn.fit(model, xs, ys, loss="mse", metrics="acuracy")  # error
    nn.fit(model, xs, ys, loss=partial(nn.huber_loss, delta=0.5), optimizer=nn.Adam, epochs=2)
    nn.fit(model, xs, ys, loss=lambda output, target: abs(output - target), epochs=2)

    def trained(loss: nn.LossName, activation: nn.ActivationName) -> nn.History:
        return nn.fit(MLP(3, [4, 1], activation), xs, ys, loss=loss, epochs=2)

    assert_type(trained("huber", "elu"), nn.History)
    Value(1.0).to_svg(direction="TB")
    engine.drawing.draw(Value(1.0), direction="up")  # error
    with engine.numeric_mode("ieee"):
        engine.numeric_mode("loose")  # error


def operations() -> None:
    x = Value(2.0, "x")
    cube = operation("cube", lambda x: x * x * x, lambda y, x: 3 * x**2, check=True)
    assert_type(cube(x), Value)
    assert_type(cube(2.0), float)
    cube("2")  # error
    y = engine.log(x).tanh() + 2.0 * engine.leaky_relu(x, 0.1) - x.leaky_relu(slope=0.1) ** 2
    assert_type(y, Value)
    assert_type(abs(-y) % 2.0, Value)
    assert_type(round(y), Value)
    assert_type(gradient(y, x), Value)
    assert_type(gradient(y, [x, y]), list[Value])
    assert_type(y.parents, tuple[Value, ...])
    assert_type(y._prev, frozenset[Value])
    engine.logg(x)  # error
    x.leaky_relu(0.1, 0.2)  # error
    x + "1"  # error
    for step in y.backward_steps():
        assert_type(step.parent, Value)
    assert_type(y.to_svg(), str)


def programs() -> None:
    a, b = inputs("a", "b")
    program = Program([a, b], [a * b], reduce="mean")
    assert_type(program([[1.0, 2.0]]), Array)
    assert_type(program(np.zeros((3, 2)), out=np.zeros(1)), Array)
    assert_type(program.stats.flops, int)
    Program([a, b], [a * b], reduce="max")  # error

    @compiled
    def length(x: Value, y: Value) -> Value:
        return engine.sqrt(x * x + y * y)

    assert_type(length(3.0, 4), float)
    assert_type(length(np.zeros(3), 4.0), Array)
    assert_type(length([3.0, 6.0], y=[4.0, 8.0]), Array)

    @compiled
    def polar(x: Value, y: Value) -> tuple[Value, Value]:
        return engine.hypot(x, y), engine.atan2(y, x)

    assert_type(polar(3.0, 4.0), list[float])
    assert_type(polar(np.ones(3), np.ones(3)), list[Array])

    @compiled
    def norm(xs: Sequence[Value]) -> Value:
        return engine.sqrt(engine.sum(x * x for x in xs))

    assert_type(norm([3.0, 4.0]), Any)  # a float for a row, an array for several
