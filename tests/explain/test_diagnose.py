"""The check-up: units that pass nothing on, layers without a gradient, parameters out of reach."""

import random
from collections.abc import Callable
from math import inf
from typing import Any

import pytest
from hypothesis import given

import engine
import nn
from engine import StaleValueError, Value, numeric_mode, topological
from engine.core import ops
from engine.explain.diagnose import Report, diagnose
from engine.explain.reasons import shape
from tests.core.programs import Program, programs
from tests.stepping.test_steps import ALL

RNG = random.Random(1)
SAMPLES = [[RNG.gauss(0, 1) for _ in range(3)] for _ in range(16)]


def batch(model: Any, loss: Callable[[Any, float], Value] = lambda s, y: (s - y) ** 2) -> Value:
    terms = [loss(model(x), 1.0 if sum(x) > 0 else -1.0) for x in SAMPLES]
    return engine.sum(terms) * (1 / len(terms))


def kinds(report: Report) -> list[str]:
    return [remark.kind for remark in report.remarks]


# --- health -------------------------------------------------------------------------------------
@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "gelu"])
def test_a_healthy_network_is_called_so(activation: str) -> None:
    model = nn.MLP(3, [6, 6, 1], activation=activation, rng=1)
    report = diagnose(batch(model), model)
    assert not report
    assert report.remarks == ()
    assert report.finding is None
    assert str(report).startswith("nothing found: ")
    assert [layer.name for layer in report.layers] == ["L0", "L1", "L2"]
    assert sum(len(layer.parameters) for layer in report.layers) == len(model.parameters())


def test_gradients_by_layer_are_those_of_backward() -> None:
    model = nn.MLP(3, [4, 1], activation="tanh", rng=3)
    loss = batch(model)
    report = diagnose(loss, model)
    assert all(node.grad == 0.0 for node in topological(loss))
    loss.backward()
    for layer, module in zip(report.layers, model.layers, strict=True):
        grads = [p.grad for p in module.parameters()]
        assert {*layer.parameters} == {*module.parameters()}
        assert layer.largest == max(map(abs, grads))
        assert layer.rms == pytest.approx((sum(g * g for g in grads) / len(grads)) ** 0.5)


@given(programs(ALL))
def test_it_can_be_asked_of_any_graph_and_touches_nothing(program: Program) -> None:
    root = program.values()[-1]
    for i, node in enumerate(topological(root)):
        if node.op is not ops.CONSTANT:
            node.grad = float(i)
    before = [node.grad for node in topological(root)]
    report = diagnose(root)
    assert [node.grad for node in topological(root)] == before
    assert str(report) == repr(report)
    assert "nonfinite" not in kinds(report)


# --- units --------------------------------------------------------------------------------------
def test_a_relu_that_is_off_for_the_whole_batch_is_dead() -> None:
    model = nn.MLP(3, [6, 1], rng=1)
    assert kinds(diagnose(batch(model), model)) == []  # though each is off for some samples
    for dead in (1, 4):
        model.layers[0].neurons[dead].b.data = -50.0
    report = diagnose(batch(model), model)
    (remark,) = report.of("dead")
    assert remark.layer == "L0"
    assert len(remark.values) == 2 * len(SAMPLES)
    assert all(str(node.op) == "relu" and node.data == 0.0 for node in remark.values)
    assert str(remark) == (
        "dead       L0: 2 of 6 units (relu) pass nothing on for any of 16 inputs: L0.N1, L0.N4"
    )
    assert [(r.layer, r.kind) for r in report.of("zero")] == [("L0", "zero"), ("L1", "zero")]
    assert report.layers[0].zeros == 8


def test_saturated_units_are_named() -> None:
    model = nn.MLP(3, [4, 1], activation="tanh", rng=1)
    model.layers[0].neurons[2].b.data = 30.0
    (remark,) = diagnose(batch(model), model).of("saturated")
    assert remark.layer == "L0"
    assert {str(node.op) for node in remark.values} == {"tanh"}
    assert str(remark).endswith("for any of 16 inputs: L0.N2")


def test_a_unit_without_a_network_is_called_by_its_line() -> None:
    w = Value(30.0, "w")
    (remark,) = diagnose(((w * 1.0).tanh() - 0.5) ** 2).of("saturated")
    assert remark.layer.startswith("test_diagnose.py:")
    assert "tanh is flat the one time that it was computed" in str(remark)
    w = Value(-1.0, "w")
    (remark,) = diagnose(((w * 1.0).relu() - 0.5) ** 2).of("dead")
    assert "relu is flat" in str(remark)


def test_a_term_of_the_loss_at_its_goal_is_no_dead_unit() -> None:
    w = Value(2.0, "w")
    hinges = [(1 - w * x).relu() for x in (3.0, 4.0)] + [(1 - w * 0.1).relu()]
    sure = [engine.binary_cross_entropy_with_logits(w * 10.0, 1.0), engine.softplus(w * -10.0)]
    assert kinds(diagnose(engine.sum([*hinges, *sure]) / 5.0)) == []


