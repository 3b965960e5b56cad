"""Plots of activations, and the curve beside a neuron: kinks, samples and scales."""

import math
from functools import partial
from typing import Any

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="pip install gradwalk[plot]")

from engine import Value
from nn import ACTIVATIONS, Activation, Neuron
from nn.drawing import draw_neuron, plot_activations
from nn.drawing.activation_plot import draw_curve, sample, spread


def kinks(monkeypatch: pytest.MonkeyPatch, function: Any) -> list[str]:
    """The notes on a plot of an activation of one's own."""
    monkeypatch.setitem(ACTIVATIONS, "own", Activation(function))
    own: Any = "own"
    (axes,) = plot_activations(own).axes
    return [text.get_text() for text in axes.texts]


def bend(x: Value, at: float, slope: float) -> Value:
    """0 up to a place, and a line from there on."""
    return (x - at).relu() * slope


@pytest.mark.parametrize(
    ("slopes", "found"),
    [
        ({0.0: 0.1}, []),
        ({0.0: 0.125}, ["kink at 0:\nslope 0"]),
        ({0.0: -0.1}, []),
        ({1.5: 2.0, -2.25: 0.5}, ["kink at -2.25:\nslope 0", "kink at 1.5:\nslope 0.5"]),
        ({3.999: 1.0}, ["kink at 3.999:\nslope 0"]),
        ({-3.999: 1.0}, ["kink at -3.999:\nslope 0"]),
        ({4.001: 1.0, -4.001: 1.0}, []),
        ({1 / 3: 1.0}, ["kink at 0.3333:\nslope 0"]),
        ({0.005: 0.5, 0.015: 0.5}, ["kink at 0.005:\nslope 0"]),  # two between points
        ({0.003: 0.75, 0.015: 0.25}, ["kink at 0.003:\nslope 0"]),
        ({0.005: 0.25, 0.011: 0.75}, ["kink at 0.011:\nslope 0.25"]),
    ],
)
def test_a_kink_is_where_the_slope_jumps(
    slopes: dict[float, float], found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def own(x: Value) -> Any:
        return sum(bend(x, at, slope) for at, slope in slopes.items())

    assert kinks(monkeypatch, own) == found


def test_a_kink_at_0_is_found_once_and_has_no_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its slope at 0 is that of neither side, or that of the right one."""
    both = kinks(monkeypatch, lambda x: x.relu() + (-x).relu())
    assert both == ["kink at 0:\nslope 0"]
    assert kinks(monkeypatch, lambda x: -(-x).relu()) == ["kink at 0:\nslope 0"]


def test_a_derivative_has_a_gap_and_a_ring_at_a_kink(monkeypatch: pytest.MonkeyPatch) -> None:
    for at, gaps in {0.0: [200], 1.234: [262], 1.23: [], -4.0 + 0.0199: [1]}.items():
        name: Any = "own"
        row = Activation(partial(bend, at=at, slope=2.0))
        monkeypatch.setitem(ACTIVATIONS, "own", row)
        (axes,) = plot_activations(name).axes
        curve, slopes, ring = axes.lines[2:]
        assert np.flatnonzero(np.isnan(np.asarray(slopes.get_ydata()))).tolist() == gaps
        assert ring.get_xydata() == pytest.approx(np.array([[at, sample("own", at)[1]]]))
        assert not np.isnan(np.asarray(curve.get_ydata())).any()


def test_a_kink_is_told_to_nine_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    name: Any = "own"
    monkeypatch.setitem(ACTIVATIONS, "own", Activation(lambda x: bend(x, 1.2345678949, 1.0)))
    (ring,) = plot_activations(name).axes[0].lines[4:]
    assert np.asarray(ring.get_xdata()).tolist() == [1.234567895]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_curves_are_what_the_engine_computes(name: Any) -> None:
    (axes,) = plot_activations(name).axes
    xs = np.linspace(-4, 4, 401)
    curve, slopes = axes.lines[2:4]
    assert np.asarray(curve.get_xdata()) == pytest.approx(xs, abs=1e-12)
    assert np.asarray(slopes.get_xdata()) == pytest.approx(xs, abs=1e-12)
    exact = [sample(name, float(x)) for x in np.asarray(curve.get_xdata())]
    assert np.asarray(curve.get_ydata()).tolist() == [y for y, _ in exact]
    drawn = np.asarray(slopes.get_ydata()).tolist()
    assert all(math.isnan(a) or a == b for a, (_, b) in zip(drawn, exact, strict=True))
    assert sum(map(math.isnan, drawn)) == (name in ("relu", "leaky_relu"))


@pytest.mark.parametrize("name", ["rellu", "", None, 3, ["relu"]])
def test_a_name_that_is_none_is_refused(name: Any) -> None:
    for names in (name,), ("tanh", name), (name, "tanh"):
        with pytest.raises(ValueError, match=f"{', '.join(ACTIVATIONS)}$") as caught:
            plot_activations(*names)
        assert str(caught.value).startswith(f"unknown activation {name!r}")


@pytest.mark.parametrize("x", [-3.0, -0.5, 0.0, 0.25, 2.0])
def test_samples_are_those_of_the_formulas(x: float) -> None:
    bell = math.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    share, half = 1 / (1 + math.exp(-x)), (1 + math.erf(x / math.sqrt(2))) / 2
    exact = {
        "linear": (x, 1.0),
        "relu": (max(x, 0.0), float(x > 0)),
        "tanh": (math.tanh(x), 1 - math.tanh(x) ** 2),
        "sigmoid": (share, share * (1 - share)),
        "softmax": (share, share * (1 - share)),
        "silu": (x * share, share + x * share * (1 - share)),
        "softplus": (math.log1p(math.exp(x)), share),
        "gelu": (x * half, half + x * bell),
    }
    for name, numbers in exact.items():
        assert sample(name, x) == pytest.approx(numbers, abs=1e-12), name


@pytest.mark.parametrize("limit", [4.0, 0.5, 1e6, 1e300])
def test_points_are_spread_evenly_around_0(limit: float) -> None:
    points = spread(limit)
    assert points == pytest.approx(np.linspace(-limit, limit, 401), abs=1e-12 * limit)
    assert (points[0], points[200], points[-1]) == (-limit, 0.0, limit)


# --- the curve of a neuron


def box(total: float, activation: Any = "linear") -> Any:
    neuron = Neuron(1, activation, rng=1)
    neuron.b.data = total
    return draw_neuron(neuron, [0.0]).axes[0].child_axes[0]


@pytest.mark.parametrize("total", [0.0, 1.0, 3.07, 3.08, 4.0, 5.5, 1e5, 1e100, 4.4e307])
@pytest.mark.parametrize("sign", [1, -1])
def test_the_scale_of_a_neurons_curve_has_room_for_its_sum(total: float, sign: int) -> None:
    axes = box(sign * total)
    limit = max(4.0, 1.3 * total)
    assert axes.get_xlim() == pytest.approx((-limit, limit))
    assert axes.get_xticks() == pytest.approx([-limit, limit])
    assert axes.get_ylim() == pytest.approx((-1.2 * limit, 1.2 * limit))
    guide, point = axes.lines[-2:]
    assert guide.get_xydata() == pytest.approx(
        np.array([[sign * total, 0], [sign * total, sign * total], [0, sign * total]])
    )
    assert point.get_xydata().tolist() == [[sign * total, sign * total]]


@pytest.mark.parametrize("total", [4.6e307, -4.6e307, 1.3e308, 1.7e308, -1.7e308])
def test_a_sum_beyond_every_scale_is_no_point(total: float) -> None:
    axes = box(total)
    assert axes.get_xlim() == (-4.0, 4.0)
    assert len(axes.lines) == 3


def test_an_activation_is_drawn_where_it_is_asked() -> None:
    axes = box(2.0, "relu")
    before = len(axes.lines)
    draw_curve(axes, "tanh", [-1.0, 0.5, 3.0])
    *zeros, curve = axes.lines[before:]
    assert len(zeros) == 2
    assert curve.get_xydata() == pytest.approx(
        np.array([[x, math.tanh(x)] for x in (-1.0, 0.5, 3.0)])
    )


@pytest.mark.parametrize("x", [2.0, [2.0], (2.0,), [Value(2.0)], np.array([2.0]), iter([2.0])])
def test_a_sample_is_a_number_or_what_has_one(x: Any) -> None:
    neuron = Neuron(1, "linear", rng=1)
    shown = [text.get_text() for text in draw_neuron(neuron, x).axes[0].texts]
    assert shown[:2] == ["2", "x0"]


def test_parameters_have_their_names_within_the_neuron() -> None:
    neuron = Neuron(6, "linear", rng=1)
    labels = ["gain", "L0.N3.w7", "", "x.", ".y", "a" * 30, "L2.offset"]
    for parameter, label in zip(neuron.parameters(), labels, strict=True):
        parameter.label, parameter.data = label, 0.5
    shown = [text.get_text() for text in draw_neuron(neuron).axes[0].texts]
    names = ["gain", "w7", "w2", "w3", "y", "a" * 23 + "…", "offset"]
    assert [text for text in shown if "=" in text] == [f"{name} = 0.5" for name in names]
    neuron.b.label = ""
    assert "b = 0.5" in [text.get_text() for text in draw_neuron(neuron).axes[0].texts]


def test_inputs_are_named_by_their_labels_unless_names_are_given() -> None:
    x = [Value(1.0, "length"), Value(2.0), Value(3.0, "")]
    neuron = Neuron(3, "linear", rng=1)
    shown = [text.get_text() for text in draw_neuron(neuron, x).axes[0].texts]
    assert shown[1:9:3] == ["length", "x1", "x2"]
    shown = [t.get_text() for t in draw_neuron(neuron, x, features=[*"abc"]).axes[0].texts]
    assert shown[1:9:3] == ["a", "b", "c"]
