"""What a graph tells of outputs: their bounds, and which of them no loss of scores takes."""

import itertools
import math
import re
from collections.abc import Callable
from typing import Any

import pytest

import engine
import nn
from engine import Value, log_softmax, softmax
from nn.pairs import ANY, RULES, bounds

ENDS = [-2.0, -0.5, 0.0, 0.25, 3.0]
INTERVALS = [(a, b) for a, b in itertools.product(ENDS, ENDS) if a <= b]
MONOTONE: dict[str, Callable[..., float]] = {  # in each argument: the extremes are at the ends
    "add": lambda *xs: sum(xs),
    "sum": lambda *xs: sum(xs),
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "clamp": lambda x, low, high: max(low, min(x, high)),
    "maximum": lambda *xs: max(xs),
    "minimum": lambda *xs: min(xs),
}


@pytest.mark.parametrize("name", MONOTONE)
def test_the_bounds_of_a_result_are_those_at_the_ends_of_its_arguments(name: str) -> None:
    function = MONOTONE[name]
    many = {"add": (1, 3), "sum": (1, 2), "clamp": (3,), "maximum": (1, 2, 3), "minimum": (2, 3)}
    for n in many.get(name, (2,)):
        for given in itertools.product(INTERVALS[:: 1 if n < 3 else 2], repeat=n):
            found = [function(*xs) for xs in itertools.product(*given)]
            assert RULES[name](*given) == (min(found), max(found)), given


def test_the_bounds_of_other_results() -> None:
    for a in INTERVALS:
        assert RULES["neg"](a) == (-a[1], -a[0])
        assert RULES["where"](a) == a
        for b in INTERVALS:
            both = min(a[0], b[0]), max(a[1], b[1])
            assert RULES["select"]((7.0, 9.0), a, b) == both


def reciprocal(x: float) -> float:
    return 1 / x if x else math.inf


def test_the_bounds_of_a_share_or_a_power() -> None:
    for b in INTERVALS:
        inverse = (reciprocal(b[1]), reciprocal(b[0])) if b[0] >= 0 else (-math.inf, math.inf)
        assert RULES["pow"](b, (-1.0, -1.0)) == inverse
        for n in ((-2.0, -2.0), (1.0, 1.0), (2.0, 2.0), (-1.0, 1.0), (-1.0, 0.0)):
            assert RULES["pow"](b, n) == (-math.inf, math.inf)
        for a in INTERVALS:
            corners = [x * y if x and y else 0.0 for x in a for y in inverse]
            assert RULES["div"](a, b) == (min(corners), max(corners))
    assert RULES["pow"]((0.0, math.inf), (-1.0, -1.0)) == (0.0, math.inf)
    assert RULES["mul"]((0.0, math.inf), (0.0, math.inf)) == (0.0, math.inf)
    assert RULES["mul"]((0.0, 0.0), (-math.inf, math.inf)) == (0.0, 0.0)


def test_operations_have_the_range_of_their_function() -> None:
    x, y = Value(0.3), Value(-0.7)
    for made in (x.sigmoid(), softmax([x, y])[0], softmax([Value(i / 9) for i in range(99)])[98]):
        assert bounds(made) == (0.0, 1.0)
    for made in (x.exp(), x.relu(), x.softplus(), abs(x)):
        assert bounds(made) == (0.0, math.inf)
    assert bounds(x.tanh()) == (-1.0, 1.0)
    assert bounds(x.log() + 1) == ANY == (-math.inf, math.inf)
    assert bounds(2 * x.sigmoid() ** -1) == (2.0, math.inf)
    assert bounds(x.sigmoid() ** -2) == bounds(x.sigmoid() ** 2) == ANY
    assert bounds(engine.where(x.sigmoid(), x.tanh(), lambda: y.tanh()) - 1)[0] <= -1.0


def test_so_many_operations_are_looked_at_and_no_more() -> None:
    x = Value(0.5)
    made = x.sigmoid()
    for many in range(9):
        wanted = (-1.0, 0.0) if many % 2 else (0.0, 1.0)
        assert bounds(made) == (wanted if many <= 6 else ANY)
        assert bounds(made, 2) == (wanted if many <= 2 else ANY)
        made = -made


def test_a_share_of_a_total_is_from_0_to_1_where_nothing_is_below_0() -> None:
    x, y, z = Value(0.5), Value(-1.0), Value(2.0)
    e = x.exp()
    for total in (
        e + y.exp(),
        y.exp() + e,
        x.exp() + y.exp(),  # the same operation on the same
        engine.sum([y.exp(), z.exp(), e]),
        e + (y.relu() + z.exp()),
    ):
        assert bounds(e / total) == (0.0, 1.0)
    for total in (
        y.exp() + z.exp(),
        e * y.exp(),
        engine.maximum(e, y.exp()),
        e + (0 - (0 - y.exp())),
    ):
        assert bounds(e / total) == (0.0, math.inf)
    for total in (e + y.tanh(), e + y, e - y.tanh()):
        assert bounds(e / total) == ANY
    assert bounds(x / (x + y.exp())) == ANY


