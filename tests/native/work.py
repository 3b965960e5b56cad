"""The work of compiled programs, counted: what only costs time or memory is held by no result.

`python -m tests.native.work` writes the counts to tests/data/work.txt, whose changes in a commit
then say what became cheaper and what dearer. They are the same on every machine: code is written
for vectors of as many doubles as a line says, and each of its blocks adds to a counter.
"""

import ctypes
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

import engine
from engine import Program, Value, gradient
from engine.native import program as program_room
from engine.native.assembly import Assembly, assemble
from engine.native.library import Compiled, compile_text
from engine.native.lower.plan import Tape
from nn import MLP
from tests.benchmarks.graphs import formulas, networks, physics, recurrent
from tests.benchmarks.graphs.graph import Graph, Weights, gradients
from tests.benchmarks.native.wild_graph import INPUTS, follow, wild

PEER: Any = None  # nobody else takes part
ENGINE = "exp", "log", "sqrt", "tanh", "sin", "cos"
FILE = Path(__file__).parents[1] / "data" / "work.txt"


def network(*widths: int, activation: Any) -> Graph:
    """A step of training, of a row with its target."""
    model, xs, y = MLP(widths[0], [*widths[1:]], activation, rng=1), inputs(widths[0]), Value(0.0)
    out: Any = model(xs)
    loss = (out - y) ** 2 if widths[-1] == 1 else -engine.log_softmax(out, y)
    graph = gradients([*xs, y], model.parameters(), loss, PEER)
    return graph.over(mean=True, classes=0 if widths[-1] == 1 else widths[-1])


def inputs(many: int) -> list[Value]:
    return [Value(0.0, f"x{i}") for i in range(many)]


def weights_last() -> Graph:
    """Two layers whose products have the weights on the right."""
    weights, xs = Weights(), inputs(6)
    hidden = [engine.tanh(engine.dot(xs, weights.vector(6))) for _ in range(5)]
    outputs = [engine.dot(hidden, weights.vector(5)) for _ in range(4)]
    return gradients(xs, weights.all, engine.dot(outputs, outputs), PEER)


def transposed(inside: int, out: int) -> Graph:
    """A layer whose weights lie in columns, behind another one."""
    weights, xs = Weights(), inputs(5)
    hidden = [engine.tanh(engine.dot(weights.vector(5), xs)) for _ in range(inside)]
    rows = [weights.vector(out) for _ in range(inside)]
    outputs = [engine.dot([row[k] for row in rows], hidden) for k in range(out)]
    return gradients(xs, weights.all, engine.dot(outputs, outputs), PEER)


def unordered() -> Graph:
    """A graph without any layers."""
    xs = inputs(INPUTS)
    value = follow(wild(700), xs, {name: getattr(engine, name) for name in ENGINE})
    return Graph(xs, [], [value, *gradient(value, xs)], PEER)


GRAPHS: dict[str, Callable[[], Graph]] = {
    "moons": lambda: network(2, 16, 16, 1, activation="relu"),
    "moons with tanh": lambda: network(2, 16, 16, 1, activation="tanh"),
    "digits": lambda: network(64, 32, 10, activation="relu"),
    "odd widths": lambda: network(5, 7, 11, 3, activation="sigmoid"),
    "wide": lambda: networks.wide(64, 16),
    "weights last": weights_last,
    "transposed": lambda: transposed(70, 12),
    "transposed and large": lambda: transposed(70, 90),
    "large": lambda: network(300, 70, 10, activation="relu"),
    "classes": lambda: networks.classes(50, 8),
    "embedding": lambda: networks.embedding(30, 6),
    "convolution": lambda: networks.convolution(24, 5, 4),
    "pictures": lambda: networks.pictures(8, 3, 3),
    "attention": lambda: networks.attention(6, 8, 2),
    "rnn": lambda: recurrent.rnn(12, 8),
    "gru": lambda: recurrent.gru(6, 6),
    "lstm": lambda: recurrent.lstm(4, 6),
    "chain": lambda: recurrent.chain(12, 8),
    "pendulum": lambda: physics.pendulum(12),
    "bodies": lambda: physics.nbody(3, 3),
    "kalman": lambda: physics.kalman(20),
    "newton": lambda: physics.newton(12),
    "mixture": lambda: formulas.mixture(4, 3),
    "black-scholes": formulas.black_scholes,
    "tree": lambda: formulas.tree(4, 4),
    "rosenbrock": lambda: formulas.rosenbrock(12),
    "wild": unordered,
}
SIZES = 4, 8


