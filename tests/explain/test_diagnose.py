"""The check-up of a graph: units that pass nothing on, layers without a gradient, what is cut."""

import inspect
import io
import random
from collections.abc import Callable
from html import unescape
from math import inf, isnan
from typing import Any

import pytest
from hypothesis import given

import engine
import nn
from engine import Value, numeric_mode, topological
from engine.core import ops
from engine.explain.diagnose import diagnose
from engine.explain.facts import fresh
from engine.explain.reasons import shape
from engine.explain.report import Report
from engine.wording.terminal import width
from tests.core.programs import Program, programs
from tests.stepping.test_steps import ALL

RNG = random.Random(1)
SAMPLES = [[RNG.gauss(0, 1) for _ in range(3)] for _ in range(16)]


def batch(model: Any, loss: Callable[[Any, float], Value] = lambda s, y: (s - y) ** 2) -> Value:
    terms = [loss(model(x), 1.0 if sum(x) > 0 else -1.0) for x in SAMPLES]
    return engine.sum(terms) * (1 / len(terms))


def here() -> int:
    return inspect.currentframe().f_back.f_lineno  # type: ignore[union-attr]


def same(a: float, b: float) -> bool:
    return a == b or (isnan(a) and isnan(b))


def kinds(report: Report) -> list[str]:
    return [cause.name for cause in report.causes]


# --- health -------------------------------------------------------------------------------------
@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "gelu"])
def test_a_healthy_network_is_called_so(activation: str) -> None:
    model = nn.MLP(3, [6, 6, 1], activation=activation, rng=1)
    report = diagnose(batch(model), model)
    assert not report
    assert report.causes == ()
    assert report.finding is None
    assert str(report).startswith("nothing found\n  ")
    assert [layer.name for layer in report.layers] == ["layers.0", "layers.1", "layers.2"]
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
    assert report.finding is None


# --- units --------------------------------------------------------------------------------------
def test_a_relu_that_is_off_for_the_whole_batch_is_dead() -> None:
    model, line = nn.MLP(3, [6, 1], rng=1), here()
    assert kinds(diagnose(batch(model), model)) == []  # though each is off for some samples
    for dead in (1, 4):
        model.layers[0].neurons[dead].b.data = -50.0
    assert kinds(diagnose(batch(model), model)) == []  # a few are no reason
    for dead in (0, 2):
        model.layers[0].neurons[dead].b.data = -50.0
    report = diagnose(batch(model), model)
    (cause,) = report.causes
    assert cause.name == "dead_relu"
    assert len(cause.values) == 4 * len(SAMPLES)
    assert all(str(node.op) == "relu" and node.data == 0.0 for node in cause.values)
    assert cause.title == "dead ReLUs in layers.0"
    assert cause.place.line == line  # type: ignore[union-attr]
    said, _, where = cause.seen.partition(": ")
    assert said == "4 of 6 units (relu) pass nothing on for any of 16 rows"
    assert {*where.split(", ")} == {f"layers.0.neurons.{i}" for i in (0, 1, 2, 4)}
    assert report.layers[0].zeros == 4 * 4


def test_a_layer_that_is_all_dead_is_said_with_what_it_leaves_unlearned() -> None:
    model = nn.MLP(3, [6, 1], rng=1)
    for neuron in model.layers[0].neurons:
        neuron.b.data = -50.0
    dead, idle = diagnose(batch(model), model).causes
    assert (dead.name, idle.name) == ("dead_relu", "zero_gradients")
    assert {*idle.values} == {*model.layers[0].parameters()}


def test_saturated_units_are_named() -> None:
    model = nn.MLP(3, [4, 1], activation="tanh", rng=1)
    for neuron in model.layers[0].neurons[1:]:
        neuron.b.data = 30.0
    (cause,) = diagnose(batch(model), model).of("saturated")
    assert {str(node.op) for node in cause.values} == {"tanh"}
    assert cause.seen.startswith("3 of 4 units (tanh) pass on less than 1/1000")


def test_a_unit_without_a_network_is_called_by_its_line() -> None:
    w = Value(30.0, "w")
    (cause,) = diagnose(((w * 1.0).tanh() - 0.5) ** 2).of("saturated")
    assert cause.place.line == here() - 1  # type: ignore[union-attr]
    assert cause.title.startswith("test_diagnose.py:")
    w = Value(-1.0, "w")
    (cause,) = diagnose(((w * 1.0).relu() - 0.5) ** 2).of("dead_relu")
    assert "(relu) pass nothing on for the one row" in cause.seen


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
    layers = {layer.parameters: layer for layer in report.layers}
    for cause in report.causes:
        assert layers[cause.values].rms * 1000 < report.layers[-1].rms
    assert [layers[cause.values].name for cause in report.causes[:2]] == ["layers.0", "layers.1"]


def test_a_penalty_does_not_turn_vanishing_into_exploding() -> None:
    model = nn.MLP(3, [6] * 10 + [1], activation="sigmoid", rng=1)
    report = diagnose(batch(model) + nn.l2_penalty(model.parameters(), 1e-9), model)
    assert {*kinds(report)} == {"vanishing"}
    assert [layer.name for layer in report.layers] == [f"layers.{k}" for k in range(11)]


def test_exploding_gradients_are_said_of_a_layer() -> None:
    model = nn.MLP(3, [6, 6, 1], activation="linear", rng=1)
    for parameter in model.layers[2].parameters():
        parameter.data *= 1e5
    found = diagnose(batch(model, lambda s, _: s * 1e-6), model).of("exploding")
    owners = [model.layers[k].parameters() for k in (0, 1)]
    assert [{*cause.values} for cause in found] == [{*owner} for owner in owners]
    assert found[0].seen.endswith(" of layers.2")
    x = Value(1e4, "x")
    (cause,) = diagnose(x**2).of("exploding")
    assert cause.seen == "gradients up to 20000"