Made = Callable[[Value, Value], list[Value]]
REFUSED: dict[str, tuple[str, Made]] = {
    "sigmoid": ("sigmoid", lambda x, y: [x.sigmoid(), y.sigmoid()]),
    "one sigmoid": ("sigmoid", lambda x, y: [x.sigmoid()]),
    "softmax": ("softmax", lambda x, y: softmax([x, y])),
    "both": ("sigmoid", lambda x, y: [x.sigmoid(), softmax([x, y])[1]]),
    "of many": ("softmax", lambda x, y: softmax([x, y] * 60)),
    "clamped": ("sigmoid", lambda x, y: [engine.clamp(x, 0.0, 1.0), engine.clamp(y, 0.0, 1.0)]),
    "written out": ("sigmoid", lambda x, y: [1 / (1 + (-x).exp()), 1 / (1 + (-y).exp())]),
    "shares": ("softmax", lambda x, y: [x.exp() / (x.exp() + y.exp()),
                                        y.exp() / (x.exp() + y.exp())]),
    "powers of logarithms": ("softmax", lambda x, y: [z.exp() for z in log_softmax([x, y])]),
    "products": ("softmax", lambda x, y: [z.exp() * 1 / (x.exp() + y.exp()) for z in (x, y)]),
    "all three": ("softmax", lambda x, y: [
        log_softmax([x, y, x])[0].exp(), y.exp() / (x.exp() + y.exp() + x.exp()),
        x.exp() * (1 / (x.exp() + y.exp() + x.exp()))]),
}  # fmt: skip
TAKEN: dict[str, Made] = {
    "leaves": lambda x, y: [x, y],
    "tanh": lambda x, y: [x.tanh(), y.tanh()],
    "relu": lambda x, y: [x.relu(), y.relu()],
    "wider": lambda x, y: [engine.clamp(x, 0.0, 2.0), engine.clamp(y, 0.0, 2.0)],
    "a little below 0": lambda x, y: [engine.clamp(x, -0.1, 1.0), y.sigmoid()],
    "one above": lambda x, y: [x.sigmoid(), y.relu()],
    "powers that sum to more": lambda x, y: [x.exp(), y.exp()],
    "a power that is 1": lambda x, y: [(x - x).exp()],
    "others that sum to 1": lambda x, y: [(x - x).relu() + 0.25, (y - y).relu() + 0.75],
    "some have no graph": lambda x, y: [x.sigmoid(), y],
}
LOSSES: list[tuple[Any, str, Any]] = [
    (nn.binary_cross_entropy_with_logits, "logits and applies sigmoid itself", 1),
    (nn.losses.hinge_loss, "scores, which are below 0 for the class -1", 1),
    (nn.losses.poisson_loss, "logarithms of expected counts and applies exp itself", 2),
    (nn.cross_entropy, "logits and applies softmax itself", None),
]


@pytest.mark.parametrize(("loss", "scores", "target"), LOSSES)
@pytest.mark.parametrize("made", REFUSED)
def test_probabilities_are_no_scores(made: str, loss: Any, scores: str, target: Any) -> None:
    called, make = REFUSED[made]
    outputs = make(Value(1.0), Value(-2.0))
    if target is None and len(outputs) == 1:
        outputs = [*outputs, Value(0.0).sigmoid()]
    targets = 0 if target is None else [target] * len(outputs)
    if "exp" in {str(x.op) for x in outputs} and loss is nn.losses.poisson_loss:
        called = "exp" if made == "powers of logarithms" else called
    text = (
        f"{loss.__name__} takes {scores}, got outputs of {called}; give the model output='linear'"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        loss(outputs, targets)


@pytest.mark.parametrize(("loss", "scores", "target"), LOSSES)
@pytest.mark.parametrize("made", TAKEN)
def test_what_may_be_scores_is_taken(made: str, loss: Any, scores: str, target: Any) -> None:
    outputs = TAKEN[made](Value(1.0), Value(-2.0))
    if loss is nn.losses.poisson_loss and "power" in made:
        with pytest.raises(ValueError, match=f"takes {scores}, got outputs of exp; give the model"):
            loss(outputs, [target] * len(outputs))
    elif target is None:
        assert loss([*outputs, *outputs], 0).data > 0
    else:
        assert math.isfinite(loss(outputs, [target] * len(outputs)).data)


def test_counts_have_no_logarithms_from_exp_or_softplus() -> None:
    x = Value(0.5)
    for outputs, called in (
        ([x.exp()], "exp"),
        ([x.softplus()], "softplus"),
        ([x.softplus(), x.exp()], "exp"),
    ):
        with pytest.raises(ValueError, match=rf"applies exp itself, got outputs of {called}; give"):
            nn.losses.poisson_loss(outputs, [1] * len(outputs))
    assert nn.losses.poisson_loss([x.exp(), x.relu()], [1, 1]).data > 0
    assert nn.mse_loss([x.sigmoid(), x.exp()], [0, 1]).data > 0  # takes what it gets
    assert nn.binary_cross_entropy([x.sigmoid()], [1]).data > 0
    assert nn.hinge_loss([x.exp()], [1]).data == 0.0
