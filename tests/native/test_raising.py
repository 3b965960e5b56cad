"""Formulas written by hand: what they are raised to, and that the answers are as good or better."""

import math
import pickle
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import engine
from engine import Program, Value, gradient
from tests.native.scalars import WS, XS, W, X, Y, Z, ops, products
from tests.native.tools import REDUCES, eager, ieee, near, reduced, same_bits

# --- sums of products ----------------------------------------------------------------------------
SUMS: dict[str, tuple[Callable[[], Value], dict[str, int]]] = {
    "Python's sum": (lambda: sum(products()), {"dot": 1}),
    "factors in any order": (lambda: sum(x * w for w, x in zip(WS, XS, strict=True)), {"dot": 1}),
    "a parameter as the start": (lambda: sum(products(4), WS[7]), {"dot": 1}),
    "a parameter added": (lambda: sum(products(4)) + WS[7], {"dot": 1, "add": 1}),
    "an input added": (lambda: X + sum(products(4)), {"dot": 1, "add": 1}),
    "two of them": (lambda: WS[7] + sum(products(4)) + X, {"dot": 1, "add": 2}),
    "one product from 0 on": (lambda: sum(products(1)) + X, {"dot": 1, "add": 1}),
    "a scale": (lambda: 0.5 * sum(products(4)), {"dot": 1, "mul": 1}),
    "from the right": (lambda: W * X + (WS[1] * Y + (WS[2] * Z + 1.5)), {"dot": 1, "add": 1}),
    "of inputs": (lambda: sum(x * x for x in XS) / 7.0, {"dot": 1, "div": 1}),
    "of inputs, and a start": (lambda: W + X * X + Y * Y, {"dot": 1}),
    "subtracted weights": (lambda: W * X - WS[1] * Y - WS[2] * Z, {"dot": 1, "neg": 2}),
    "subtracted from": (lambda: X - sum(products(4)), {"dot": 1, "sub": 1}),
    "weights and others": (
        lambda: sum([*products(4), X * Y, Y * Z, Z * Z]),
        {"dot": 2, "add": 1},
    ),
    "computed weights": (
        lambda: sum(w.exp() * x for w, x in zip(WS[:4], XS, strict=False)),
        {"exp": 4, "dot": 1},
    ),
    "of parameters": (lambda: sum(w * w for w in WS), {"dot": 1}),
    "a long sum": (lambda: sum(XS), {"sum": 1}),
    "exponentials": (lambda: sum(x.exp() for x in XS[:2]), {"exp": 2, "add": 1}),
    "1 and -1 as factors": (lambda: engine.dot([X, Y, Z], [1.0, -1.0, 1.0]), {"sub": 1, "add": 1}),
    "a residual": (
        lambda: engine.dot([X, *XS[1:5]], [1.0, *WS[1:5]]),
        {"dot": 1, "add": 1},
    ),
}
KEPT: dict[str, tuple[Callable[[], Value], dict[str, int]]] = {
    "one product": (lambda: W * X + 0.5, {"mul": 1, "add": 1}),
    "a difference that is to be 0": (lambda: X * Y - Y * X, {"mul": 2, "sub": 1}),
    "few terms": (lambda: X + Y + Z, {"add": 2}),
    "a zero that makes 0 of -0": (lambda: 0.0 + X, {"add": 1}),
    "a zero from which is subtracted": (lambda: 0.0 - abs(X), {"abs": 1, "sub": 1}),
    "a sum that is rounded once": (lambda: engine.sum(products(3)), {"mul": 3, "sum": 1}),
    "a layer": (lambda: engine.dot(WS[:4], XS[:4], bias=WS[7]), {"dot": 1}),
    "what is the same for all rows": (lambda: W * 0.5 + WS[1] * X, {"mul": 2, "add": 1}),
}


@pytest.mark.parametrize(("write", "want"), [*SUMS.values(), *KEPT.values()], ids=[*SUMS, *KEPT])
def test_sums(write: Callable[[], Value], want: dict[str, int]) -> None:
    output = write()
    assert ops(output) == want
    rows = np.random.default_rng(3).normal(size=(9, 8))
    near(Program(XS, [output], WS)(rows), eager(XS, [output], rows), 1e-13, 1e-15)