ACTIVATIONS = {"tanh", "sigmoid", "softplus", "silu", "gelu", "gelu_tanh", "relu"}
OTHERS = {"exp", "expm1", "log", "log1p", "sqrt", "rsqrt", "sin", "cos", "tan", "neg", "abs"}


@pytest.mark.parametrize("name", sorted(ACTIVATIONS | OTHERS))
def test_what_is_an_activation_is_found_by_trying(name: str) -> None:
    found = shape(engine.core.operation.TABLE[name](Value(0.5)))
    assert (found is not None) == (name in ACTIVATIONS)
    if found is not None:
        assert found.half == (name not in ("tanh", "sigmoid"))


def test_other_rows_are_tried_too() -> None:
    x = Value(0.5)
    assert shape(engine.clamp(x, -1.0, 1.0)) is not None
    assert shape(engine.elu(x)) is not None
    assert shape(engine.leaky_relu(x)) is None
    assert shape(x * 2.0) is shape(x + x) is shape(x**2) is shape(x) is None
    own = engine.operation(
        "my_softsign", lambda a: a / (1 + abs(a)), lambda y, a: 1 / (1 + abs(a)) ** 2
    )
    assert shape(own(x)) is not None
    fails = engine.operation("fails_far", lambda a: a, lambda y, a: 1 / (a - 50.0))
    with numeric_mode("ieee"):
        assert shape(fails(x)) is None


# --- gradients ----------------------------------------------------------------------------------
def test_vanishing_gradients_are_said_of_each_layer() -> None:
    model = nn.MLP(3, [6] * 10 + [1], activation="sigmoid", rng=1)
    report = diagnose(batch(model), model)
    assert {*kinds(report)} == {"vanishing"}
    layers = {layer.name: layer for layer in report.layers}
    for remark in report.remarks:
        assert layers[remark.layer].rms * 1000 < report.layers[-1].rms
    assert [remark.layer for remark in report.remarks][:3] == ["L0", "L1", "L2"]


def test_exploding_gradients_are_said_of_a_layer() -> None:
    model = nn.MLP(3, [6, 6, 1], activation="linear", rng=1)
    for parameter in model.layers[2].parameters():
        parameter.data *= 1e5
    report = diagnose(batch(model, lambda s, _: s * 1e-6), model)
    assert [remark.layer for remark in report.of("exploding")] == ["L0", "L1"]
    assert str(report.remarks[0]).endswith(" times those of L2")
    x = Value(1e4, "x")
    (remark,) = diagnose(x**2).of("exploding")
    assert "gradients up to 20000" in str(remark)


def test_what_is_not_finite_is_hunted_down() -> None:
    w = Value(0.0, "w")
    with numeric_mode("ieee"):
        report = diagnose(w.sqrt() * 3 + w)
        assert kinds(report) == ["nonfinite"]
        assert report.finding is not None
        assert report.finding.parent is w
        assert "hypot(a, b) is safe at 0" in str(report)
        assert report.layers[0].nonfinite == 1
        worse = diagnose((w.log() + w).exp() * inf)
    assert worse.finding is not None
    assert str(worse.finding.node.op) == "log"


def test_zero_gradients_are_counted() -> None:
    w, v = Value(2.0, "w"), Value(3.0, "v")
    report = diagnose(w * 0.0 + v * 2)
    (remark,) = report.of("zero")
    assert str(remark).endswith(": 1 of 2 gradients are 0")


# --- parameters ---------------------------------------------------------------------------------
def test_parameters_out_of_reach_are_named() -> None:
    model = nn.MLP(3, [2, 1], activation="tanh", rng=1)
    lost = [Value(1.0, "lost"), Value(2.5, "a\x1b[31m")]
    given = [*model.parameters(), *lost]
    report = diagnose(batch(model), iter(given))
    (remark,) = report.of("unreached")
    assert remark.values == tuple(lost)
    assert str(remark) == f"unreached  2 of {len(given)} parameters: lost, a\\x1b[31m"
    assert diagnose(batch(model), model).of("unreached") == []


@pytest.mark.parametrize("bad", [3, [1.0], "w"])
def test_what_are_no_parameters_is_an_error(bad: Any) -> None:
    with pytest.raises(TypeError):
        diagnose(Value(1.0) * 2, bad)


def test_what_is_no_loss_and_what_is_stale_is_an_error() -> None:
    with pytest.raises(TypeError, match="diagnose takes the loss, a Value, got float"):
        diagnose(1.0)  # type: ignore[arg-type]
    x = Value(1.0, "x")
    y = x * 2
    x.data = 3.0
    with pytest.raises(StaleValueError):
        diagnose(y)


def test_a_long_chain_is_looked_at() -> None:
    w = y = Value(0.5, "w")
    for _ in range(30_000):
        y = (y * w).tanh()
    assert diagnose(y).values == 60_001