class Counting:
    """Compiles as `compiled_tape` does, for vectors of that size, code that counts what it runs."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.found: list[Any] = []
        self._counter = ctypes.c_int64()

    def __call__(self, tape: Tape, reduce: Any, rows: float, alone: bool = False) -> Compiled:
        found = assemble(tape, reduce, self.size, rows, alone)
        place = ctypes.addressof(self._counter)
        functions: Any = {
            name: (counting(text, place), *more) for name, (text, *more) in found.functions.items()
        }
        code = compile_text(replace(found, functions=functions).text(), fast=False)
        addresses = {name: (code.get_function_address(name), code) for name in functions}
        self.found.append(found)
        return Compiled(found, addresses, reduce, 1.0)

    def ran(self, program: Program, rows: Any) -> int:
        """How many instructions it takes for these rows."""
        self._counter.value = 0
        program(rows)
        return self._counter.value


def counting(text: str, place: int) -> str:
    """A function in which each block adds what it does to the number at that place."""
    lines: list[str] = []
    many = 0
    for line in text.splitlines():
        many += not line.endswith((":", "{", "}"))
        if re.match(r"\s*(br|ret|switch)\b", line):
            k, where = len(lines), f"ptr inttoptr (i64 {place} to ptr)"
            lines += [f"%was{k} = load i64, {where}", f"%now{k} = add i64 %was{k}, {many}"]
            lines += [f"store i64 %now{k}, {where}"]
            many = 0
        lines.append(line)
    return "\n".join(lines)


def lines_of(name: str) -> Iterator[str]:
    """What the programs of a graph are and do: for many rows, for few, and for one alone."""
    graph = GRAPHS[name]()
    answers: list[Any] = []
    for size in SIZES:
        counting = Counting(size)
        with patch.object(program_room, "compiled_tape", counting):
            program = Program(**graph.arguments())
            program._compile_alone()
            few = Program(**graph.arguments(), rows=1)
            rows = graph.rows(100)
            ran = [counting.ran(program, rows), counting.ran(program, rows[:1])]
            ran.append(counting.ran(few, rows))
            answers += [program(rows), few(rows)]
        whats = "many rows", "a row alone", "few rows"
        for what, found, many in zip(whats, counting.found, ran, strict=True):
            yield f"{name}, vectors of {size}, {what}: {_words(found)}; {many:,} instructions ran"
    for answer in answers[1:]:
        np.testing.assert_allclose(answer, answers[0], rtol=1e-9, atol=1e-12)


def _words(found: Assembly) -> str:
    kinds = Counter(type(kernel).__name__ for kernel in found.kernels)
    kernels = ", ".join(f"{many} {kind}" for kind, many in sorted(kinds.items()))
    lines = sum(text.count("\n") for text, *_ in found.functions.values())
    functions = f"{len(found.functions)} functions of {lines:,} lines in {len(found.calls)} calls"
    stack = sum(map(int, re.findall(r"alloca \[(\d+) x", found.text())))
    once = f"{found.block} rows at once in {found.doubles:,} numbers and {stack:,} on the stack"
    good = f"{found.flops:,} flops, good for {found.good_for:,.0f} rows"
    return f"{kernels}; {functions}; {once}; {good}"


def main() -> None:
    """Write the file anew."""
    lines = [line for name in GRAPHS for line in lines_of(name)]
    FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