def test_a_zero_at_the_start_leaves_no_negative_zero() -> None:
    outputs = [
        0.0 - abs(X),
        0.0 - abs(X) + Y,
        0.0 - X.exp() * 0.0,
        0.0 + X.relu() + Y,
        0.0 - X * 1.0,
    ]
    rows = [[x, y, *[0.0] * 6] for x in (0.0, -0.0, 1.0) for y in (0.0, -0.0, -1.0)]
    assert same_bits(Program(XS, outputs, WS)(rows), eager(XS, outputs, rows))


def test_sums_that_others_read_stay() -> None:
    terms = products(4)
    inner = sum(terms[1:], terms[0])
    assert ops(inner + X, inner) == {"dot": 1, "add": 1}  # an output, computed once
    assert ops(inner * X + inner * Y) == {"dot": 2}
    half = sum(terms[1:3], terms[0])
    assert ops(half.exp(), half + terms[3]) == {"dot": 1, "exp": 1, "mul": 1, "add": 1}
    assert ops(terms[0], sum(terms)) == {"mul": 1, "dot": 1, "add": 1}


def layer(rows: Sequence[Sequence[Value]], xs: Sequence[Value], by_hand: bool) -> list[Any]:
    if by_hand:
        return [sum(w * x for w, x in zip(row, xs, strict=True)) for row in rows]
    return [engine.dot(row, xs) for row in rows]


def block(by_hand: bool, places: int = 3, wide: int = 8) -> Program:
    """Attention of one head over a few places, with residuals and a layer behind it."""
    rng = np.random.default_rng(5)
    xs = [[Value(0.0, f"x{t}.{i}") for i in range(wide)] for t in range(places)]
    q, k, v, up, down = [
        [[Value(x) for x in row] for row in rng.normal(size=(wide, wide)) / 3.0] for _ in range(5)
    ]
    keys, values, losses = [], [], []
    for x in xs:
        keys.append(layer(k, x, by_hand))
        values.append(layer(v, x, by_hand))
        (query,) = [layer(q, x, by_hand)]
        scores = engine.softmax(layer(keys, query, by_hand))
        read = layer([*zip(*values, strict=True)], scores, by_hand)
        hidden = [h.relu() for h in layer(up, read, by_hand)]
        losses += [a + b for a, b in zip(x, layer(down, hidden, by_hand), strict=True)]
    loss = layer([losses], losses, by_hand)[0]
    parameters = [p for matrix in (q, k, v, up, down) for row in matrix for p in row]
    inputs = [x for row in xs for x in row]
    return Program(inputs, [loss, *gradient(loss, parameters)], parameters, "mean")


def test_a_block_of_attention_by_hand_has_the_kernels_of_one_with_dot() -> None:
    by_hand, with_dot = block(True), block(False)
    rows = np.random.default_rng(6).normal(size=(70, len(by_hand.inputs)))
    near(by_hand(rows), with_dot(rows), 1e-12, 1e-13)
    kernels = [
        Counter(re.findall(r"\w+(?:\.T)? \(.*?\) @|totals \(.*?\)", program.listing()))
        for program in (by_hand, with_dot)
    ]
    assert kernels[0] == kernels[1]
    more = re.findall(r"\(8 x 8\) @.*?(?:, and (\d+) more such)?$", by_hand.listing(), re.MULTILINE)
    assert sum(1 + int(many or 0) for many in more) > 10


# --- exactly as written --------------------------------------------------------------------------
def test_exact_programs_compute_what_is_written() -> None:
    outputs = [write() for write, _ in SUMS.values()]
    written = {"add", "sub", "mul", "div", "neg"}
    plain = [output for output in outputs if ops(output, exact=True).keys() <= written]
    assert len(plain) > 10
    rows = np.random.default_rng(4).normal(size=(50, 8))
    exact = Program(XS, plain, WS, exact=True)
    want = eager(XS, plain, rows)
    assert same_bits(exact(rows), want)
    assert not same_bits(Program(XS, plain, WS)(rows), want)
    assert "raised" not in exact.listing()


def test_an_exact_program_stays_one_in_a_pickle() -> None:
    output = sum(products())
    rows = np.random.default_rng(4).normal(size=(50, 8))
    exact = Program(XS, [output], WS, exact=True)
    assert same_bits(pickle.loads(pickle.dumps(exact))(rows), exact(rows))
    assert not same_bits(exact(rows), Program(XS, [output], WS)(rows))


