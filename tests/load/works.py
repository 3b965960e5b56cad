"""What may be interrupted: works that can be begun anew, done, and looked at."""

import io
import math
import random
from collections.abc import Callable
from contextlib import closing
from typing import Any, NamedTuple

import engine
from engine import Program, Value, compiled, gradient, topological
from engine.stepping import debug
from nn import MLP, Adam, fit

__all__ = ["WORKS", "Work", "network"]

COMMANDS = "n 5\nu tanh\nb 2\nc\nrc\np x0.grad\nw\nl\ngoto 50\nb 7\nq\n"
_draw = random.Random(1).gauss
XS = [[_draw(0, 1), _draw(0, 1)] for _ in range(60)]
YS = [int(a * b > 0) for a, b in XS]
HOW: dict[str, Any] = {"loss": "binary_cross_entropy", "batch_size": 16, "progress": False}


class Work(NamedTuple):
    """Something that takes a while.

    Attributes:
        do: does it, and returns what can be compared to the bit.
        state: what it works on, to the bit.
        allowed: the states that an interruption may leave.
        reset: brings the state back to where `do` begins.
    """

    do: Callable[[], Any]
    state: Callable[[], Any]
    allowed: list[Any]
    reset: Callable[[], Any]


def network(width: int, depth: int, seed: int = 0) -> tuple[list[Value], Value]:
    """The inputs and the output of a graph."""
    xs = [Value(math.sin(seed + i), f"x{i}") for i in range(width)]
    h = xs
    for _ in range(depth):
        h = [engine.dot(h, xs, bias=0.1).tanh() for _ in h]
    return xs, engine.logsumexp(h)


def on_graph(do: Callable[[Value, list[Value]], Any], adds: bool = False) -> Work:
    """A work on a graph with gradients from an earlier sweep, to which it may add."""
    xs, y = network(4, 6)
    nodes = topological(y)
    y.backward()
    once = [node.grad for node in nodes]

    def reset() -> None:
        for node, grad in zip(nodes, once, strict=True):
            node.grad = grad

    allowed = [once, [2.0 * grad for grad in once]] if adds else [once]
    return Work(lambda: do(y, xs), lambda: [node.grad for node in nodes], allowed, reset)


def in_fit(backend: Any) -> Work:
    """A training of three epochs, each of which has happened or not."""
    model: Any = None

    def state() -> list[float]:
        return [p.data for p in model.parameters()]

    def train(epochs: int = 3) -> list[float]:
        fit(model, XS, YS, **HOW, epochs=epochs, seed=5, backend=backend)
        return state()

    def reset() -> list[float]:
        nonlocal model
        model = MLP(2, [5, 1], "tanh", "sigmoid", rng=3)
        return state()

    return Work(train, state, [reset(), *(reset() and train(k) for k in (1, 2, 3))], reset)


def in_step() -> Work:
    """A step of an optimiser, with what it remembers."""
    adam: Any = None

    def state() -> Any:
        return [p.data for p in adam.params], adam.memory, adam.steps

    def do() -> Any:
        adam.step()
        return state()

    def reset() -> Any:
        nonlocal adam
        adam = Adam([Value(float(i)) for i in range(5)])
        for i, parameter in enumerate(adam.params):
            parameter.grad = i - 7.0
        return state()

    return Work(do, state, [reset(), do()], reset)


def in_compiling() -> Work:
    """A program that was not compiled before."""
    k = 0.5

    def do() -> list[bool]:
        x, want = Value(0.0, "x"), math.tanh(k) + k
        found = compiled(lambda x: (x * k).tanh() + x * k)(1.0)
        again = Program([x], [(x * k).tanh() + x * k])([[1.0]])[0][0]
        return [abs(y - want) < 1e-12 for y in (found, again)]

    def reset() -> None:
        nonlocal k
        k += 1.0

    return Work(do, lambda: None, [None], reset)


def _debugged(y: Value, xs: list[Value]) -> str:
    answers = io.StringIO()
    with closing(y.trace_backward()) as run:
        debug(run, io.StringIO(COMMANDS), answers)
    return answers.getvalue()


def _walked(y: Value, xs: list[Value]) -> None:
    run = y.trace_backward()
    try:
        run.goto(-1)
        run.goto(3)
    finally:
        run.close()


WORKS: dict[str, Callable[[], Work]] = {
    "backward": lambda: on_graph(lambda y, xs: y.backward(), adds=True),
    "backward_steps": lambda: on_graph(lambda y, xs: [s.after for s in y.backward_steps()], True),
    "gradient": lambda: on_graph(lambda y, xs: [g.data for g in gradient(y, xs)]),
    "walking": lambda: on_graph(_walked),
    "a step": in_step,
    "fit on Values": lambda: in_fit("eager"),
    "fit compiled": lambda: in_fit("native"),
    "drawing": lambda: on_graph(lambda y, xs: y.to_svg()),
    "compiling": in_compiling,
    "the prompt": lambda: on_graph(_debugged),
}
