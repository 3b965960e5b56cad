"""Formulas written by hand: what they are raised to, and that the answers are as good or better."""

import math
import pickle
import re
from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine import Program, Value, gradient
from engine.core.operation import rows as table
from engine.native.lower.instructions import record_tape
from engine.native.lower.raising import FORMULAS
from tests.native.tools import REDUCES, eager, ieee, near, reduced, same_bits

some = settings(max_examples=max(settings.default.max_examples // 2, 8))  # each compiles
XS = [Value(0.1 * i, f"x{i}") for i in range(8)]
WS = [Value(0.3 * i - 1.0, f"w{i}") for i in range(8)]
X, Y, Z, W, *_ = [*XS[:3], *WS]


def ops(*outputs: Value, exact: bool = False) -> dict[str, int]:
    """How many instructions of each operation there are."""
    tape = record_tape(XS, WS, outputs, exact)
    return dict(Counter(op for op, args in zip(tape.ops, tape.args, strict=True) if args))


def products(n: int = 8) -> list[Value]:
    return [w * x for w, x in zip(WS[:n], XS[:n], strict=True)]


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
    assert sum(n for name, n in kernels[0].items() if "(8 x 8) @" in name) > 10


# --- how accurate they are -----------------------------------------------------------------------
leaf = st.sampled_from([*XS[:3], *WS[:3], 0.0, -0.0, 1.0, -1.0, 0.75])
product = st.tuples(st.just("mul"), leaf, leaf)
TREES: Any = st.recursive(
    st.one_of(leaf, product, product),
    lambda tree: st.one_of(
        st.tuples(st.sampled_from(["add", "sub", "add"]), tree, st.one_of(product, tree)),
        st.tuples(st.just("add"), product, tree),
        st.tuples(st.just("neg"), tree),
        st.lists(tree, min_size=2, max_size=9).map(lambda trees: ("total", *trees)),
    ),
    max_leaves=25,
)
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
}


def built(tree: Any) -> Any:
    """The graph of a tree, with Python's operators."""
    if not isinstance(tree, tuple):
        return tree
    op, *parts = tree[0], *map(built, tree[1:])
    if op == "neg":
        return -parts[0]
    return sum(parts) if op == "total" else BINARY[op](*parts)


def bounded(tree: Any, numbers: dict[Any, float]) -> tuple[Fraction, Fraction, Fraction]:
    """What a tree is worth exactly, the sum of its terms' sizes, and to first order how far
    roundings may take it away where it is computed as it is written.
    """
    if not isinstance(tree, tuple):
        x = Fraction(numbers.get(tree, tree))
        return x, abs(x), Fraction(0)
    op, *parts = tree[0], *[bounded(part, numbers) for part in tree[1:]]
    if op == "neg":
        return -parts[0][0], *parts[0][1:]
    answer, *others = parts
    if op == "total":
        op = "add"
    for other in others:
        size = BINARY["mul" if op == "mul" else "add"](answer[1], other[1])
        error = answer[2] + other[2]
        if op == "mul":
            error = answer[2] * other[1] + answer[1] * other[2]
        answer = BINARY[op](answer[0], other[0]), size, error + size / 2**53
    return answer


@some
@given(trees=st.lists(TREES, min_size=1, max_size=4), data=st.data())
def test_trees_are_as_accurate_as_they_were_written(trees: list[Any], data: st.DataObject) -> None:
    numbers = st.one_of(
        st.floats(-4.0, 4.0), st.integers(-3, 3).map(float), st.floats(-1e12, 1e12)
    ).filter(lambda x: not 0.0 < abs(x) < 1e-90)
    outputs = [x if isinstance(x := built(tree), Value) else Value(x) for tree in trees]
    program = Program(XS[:3], outputs, WS[:3])
    rows = data.draw(st.lists(st.lists(numbers, min_size=3, max_size=3), min_size=1, max_size=4))
    theta = data.draw(st.lists(numbers, min_size=3, max_size=3))
    for row, found in zip(rows, program(rows, theta).tolist(), strict=True):
        known = dict(zip([*XS[:3], *WS[:3]], [*row, *theta], strict=True))
        for tree, got in zip(trees, found, strict=True):
            want, _, bound = bounded(tree, known)
            assert abs(Fraction(got) - want) <= bound * (1 + Fraction(1, 2**40)), (tree, known)


@some
@given(trees=st.lists(TREES, min_size=1, max_size=4), data=st.data())
def test_trees_make_no_infinity_and_no_nan_of_their_own(
    trees: list[Any], data: st.DataObject
) -> None:
    special = [0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, 1e100, -1e100]
    numbers = st.one_of(st.sampled_from(special), st.floats(-4.0, 4.0))
    outputs = [x if isinstance(x := built(tree), Value) else Value(x) for tree in trees]
    rows = data.draw(st.lists(st.lists(numbers, min_size=3, max_size=3), min_size=1, max_size=4))
    theta = data.draw(st.lists(numbers, min_size=3, max_size=3))
    with ieee():
        raised = Program(XS[:3], outputs, WS[:3])(rows, theta)
        written = Program(XS[:3], outputs, WS[:3], exact=True)(rows, theta)
    assert same_bits(written, eager(XS[:3], outputs, rows, WS[:3], theta))
    assert same_bits(np.isnan(raised), np.isnan(written))
    infinite = np.isinf(written) | np.isinf(raised)
    assert same_bits(raised[infinite], written[infinite])


def test_sums_that_overflow_on_the_way() -> None:
    """In the order in which they are written: so what is finite stays finite."""
    big = 1.5e308
    terms = [a * b for a, b in zip(XS[:4], XS[4:], strict=True)]
    forward = [*[big, -big, big, -big], *[1.0] * 4]
    outputs = [sum(terms), (terms[3] + (terms[2] + (terms[1] + terms[0])))]
    program = Program(XS, outputs)
    assert program([forward]).tolist() == [[0.0, 0.0]]
    with ieee():
        assert program([[big, big, -big, -big, *forward[4:]]]).tolist() == [[math.inf, math.inf]]


def test_what_only_the_raised_form_makes_infinite_is_computed_as_written() -> None:
    """Weights of a mixed sum are added up by themselves."""
    big, one = 1.5e308, [1.0] * 4
    mixed = [f(k) for k in range(4) for f in (lambda k: WS[k] * XS[k], lambda k: XS[4 + k] * XS[k])]
    program = Program(XS, [sum(mixed)], WS[:4])
    assert "dot(w0, w1, w2, w3, x0, x1, x2, x3)" in program.listing()
    answer = program([[*one, -big, -big, big, big]] * 3, [big, big, -big, -big])
    assert answer.tolist() == [[0.0]] * 3


def test_a_unit_with_an_infinite_input_has_the_derivatives_that_were_written() -> None:
    unit = sum(w * x for w, x in zip(WS, XS, strict=True)).relu()
    asked = [*WS[:3], *XS[:3]]
    outputs, rows = [unit, *gradient(unit, asked)], [[math.inf, *[1.0] * 7], [1.0] * 8]
    program = Program(XS, outputs, WS)
    for theta in ([-1.0] * 8, [1.0] * 8):
        with ieee():
            assert same_bits(program(rows, theta), eager(XS, outputs, rows, WS, theta))


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
    assert Counter(products) == {"(6 x 4)": 4, "(4 x 6)": 4}
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


# --- formulas ------------------------------------------------------------------------------------
def named(text: str, x: Any) -> Any:
    functions = ("exp", "log", "log1p", "expm1", "tanh", "sigmoid", "silu", "softplus", "erf")
    functions += ("gelu", "gelu_tanh")
    return eval(text, {name: getattr(engine, name) for name in functions} | {"x": x})


@pytest.mark.parametrize(("written", "row"), FORMULAS.items(), ids=FORMULAS)
def test_formulas_are_rows(written: str, row: str) -> None:
    (x,) = engine.inputs("x")
    numbers = [0.0, math.inf, 5e-324, 1e-9, 30.0, 745.0, 800.0, 1e300]
    numbers += [math.nan, *[-number for number in numbers], *np.linspace(-0.9, 3.0, 40).tolist()]
    rows = [[number] for number in numbers]
    with ieee():
        by_hand, by_name = named(written, x), named(row, x)
        got = Program([x], [by_hand])(rows)
        assert same_bits(got, Program([x], [by_name])(rows))
        want, exact = eager([x], [by_hand], rows), eager([x], [by_name], rows)
    assert not (np.isnan(got) & ~np.isnan(want)).any()
    assert not (np.isinf(got) & np.isfinite(want)).any()
    infinite = np.isinf(want) & np.isinf(got)
    assert same_bits(got[infinite], want[infinite])
    fair = np.isfinite(got) & np.isfinite(want)
    near(got[fair], want[fair], 1e-8, 1e-9)  # the bound of what was written: it may cancel
    near(got[fair], exact[fair], 1e-14)
    tapes = [record_tape([x], [], [each]) for each in (by_hand, by_name)]
    assert tapes[0].structure() == tapes[1].structure()


def test_what_others_read_of_a_formula_stays() -> None:
    power = (-X).exp()
    assert ops(1.0 / (1.0 + power), power) == {"neg": 1, "exp": 1, "add": 1, "div": 1}
    assert ops(1.0 / (1.0 + power)) == {"sigmoid": 1}
    y = X / (1.0 + (-Y).exp())  # two names
    assert ops(y) == {"neg": 1, "exp": 1, "add": 1, "div": 1}


def test_squares_are_products_of_a_sum() -> None:
    assert ops(sum((x - w) ** 2 for x, w in zip(XS, WS, strict=True))) == {"sub": 8, "dot": 1}
    assert ops(X**2 + X * X) == {"dot": 1}


def test_a_power_of_two_divides_as_a_factor() -> None:
    assert ops(X / 4.0) == {"mul": 1}
    assert ops(X / 5.0) == {"div": 1}
    numbers = [[math.inf], [math.nan], [-0.0], [5e-324], [3.0], [1e308]]
    divided = [X / 2.0, X / -8.0, X / 2.0**-900, X / 2.0**1010]
    with ieee():
        assert same_bits(Program([X], divided)(numbers), eager([X], divided, numbers))


def test_steps_are_taken_from_what_relu_gives() -> None:
    y = X.relu()
    tape = record_tape(XS, WS, [y, gradient(y * W, X)])
    assert Counter(tape.ops)["gate"] == 1
    assert "step" not in tape.ops
    numbers = [[x] for x in (math.inf, -math.inf, math.nan, 0.0, -0.0, 2.0, -2.0)]
    outputs = [y, table.step(X), gradient(y * W, X)]
    with ieee():
        assert same_bits(Program([X], outputs, [W])(numbers), eager([X], outputs, numbers))