class Net(nn.Module):
    """Two layers, whose neurons both are called N0."""

    def __init__(self) -> None:
        self.first, self.last = nn.Layer(3, 4, "tanh", 1), nn.Layer(4, 1, "linear", 2)

    def __call__(self, x: Any) -> Any:
        return self.last(self.first(x))


def test_layers_of_a_module_are_told_apart_by_their_paths() -> None:
    model = Net()
    report = diagnose(batch(model), model)
    assert [(layer.name, {*layer.parameters}) for layer in report.layers] == [
        ("first", {*model.first.parameters()}),
        ("last", {*model.last.parameters()}),
    ]


def test_what_is_not_finite_is_hunted_down() -> None:
    w = Value(0.0, "w")
    with numeric_mode("ieee"):
        report = diagnose(w.sqrt() * 3 + w)
        assert kinds(report) == ["sqrt_at_zero"]
        assert report.finding is not None
        assert report.finding.parent is w
        assert "hypot(a, b) is safe at 0" in " ".join(str(report).split())
        assert report.layers[0].nonfinite == 1
        worse = diagnose((w.log() + w).exp() * inf)
    assert worse.finding is not None
    assert str(worse.finding.node.op) == "log"


# --- parameters ---------------------------------------------------------------------------------
def test_parameters_out_of_reach_are_named() -> None:
    model = nn.MLP(3, [2, 1], activation="tanh", rng=1)
    lost = [Value(1.0, "lost"), Value(2.5, "a\x1b[31m")]
    given = [*model.parameters(), *lost]
    report = diagnose(batch(model), iter(given))
    (cause,) = report.of("unreached")
    assert cause.values == tuple(lost)
    assert cause.seen == f"2 of {len(given)} parameters get no gradient: lost, a\\x1b[31m"
    assert diagnose(batch(model), model).of("unreached") == []
    unnamed = [*model.parameters(), *[Value(0.0) for _ in range(2)]]
    (cause,) = diagnose(batch(model), unnamed).of("unreached")
    assert "parameter 11, parameter 12" in cause.seen


@pytest.mark.parametrize("bad", [3, [1.0], "w"])
def test_what_are_no_parameters_is_an_error(bad: Any) -> None:
    with pytest.raises(TypeError):
        diagnose(Value(1.0) * 2, bad)


def test_what_is_no_loss_is_an_error() -> None:
    with pytest.raises(TypeError, match="diagnose takes the loss, a Value, got float"):
        diagnose(1.0)  # type: ignore[arg-type]


@given(programs(ALL))
def test_after_a_step_it_sees_the_numbers_of_now(program: Program) -> None:
    root = program.values()[-1]
    leaves = [node for node in topological(root) if node.op is None]
    for leaf in leaves:
        leaf.data = leaf.data * 0.5 + 0.25
    again = fresh(root)
    with numeric_mode("ieee"):
        for node in topological(again):
            if node.op is not None and node.parents:
                assert same(node.data, node.op.function(*[p.data for p in node.parents]))
    assert {*leaves} == {node for node in topological(again) if node.op is None}
    assert diagnose(root).values > 0


def test_a_long_chain_is_looked_at() -> None:
    w = y = Value(0.5, "w")
    for _ in range(30_000):
        y = (y * w).tanh()
    assert diagnose(y).values == 60_001


# --- how it reads ---------------------------------------------------------------------------------
class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("wide", [40, 60, 100])
def test_a_report_is_as_wide_as_the_terminal(monkeypatch: pytest.MonkeyPatch, wide: int) -> None:
    w = Value(0.0, "w")
    with numeric_mode("ieee"):
        report = diagnose(w.sqrt() * 3 + w, [w, Value(1.0, "lost")])
    assert [line for line in str(report).splitlines() if not line.strip()] == [""]
    whole = " ".join(str(report).split())
    monkeypatch.setattr("sys.stdout", Screen())
    monkeypatch.setenv("COLUMNS", str(wide))
    lines = str(report).splitlines()
    text = [line for line in lines[: lines.index("")] if " made at " not in line]
    assert all(width(line) <= wide for line in text)
    assert " ".join(str(report).split()) == whole
    first = next(i for i, line in enumerate(lines) if line.startswith("   seen:  "))
    assert wide > 60 or lines[first + 1].startswith(" " * 10)


def test_a_notebook_folds_all_causes_but_the_first_and_colours_nothing() -> None:
    w, odd = Value(0.0, "w"), Value(1.0, "<script>")
    with numeric_mode("ieee"):
        report = diagnose(w.sqrt() * 3 + w, [w, odd])
    page = report._repr_html_()
    assert len(report.causes) > 1
    assert page.count("<details open>") == 1
    assert page.count("<details") == len(report.causes) + 2
    assert "color" not in page
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    shown = unescape(page)
    for text in (part for cause in report.causes for part in (cause.head, *cause.parts.values())):
        assert text in shown
    healthy = diagnose((w + 1.0) ** 2, [w])._repr_html_()
    assert healthy.startswith("<b>nothing found</b><div>looked at ")


def test_a_place_is_said_once_and_no_line_that_changed_other_leaves() -> None:
    Value(1.0).data = 2.0
    w = Value(2.0, "w")
    loss = ((w * 30.0).tanh() - 1.0) ** 2
    loss.backward()
    said = str(diagnose(loss))
    line = f"test_diagnose.py:{here() - 3}"
    assert f"{line} is saturated\n" in said
