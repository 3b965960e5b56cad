"""Each graph of the map in turn, against those who are here."""

from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

from engine import topological
from tests.benchmarks.graphs import formulas, networks, physics, recurrent
from tests.benchmarks.graphs.graph import Graph
from tests.benchmarks.harness import Contender, Effort, race
from tests.benchmarks.native.compilers import buffered
from tests.benchmarks.native.steps import program
from tests.benchmarks.report import Row, duration, rows_of
from tests.benchmarks.systems import CASADI, GRADWALK, JAX, installed, load

__all__ = ["GRAPHS", "measure_graphs"]

COUNTS = (1, 100, 10_000)  # rows
GRAPHS: dict[str, Callable[[], Graph]] = {
    "rnn of 200 steps": lambda: recurrent.rnn(200),
    "gru of 50 steps": lambda: recurrent.gru(50),
    "lstm of 50 steps": lambda: recurrent.lstm(50),
    "chain of 100 layers": lambda: recurrent.chain(100),
    "layers of 512": networks.wide,
    "200 classes": networks.classes,
    "embedding of 200": networks.embedding,
    "convolution": networks.convolution,
    "convolution in 2-D": networks.pictures,
    "attention": networks.attention,
    "double pendulum, 100 steps": lambda: physics.pendulum(100),
    "5 bodies, 20 steps": lambda: physics.nbody(20),
    "kalman filter, 100 steps": lambda: physics.kalman(100),
    "newton, 50 iterations": lambda: physics.newton(50),
    "mixture of 8": formulas.mixture,
    "black-scholes, its greeks": formulas.black_scholes,
    "tree of 64 decisions": formulas.tree,
    "rosenbrock-30, its hessian": formulas.rosenbrock,
}


def measure_graphs(effort: Effort) -> list[Row]:
    lines: list[Row] = []
    peers = installed([JAX, CASADI])
    for name, make in GRAPHS.items():
        start = perf_counter()
        graph = make()
        recorded = perf_counter()
        run = program(**graph.arguments())
        run(graph.rows(1))
        compiled = perf_counter()
        step = jax_step(graph) if JAX in peers else None
        theirs = f"{JAX} {duration(_seconds(step, graph.rows(1)))}" if step else ""
        note = f"and {duration(recorded - start)} to record it and its derivatives"
        lines.append(Row(f"{name}: compile", duration(compiled - recorded), theirs, note, ""))
        for count in COUNTS:
            contenders = [gradwalk(graph, run, graph.rows(count))]
            if step:
                contenders.append(jax(step, graph.rows(count)))
            if count == 1 and CASADI in peers and (found := casadi(graph)):
                contenders.append(found)
            lines += rows_of(f"{name} N={count}", race(contenders, effort), {})
    return lines


def _seconds(step: Callable[[Any], Any], rows: Any) -> float:
    begin = perf_counter()
    step(rows)
    return perf_counter() - begin


def gradwalk(graph: Graph, run: Any, rows: Any) -> Contender:
    many = len(graph.outputs)
    out = np.empty(many if graph.mean else (len(rows), many))
    return Contender(GRADWALK, lambda: run(rows, out=out), lambda: _sums(run(rows), len(rows)))


def _sums(answers: Any, count: int) -> list[float]:
    """Over the rows."""
    return list((answers * count if answers.ndim == 1 else answers.sum(axis=0)).tolist())


def jax_step(graph: Graph) -> Callable[[Any], Any]:
    """A function of rows: the answers and, one beside another, their derivatives."""
    peer = load("jax")
    over = peer.vmap(graph.jax, in_axes=(0, None))
    if graph.mean:
        whole = peer.value_and_grad(lambda x, theta: over(x, theta).mean(), argnums=1)
    elif graph.second:
        parts = peer.value_and_grad(graph.jax), peer.hessian(graph.jax)
        whole = peer.vmap(lambda x, theta: (*parts[0](x, theta), parts[1](x, theta)), (0, None))
    else:
        whole = peer.vmap(peer.value_and_grad(graph.jax, argnums=1), in_axes=(0, None))
    theta = np.array([p.data for p in graph.parameters])
    step = peer.jit(whole)
    return lambda rows: peer.block_until_ready(step(rows, theta))


def jax(step: Callable[[Any], Any], rows: Any) -> Contender:
    leaves = load("jax").tree.leaves

    def answer() -> list[float]:
        parts = [np.asarray(part) for part in leaves(step(rows))]
        if parts[0].ndim == 0:
            return _sums(np.hstack(parts), len(rows))
        return _sums(np.column_stack([part.reshape(len(rows), -1) for part in parts]), len(rows))

    return Contender(JAX, lambda: step(rows), answer)


# --- CasADi: the same scalars, with its own derivatives -------------------------------------------
def casadi(graph: Graph) -> Contender | None:
    """None where an operation has no counterpart there."""
    peer = load("casadi")
    x, theta = peer.SX.sym("x", len(graph.inputs)), peer.SX.sym("p", len(graph.parameters))
    known: dict[Any, Any] = {leaf: x[i] for i, leaf in enumerate(graph.inputs)}
    known |= {leaf: theta[i] for i, leaf in enumerate(graph.parameters)}
    operations = {**_BY_HAND, "relu": lambda a: peer.fmax(a, 0.0), "select": peer.if_else}
    for node in topological(graph.outputs[0]):
        if node not in known and not node.parents:
            known[node] = node.data
        elif node not in known:
            name = str(getattr(node.op, "name", ""))
            operation = operations.get(name) or getattr(peer, name, None)
            if operation is None:
                return None
            known[node] = operation(*[known[parent] for parent in node.parents])
    value = known[graph.outputs[0]]
    parts = [value, peer.gradient(value, theta)]
    if graph.second:
        second, first = peer.hessian(value, x)
        parts = [value, first, peer.densify(peer.vec(second))]
    function = peer.Function("graph", [x, theta], [peer.densify(peer.vertcat(*parts))])
    arguments = graph.rows(1), np.array([p.data for p in graph.parameters])
    return buffered(CASADI, function, np.empty(len(graph.outputs)), *arguments)


_BY_HAND: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "pow": lambda a, b: a**b,
    "neg": lambda a: -a,
    "greater": lambda a, b: a > b,
    "sum": lambda *xs: sum(xs),
    "dot": lambda *xs: sum(a * b for a, b in zip(xs, xs[len(xs) // 2 :], strict=False)),
    "sigmoid": lambda a: 1.0 / (1.0 + load("casadi").exp(-a)),
}
