"""A listing says what was found, in few lines, and nothing that is not so."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest

import engine
from engine import Program, Value
from engine.native.lower import plan
from engine.native.lower.listing import _turns
from tests.benchmarks.graphs import GRAPHS, physics, recurrent
from tests.benchmarks.graphs.graph import Graph
from tests.benchmarks.native import transformer

Lists = list[list[Any]]


def listing(graph: Graph) -> str:
    return Program(graph.inputs, graph.outputs, graph.parameters).listing()


def matrix(name: str, rows: int = 8, columns: int = 8) -> list[list[Value]]:
    return [[Value(0.1, f"{name}[{i}][{k}]") for k in range(columns)] for i in range(rows)]


@pytest.mark.parametrize(
    "make", [recurrent.rnn, lambda steps: recurrent.lstm(steps, width=4), physics.pendulum]
)
def test_what_repeats_is_shown_once(make: Callable[[int], Graph]) -> None:
    short, long = listing(make(15)), listing(make(45))
    assert len(long.splitlines()) <= len(short.splitlines()) + 4
    turns = re.findall(
        r"loop over (\d+) turns, each on what the one before found; the first:", long
    )
    assert len(turns) == 2  # forward and back
    assert all(37 <= int(n) < 45 for n in turns)


def layers(depth: int, activation: Callable[[int, Any], Any], chained: bool) -> list[str]:
    """The listing of layers on one another, or on inputs of their own."""
    xs = engine.inputs(*[f"x{k}" for k in range(8 * depth)])
    ws, h, outputs = [matrix(f"W{p}") for p in range(depth)], xs[:8], list[Value]()
    for p, rows in enumerate(ws):
        h = [
            activation(p, engine.dot(row, h if chained else xs[8 * p : 8 * p + 8])) for row in rows
        ]
        outputs += h
    parameters = [w for rows in ws for row in rows for w in row]
    return Program(xs, outputs, parameters).listing().splitlines()


def test_turns_that_read_of_some_others_are_neither() -> None:
    def kernels(*reads: int) -> list[list[plan.Kernel]]:
        args = [(read,) for read in reads]
        return [[plan.Chunk([i], ["neg"] * len(reads), args)] for i in range(len(reads))]

    assert _turns(kernels(-1, 0, 1, 2)) == "turns, each on what the one before found"
    assert _turns(kernels(-1, 0, 1, 1)) == _turns(kernels(-1, -1, 0, -1)) == "turns"
    assert _turns(kernels(-1, -1, -1)) == "places"


def test_turns_that_read_nothing_of_one_another_are_places() -> None:
    lines = layers(4, lambda p, x: x * x, chained=False)
    assert lines[0] == "loop over 4 places; the first:"
    assert re.fullmatch(r"  \[v.*\] = W\d \(8 x 8\) @ \[x.*\]", lines[1])
    assert re.fullmatch(r"    \[v.*\] = mul\(\[v.*\], \[v.*\]\)", lines[2])
    chained = layers(4, lambda p, x: x * x, chained=True)
    assert chained[0] == "loop over 4 turns, each on what the one before found; the first:"
    assert len(lines) == len(chained) == 3


def test_what_is_not_the_same_is_no_loop() -> None:
    assert len(layers(4, lambda p, x: x * (p + 0.5), chained=True)) == 8  # other constants
    assert len(layers(4, lambda p, x: x * x if p % 2 else x + x, chained=True)) == 8
    assert len(layers(2, lambda p, x: x * x, chained=True)) == 4  # too few


def attention(
    under: Callable[[Lists], Any], scale: float = 0.5, heads: int = 2, places: int = 6
) -> str:
    """The listing of what is made of the scores of each query, for all heads."""
    xs = engine.inputs(*[f"x{k}" for k in range(places * 8)])
    rows = [xs[8 * p : 8 * p + 8] for p in range(places)]
    q, k = matrix("q"), matrix("k")
    queries, keys = [[[engine.dot(w, row) for w in m] for row in rows] for m in (q, k)]
    size, scores = 8 // heads, list[list[Any]]()
    for query in queries:
        for h in range(0, 8, size):
            part = slice(h, h + size)
            scores.append([scale * engine.dot(query[part], key[part]) for key in keys])
    parameters = [w for m in (q, k) for row in m for w in row]
    return Program(xs, under(scores), parameters).listing()


def by_hand(scores: Sequence[Any]) -> list[Any]:
    powers = [engine.exp(score) for score in scores]
    total = sum(powers)
    return [power / total for power in powers]


def flat(lists: Any) -> list[Any]:
    return [x for xs in lists for x in xs]


def test_a_sum_of_squares_behind_a_matrix_is_no_score() -> None:
    xs = engine.inputs(*[f"x{k}" for k in range(8)])
    weights = matrix("q", rows=24)
    rows = [engine.dot(row, xs) for row in weights]
    text = Program(xs, [engine.dot(rows, rows)], flat(weights)).listing()
    assert "= dot(" in text
    assert "scores" not in text


def test_scores_of_attention_are_told() -> None:
    for softmax in (engine.softmax, by_hand):
        text = attention(lambda scores, f=softmax: flat(map(f, scores)))
        assert "\nattention scores (2 heads x 6 queries x 6 keys): [v" in text, text
        one = attention(lambda scores, f=softmax: flat(map(f, scores)), heads=1)
        assert "\nattention scores (1 head x 6 queries x 6 keys): [v" in one, one
    assert "attention scores (4 heads x 8 queries x 8 keys)" in listing(GRAPHS["attention"]())
    causal = transformer.recorded(4).listing()
    assert causal.count("attention scores") == 1
    assert "attention scores (4 heads x 4 queries x 1 to 4 keys): [v" in causal


def test_what_looks_like_attention_and_is_not() -> None:
    def across(scores: Lists) -> list[Any]:
        return flat(map(engine.softmax, zip(*[row[:5] + row[:1] for row in scores], strict=True)))

    assert "attention" not in attention(lambda scores: flat(scores))
    assert "attention" not in attention(lambda scores: [engine.logsumexp(row) for row in scores])
    assert "attention" not in attention(lambda scores: [engine.softmax(flat(scores))[0]])
    assert "attention" not in attention(across)
    contrast = attention(
        lambda scores: engine.gradient(engine.log_softmax(scores[0])[0], scores[0]), heads=1
    )
    assert "attention" not in contrast
