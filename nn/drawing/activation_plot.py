"""Activations and their derivatives, as the engine itself computes them."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from engine import Value, gradient
from engine.wording.names import number
from nn.checks import pick
from nn.drawing.figure import BLUE, DASHED, ORANGE, Figure, Target, styled
from nn.models.activations import ACTIVATIONS

SPAN, POINTS = 4.0, 401  # drawn from -4 to 4; the point in the middle is 0
JUMP = 0.1  # a larger step of the derivative from one point to the next is a jump


@styled
def plot_activations(*names: str, path: Target = None) -> Figure:
    """Plot activations (solid) with their derivatives (dashed), all on the same scales.

    A ring marks a kink, where the derivative jumps. It stands at the derivative that the engine has
    there. Softmax takes several scores: shown is its first output for the scores (x, 0).

    Arguments:
        names: names in `ACTIVATIONS`; none stands for all but linear.
        path: where to save the picture, as .svg, .png or .pdf.

    >>> [axes.get_title("left") for axes in plot_activations("relu", "softmax").axes]
    ['relu', 'softmax of (x, 0)']
    """
    chosen = names or tuple(name for name in ACTIVATIONS if name != "linear")
    for name in chosen:
        pick(ACTIVATIONS, name, "activation")
    wide = min(3, len(chosen))
    high = math.ceil(len(chosen) / wide)
    figure = Figure(figsize=(0.5 + 2.8 * wide, 0.6 + 2.3 * high), layout="constrained")
    for i, name in enumerate(chosen):
        _draw(figure.add_subplot(high, wide, i + 1), name)
    curves = [figure.axes[0].get_lines()[i] for i in (2, 3)]  # above the zero lines
    figure.legend(handles=curves, loc="outside upper left", ncols=2, fontsize=9)
    return figure.kept(path)


def sample(name: str, x: float) -> tuple[float, float]:
    """The value and the derivative of an activation at x; of softmax its first output for (x, 0).

    >>> sample("relu", 2.0), sample("linear", 3.0), sample("softmax", 0.0)
    ((2.0, 1.0), (3.0, 1.0), (0.5, 0.25))
    """
    row, leaf = pick(ACTIVATIONS, name, "activation"), Value(x)
    if row.function is None:
        return x, 1.0
    out = row.function([leaf, Value(0.0)])[0] if row.layerwise else row.function(leaf)
    return out.data, gradient(out, leaf).data


def spread(limit: float) -> list[float]:
    """Evenly spaced points from -limit to limit, with 0 in the middle.

    >>> points = spread(4.0)
    >>> points[0], points[200], points[-1]
    (-4.0, 0.0, 4.0)
    """
    half = POINTS // 2
    return [limit * (i / half) for i in range(-half, half + 1)]


def draw_curve(axes: Axes, name: str, xs: list[float]) -> None:
    """Draw an activation over thin lines at 0."""
    for zero in (axes.axhline, axes.axvline):
        zero(0, color="#dddddd", lw=0.8, zorder=0)
    axes.plot(xs, [sample(name, x)[0] for x in xs], color=BLUE, lw=2, label="activation")


def _kinks(name: str, xs: list[float], slopes: Any) -> list[float]:
    """Where the derivative jumps. A jump between two points is located by halving."""
    found = []
    for (a, at_a), (b, at_b) in pairwise(zip(xs, slopes, strict=True)):
        if abs(at_b - at_a) <= JUMP:
            continue
        for _ in range(50):
            middle = (a + b) / 2
            near_a = abs(sample(name, middle)[1] - at_a) < abs(sample(name, middle)[1] - at_b)
            a, b = (middle, b) if near_a else (a, middle)
        found.append(round(a, 9) + 0.0)  # never -0
    return sorted(set(found))


def _draw(axes: Axes, name: str) -> None:
    xs = spread(SPAN)
    slopes = np.array([sample(name, x)[1] for x in xs])
    kinks = _kinks(name, xs, slopes)
    draw_curve(axes, name, xs)
    for kink in kinks:  # a gap, not a line from the one slope to the other
        slopes[np.abs(np.array(xs) - kink) < SPAN / POINTS] = math.nan
    axes.plot(xs, slopes, color=ORANGE, ls=DASHED, lw=1.8, zorder=3, label="its derivative")
    for kink in kinks:
        slope = sample(name, kink)[1]
        axes.plot(kink, slope, "o", ms=6, mfc="white", mec=ORANGE, mew=1.5)
        note = f"kink at {number(kink)}:\nslope {number(slope)}"
        axes.annotate(note, (kink, slope), (6, -8), textcoords="offset points", size=8, va="top")
    axes.set_title(f"{name} of (x, 0)" if ACTIVATIONS[name].layerwise else name)
    axes.set(
        xlim=(-SPAN, SPAN), ylim=(-1.5, SPAN), xticks=(-4, -2, 0, 2, 4), yticks=(-1, 0, 1, 2, 3, 4)
    )
    axes.tick_params(labelsize=8)
