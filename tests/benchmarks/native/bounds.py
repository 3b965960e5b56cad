"""What bounds a program: its instructions against those that a core can do, and the bytes that it
reads and writes against a copy.

Counted is what a row takes in vectors: a multiply-add of a product is one instruction, another
operation as many as its formula has. A division counts as one, though it takes as long as eight,
and what loads and stores is not counted. So what is far below the peak waits: for the cache, for
divisions, for results of the instruction before, or it does not fill its vectors. The peak is that
of multiply-adds. Formulas that share their work, as tanh and its derivative do, and selections,
which a core does beside, can bring a program above it.
"""

from functools import cache
from time import perf_counter
from typing import Any

import numpy as np

from engine.native.lower import plan
from engine.native.math.reductions import FOLDS
from engine.native.math.rules import cost, has_formula
from tests.benchmarks.graphs import GRAPHS
from tests.benchmarks.harness import Effort
from tests.benchmarks.native import makemore, transformer
from tests.benchmarks.native.compilers import multiply_adds
from tests.benchmarks.native.networks import DIGITS, MNIST, MOONS, MOONS_TANH
from tests.benchmarks.native.steps import one_thread, program, recorded
from tests.benchmarks.report import Row, duration

__all__ = ["instructions", "measure_bounds"]

CALL = 50  # instructions, about, of a function that is called for each row


def measure_bounds(effort: Effort) -> list[Row]:
    lines = []
    for network, count in ((MOONS, 6400), (MOONS_TANH, 6400), (DIGITS, 1792), (MNIST, 64)):
        step = program(**recorded(network))
        lines.append(_bound(network.name, step, network.data(count).rows(), effort))
    for hidden, count in ((128, 64), (128, 1)):
        run: Any = makemore.gradwalk(hidden, makemore.data(count)).run
        lines.append(_bound(f"makemore H={hidden}", run.func, *run.args, effort))
    for tokens in (4, 16):
        rows = transformer.data(256, tokens)
        lines.append(_bound(f"gpt T={tokens}", transformer.recorded(tokens), rows, effort))
    for name, make in GRAPHS.items():
        graph = make()
        lines.append(_bound(name, program(**graph.arguments()), graph.rows(1000), effort))
    return lines


def _bound(name: str, step: Any, rows: Any, effort: Effort) -> Row:
    out = step(rows)
    with one_thread():
        seconds = _shortest(lambda: step(rows, out=out), effort) / len(rows)
    many, moved = instructions(step), (rows.nbytes + out.nbytes) / len(rows)
    return Row(
        f"{name} N={len(rows)}: a row",
        duration(seconds),
        f"{many:,} instructions, {step.stats.flops:,} flops",
        f"**{many / _peak() / seconds:.0%}** of the peak",
        f"{moved:,.0f} bytes, {moved / _copies() / seconds:.0%} of a copy",
    )


def instructions(step: Any) -> int:
    """Those of a row."""
    tape, total = step._tape, 0
    for kernel in step._compiled.assembly.kernels:
        if any(not tape.varying[i] for i in kernel.writes):
            continue  # once for all rows
        if isinstance(kernel, plan.Product):
            total += kernel.weights.size
        if isinstance(kernel, plan.Outer):
            total += len(kernel.a) * kernel.into.shape[1]
        for each in getattr(kernel, "steps", ()):
            total += sum(_cost(tape, i) for i in each.ids)
    return total


def _cost(tape: Any, i: int) -> int:
    op, args = tape.ops[i], tape.args[i]
    if op == "dot":
        return len(args) // 2
    if not has_formula(op):
        return CALL
    known = (None,) * 9 if op in FOLDS else tuple([tape.numbers.get(arg) for arg in args])
    return (cost(op, known) - 1) * len(args) // len(known)  # without a label


def _shortest(run: Any, effort: Effort) -> float:
    """Of some turns, as what is bounded is the best that a program can do."""
    taken, end = [], perf_counter() + min(effort.budget, 2.0)
    while len(taken) < effort.fewest or perf_counter() < end:
        start = perf_counter()
        run()
        taken.append(perf_counter() - start)
    return min(taken)


@cache
def _peak() -> float:
    """Instructions a second, of a row."""
    kernel, flops = multiply_adds(1e8)
    return flops / 2.0 / _shortest(kernel.run, Effort(fewest=20, budget=0.1))


@cache
def _copies() -> float:
    """Bytes a second, read and written."""
    a, b = np.ones(4_000_000), np.ones(4_000_000)
    return 2.0 * a.nbytes / _shortest(lambda: np.copyto(a, b), Effort(fewest=20, budget=0.1))