# --- rows, reductions and what is told -----------------------------------------------------------
@pytest.mark.parametrize("many", [0, 1, 7, 64, 200])
def test_any_number_of_rows(many: int) -> None:
    outputs = [write() for write, _ in SUMS.values()]
    outputs += gradient(outputs[0] * outputs[1], [*WS, X])
    rows = np.random.default_rng(many).normal(size=(many, 8))
    want = eager(XS, outputs, rows)
    near(Program(XS, outputs, WS)(rows), want, 1e-12, 1e-14)
    for reduce in REDUCES:
        if many or reduce == "sum":
            near(Program(XS, outputs, WS, reduce)(rows), reduced(want, reduce), 1e-11, 1e-12)


def test_the_listing_says_what_was_raised() -> None:
    program = Program(XS, [sum(products()), sum(XS)], WS)
    assert program.listing().splitlines()[0] == "raised: dot (1), sum (1)"
    assert "raised" not in Program(XS, [engine.dot(WS, XS)], WS).listing()
    x = XS[0]
    stable = Program([x], [1.0 / (1.0 + (-x).exp())])
    assert stable.listing().splitlines()[:2] == [
        "raised: sigmoid (1)",
        "(finite, too, where a step on the way overflows as it was written)",
    ]


# --- products behind conditions ------------------------------------------------------------------
def normed(xs: Sequence[Value]) -> list[Value]:
    scale = (sum(x * x for x in xs) / len(xs)) ** -0.5
    return [x * scale for x in xs]


def deep(places: int = 2) -> tuple[list[Value], list[Value], list[Value]]:
    """Rows of a table, normalised, through a layer with relu; the norm has a pole at 0."""
    rng = np.random.default_rng(8)
    up, down, table = [
        [[Value(x) for x in row] for row in rng.normal(size=(6, 4)).tolist()] for _ in range(3)
    ]
    tokens = engine.inputs(*[f"t{i}" for i in range(places)])
    loss: Any = 0.0
    for token in tokens:
        xs = normed([engine.choose(token, column) for column in zip(*table, strict=True)])
        hidden = [h.relu() for h in layer(up, xs, by_hand=True)]
        ys = layer([*zip(*down, strict=True)], hidden, by_hand=True)
        loss = loss + normed([x + y for x, y in zip(xs, ys, strict=True)])[0] ** 2
    parameters = [p for matrix in (table, up, down) for row in matrix for p in row]
    return tokens, [loss, *gradient(loss, parameters)], parameters


def test_a_layer_behind_a_pole_is_a_layer() -> None:
    inputs, outputs, parameters = deep()
    program = Program(inputs, outputs, parameters, "mean")
    rows = np.random.default_rng(9).integers(6, size=(40, 2)).astype(float)
    near(program(rows), Program(inputs, outputs, parameters, "mean", exact=True)(rows), 1e-12)
    near(program(rows), reduced(eager(inputs, outputs, rows), "mean"), 1e-12, 1e-14)
    listing = program.listing()
    products = re.findall(r"\w+ (\(. x .\)) @", listing)  # forward and backward, at two places
    assert Counter(products) == {"(6 x 4)": 2, "(4 x 6)": 2}
    assert listing.count("and 1 more such") >= 4
    outers = re.findall(r"totals \((?:6 x 4|4 x 6)\) \+= .* outer .*, and 1 more such", listing)
    assert len(outers) == 2
    assert len(re.findall(r"totals \(4 x 6\) at t\d \+=", listing)) == 2


def test_a_condition_stays_that_keeps_out_what_is_not_finite() -> None:
    x, w = engine.inputs("x")[0], Value(2.0, "w")
    with ieee():
        y = engine.where(x > 0, lambda: engine.sqrt(x) * w, lambda: x * 3.0).relu() * (1.0 / x)
        outputs = [y, *gradient(y, [x, w])]
        rows = [[4.0], [-1.0], [0.25], [-math.inf], [math.nan]]
        got, want = Program([x], outputs, [w])(rows), eager([x], outputs, rows)
    near(got, want, 1e-14)
