"""wild: values and gradients, row by row, of a graph without layers; CasADi is at home here."""

import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np

import engine
from tests.benchmarks.harness import Contender, Effort, race
from tests.benchmarks.native.compilers import buffered, build
from tests.benchmarks.native.networks import Floats
from tests.benchmarks.native.steps import program
from tests.benchmarks.native.wild_graph import BOX, FUNCTIONS, INPUTS, Instruction, follow, wild
from tests.benchmarks.report import Row, duration, rows_of
from tests.benchmarks.systems import CASADI, CASADI_C, GRADWALK, HIPS, TORCH, installed, load

__all__ = ["WILD", "data", "measure_wild"]

SIZE = 10_000
PROMISE = 20.0  # times faster to compile than CasADi's C

Graph = list[Instruction]


def data(count: int) -> Floats:
    return np.random.default_rng(7).uniform(*BOX, (count, INPUTS))


def measure_wild(effort: Effort) -> list[Row]:
    """Value and gradients of one row and of many, and what it took to compile them."""
    graph, systems = wild(SIZE), installed([*WILD, CASADI_C])
    start = perf_counter()
    gradwalk(graph, data(1)).run()
    ours = perf_counter() - start
    lines: list[Row] = []
    with TemporaryDirectory() as folder:
        library, compiled = None, Row("wild: to compile", duration(ours), "", "")
        if {CASADI, CASADI_C} <= set(systems):
            library, seconds = compile_c(graph, Path(folder), limit=20 * effort.budget)
            compiled = compile_row(ours, seconds, in_time=library is not None)
        for count, targets in ((1, {}), (256, {CASADI: 10.0})):
            rows = data(count)
            contenders = [WILD[s](graph, rows) for s in systems if s in WILD]
            if library:
                contenders.append(casadi_c(library, rows))
            name = f"wild N={count}: value and {INPUTS} gradients"
            lines += rows_of(name, race(contenders, effort), targets)
    return [*lines, compiled]


def compile_row(ours: float, theirs: float, *, in_time: bool) -> Row:
    """Recording, differentiating and compiling on our side; on theirs the compiler alone."""
    ratio, over, least = theirs / ours, "" if in_time else "over ", "" if in_time else "> "
    return Row(
        "wild: to compile",
        duration(ours),
        f"{CASADI_C} {over}{duration(theirs)}",
        f"**{least}{ratio:.3g}x**",
        f"≥ {PROMISE:g}x: {'ok' if ratio >= PROMISE else 'short'}",
    )


def gradwalk(graph: Graph, rows: Floats) -> Contender:
    xs = [engine.Value(0.5, f"x{i}") for i in range(INPUTS)]
    value = follow(graph, xs, {name: getattr(engine, name) for name in FUNCTIONS})
    run = partial(program(inputs=xs, outputs=[value, *engine.gradient(value, xs)]), rows)
    return Contender(GRADWALK, run, lambda: np.asarray(run()).ravel().tolist())


def torch_step(graph: Graph, rows: Floats) -> Contender:
    """All rows at once, an operation after another."""
    torch = load("torch")
    xs = [torch.tensor(x, requires_grad=True) for x in rows.T]
    functions = {name: getattr(torch, name) for name in FUNCTIONS}

    def run() -> tuple[Any, Any]:
        value = follow(graph, xs, functions)
        return value, torch.autograd.grad(value.sum(), xs)

    def answer() -> list[float]:
        value, gradients = run()
        return list(torch.stack([value, *gradients], dim=1).flatten().tolist())

    return Contender(TORCH, run, answer)


def hips_step(graph: Graph, rows: Floats) -> Contender:
    numpy = load("autograd.numpy")
    functions = {name: getattr(numpy, name) for name in FUNCTIONS}
    both = load("autograd").make_vjp(
        lambda xs: follow(graph, [xs[i] for i in range(INPUTS)], functions)
    )
    columns = np.ascontiguousarray(rows.T)

    def run() -> tuple[Any, Any]:
        backward, value = both(columns)
        return value, backward(np.ones(len(rows)))

    def answer() -> list[float]:
        value, gradients = run()
        return list(np.column_stack([value, gradients.T]).ravel().tolist())

    return Contender(HIPS, run, answer)


def casadi_function(graph: Graph) -> Any:
    casadi = load("casadi")
    x = casadi.SX.sym("x", INPUTS)
    functions = {name: getattr(casadi, name) for name in FUNCTIONS}
    value = follow(graph, [x[i] for i in range(INPUTS)], functions)
    return casadi.Function("wild", [x], [casadi.vertcat(value, casadi.gradient(value, x))])


def casadi_step(graph: Graph, rows: Floats) -> Contender:
    return _mapped(CASADI, casadi_function(graph), rows)


def compile_c(graph: Graph, folder: Path, limit: float) -> tuple[Path | None, float]:
    """The library that gcc makes of CasADi's C, unless it takes longer than the limit, and when."""
    generator = load("casadi").CodeGenerator("wild.c")
    generator.add(casadi_function(graph))
    generator.generate(f"{folder}/")
    start = perf_counter()
    try:
        build(folder / "wild.c", folder / "wild.so", timeout=limit)
    except subprocess.TimeoutExpired:
        return None, limit
    return folder / "wild.so", perf_counter() - start


def casadi_c(library: Path, rows: Floats) -> Contender:
    return _mapped(CASADI_C, load("casadi").external("wild", str(library)), rows)


def _mapped(system: str, function: Any, rows: Floats) -> Contender:
    """All rows in one call: CasADi's matrices go by columns, ours by rows."""
    return buffered(system, function.map(len(rows)), np.empty((len(rows), 1 + INPUTS)), rows)


WILD: dict[str, Callable[[Graph, Floats], Contender]] = {
    GRADWALK: gradwalk,
    TORCH: torch_step,
    HIPS: hips_step,
    CASADI: casadi_step,
}
