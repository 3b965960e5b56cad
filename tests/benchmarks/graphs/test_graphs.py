"""The graphs themselves, small: as they were written, compiled, and in the peers."""

from collections.abc import Callable

import pytest

from tests.benchmarks.graphs import formulas, measure, networks, physics, recurrent
from tests.benchmarks.graphs.graph import Graph
from tests.benchmarks.harness import Contender, check_equal
from tests.benchmarks.native.steps import program
from tests.benchmarks.systems import CASADI, JAX, installed

SMALL: list[Callable[[], Graph]] = [
    lambda: recurrent.rnn(3),
    lambda: recurrent.gru(3),
    lambda: recurrent.lstm(3),
    lambda: recurrent.chain(3),
    lambda: networks.wide(8),
    lambda: networks.classes(5),
    lambda: networks.embedding(5),
    lambda: networks.convolution(12),
    lambda: networks.pictures(5),
    lambda: networks.attention(3),
    lambda: physics.pendulum(3),
    lambda: physics.nbody(2),
    lambda: physics.kalman(4),
    lambda: physics.newton(4),
    formulas.mixture,
    formulas.black_scholes,
    lambda: formulas.tree(3),
    lambda: formulas.rosenbrock(5),
]


def test_each_graph_of_the_map_is_here() -> None:
    assert len(SMALL) == len(measure.GRAPHS)


@pytest.mark.parametrize("make", SMALL)
def test_a_graph_is_the_same_as_written_and_to_its_peers(make: Callable[[], Graph]) -> None:
    graph = make()
    rows = graph.rows(1)
    ours = measure.gradwalk(graph, program(**graph.arguments()), rows)
    exact = program(**graph.arguments(), exact=True)(rows).ravel().tolist()
    peers = [Contender("exact", lambda: None, lambda: exact)]
    if installed([JAX]):
        peers.append(measure.jax(measure.jax_step(graph), rows))
    if installed([CASADI]) and (theirs := measure.casadi(graph)):
        peers.append(theirs)
    for peer in peers:
        check_equal(ours, peer)
