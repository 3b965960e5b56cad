"""Activations and their derivatives, as the engine computes them; and one neuron, taken apart: what
comes in, the weighted sum, the activation, what goes out.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch
from matplotlib.text import Text

from engine import Value, dot, gradient
from engine.choices import pick
from engine.outfile import Target
from engine.wording.names import number
from nn.drawing import diagram
from nn.drawing.diagram import LOOKS, SIGNS, Heights, breadth, brief, fitted
from nn.drawing.figure import BLUE, DASHED, GREY, INK, ORANGE, Figure, names, styled, words
from nn.evaluation.measure import signals
from nn.models.activations import ACTIVATIONS, ActivationName
from nn.models.layers import Neuron

Point: TypeAlias = tuple[float, float]

SPAN, POINTS = 4.0, 401  # drawn from -4 to 4; the point in the middle is 0
JUMP = 0.1  # a larger step of the derivative from one point to the next is a jump
RADIUS, STEP, BOX = 0.27, 0.72, 1.35  # inches: a circle, from input to input, the side of the box


@styled
def plot_activations(*names: ActivationName, path: Target = None) -> Figure:
    """Plot activations (solid) with their derivatives (dashed), all on the same scales.

    A ring marks a kink, where the derivative jumps. It stands at the derivative that the engine has
    there. Softmax takes several scores: shown is its first output for the scores (x, 0).

    Arguments:
        names: names in `ACTIVATIONS`; none stands for all but linear.
        path: where to save the picture, as .svg, .png or .pdf.

    >>> [axes.get_title("left") for axes in plot_activations("relu", "softmax").axes]
    ['relu', 'softmax of (x, 0)']
    """
    chosen: Sequence[str] = names or tuple(name for name in ACTIVATIONS if name != "linear")
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
        slope = sample(name, kink)[1] + 0.0  # never -0
        axes.plot(kink, slope, "o", ms=6, mfc="white", mec=ORANGE, mew=1.5)
        note = f"kink at {number(kink)}:\nslope {number(slope)}"
        axes.annotate(note, (kink, slope), (6, -8), textcoords="offset points", size=8, va="top")
    axes.set_title(f"{name} of (x, 0)" if ACTIVATIONS[name].layerwise else name)
    axes.set(
        xlim=(-SPAN, SPAN), ylim=(-1.5, SPAN), xticks=(-4, -2, 0, 2, 4), yticks=(-1, 0, 1, 2, 3, 4)
    )
    axes.tick_params(labelsize=8)


# --- a neuron ------------------------------------------------------------------------------------
@styled
def draw_neuron(
    neuron: Neuron,
    x: Any = None,
    *,
    path: Target = None,
    limit: int = 8,
    features: Sequence[object] | None = None,
) -> Figure:
    """Draw a neuron as what it computes: inputs times weights, plus a bias, through an activation.

    Arguments:
        neuron: a Neuron, such as `model.layers[0].neurons[3]`.
        x: a sample. Given, the picture holds its numbers, and a point on the activation's curve.
        path: where to save the picture, as .svg, .png or .pdf.
        limit: how many inputs are drawn at most; of more, the first and the last.
        features: the names of the inputs; by default the labels of the Values in x.

    >>> figure = draw_neuron(Neuron(2, "tanh", rng=7), [1.0, -2.0])
    >>> sum(text.get_text().startswith("w") for text in figure.axes[0].texts)
    3
    """
    if not isinstance(neuron, Neuron):
        got = f"draw_neuron takes a Neuron, got {type(neuron).__name__}"
        remedy = "a layer has some in .neurons, and draw_network draws a whole model"
        raise TypeError(f"{got}; {remedy}")
    n_in = len(neuron.w)
    heights = diagram.heights("draw_neuron", n_in, limit, STEP)
    called = names("draw_neuron", "features", features, n_in)
    held = None
    if x is not None:
        x = tuple(x) if hasattr(x, "__iter__") else (x,)
        (held, (out,)) = signals("draw_neuron", neuron, [neuron], x)
        called = called or [words(getattr(v, "label", None) or f"x{i}") for i, v in enumerate(x)]
    figure, axes = diagram.page()
    written = _inputs(axes, neuron, heights, called, held)
    # arrows are long enough for what is written on them, and none gets too steep
    longest = max(breadth(label) for label in written.values())
    reach = max(1.3 + longest, 0.5 * max(heights.values()))
    for i, label in written.items():
        _arrow(axes, (0, heights[i]), (reach, 0), neuron.w[i].data)
        label.set_position((0.48 * reach, 0.52 * heights[i]))  # arrows are well apart there
    weights, bias = [p.detach() for p in neuron.w], neuron.b.detach()
    total = None if held is None else float(dot(weights, held, bias))
    _sum(axes, neuron, reach, total)
    _output(axes, neuron, reach + 1.15, total, None if held is None else out)
    diagram.crop(figure)
    return figure.kept(path)


def _inputs(
    axes: Axes, neuron: Neuron, ys: Heights, called: list[str] | None, held: list[float] | None
) -> dict[int, Text]:
    """Draw the inputs in a column; returns the text on the arrow from each."""
    written = {}
    for i, y in ys.items():
        if i is None:
            fitted(axes, 0, y, "⋮", 1.0, size=16)
            fitted(axes, -0.45, y, f"{len(neuron.w)} inputs", 2.0, ha="right")
            continue
        inside = f"x{i}" if held is None else brief(held[i])
        diagram.circle(axes, (0, y), RADIUS, inside, **LOOKS["input"])
        if called:
            axes.text(-RADIUS - 0.1, y, called[i], ha="right", va="center", size=9)
        written[i] = _on_paper(axes, 0, y, _parameter(neuron.w[i], f"w{i}"))
    return written


def _sum(axes: Axes, neuron: Neuron, x: float, total: float | None) -> None:
    """The circle that adds up, with the bias from above and the sum leaving to the right."""
    diagram.circle(axes, (x, 0), RADIUS, "Σ", size=15, **LOOKS["hidden"])
    _arrow(axes, (x, 1.05), (x, 0), neuron.b.data, (0.08, RADIUS))
    _on_paper(axes, x, 1.1, _parameter(neuron.b, "b"))
    fitted(axes, x + 0.68, -0.15, "w · x + b", 0.7)
    _arrow(axes, (x, 0), (x + 1.15, 0), None, (RADIUS, 0.0))
    if total is not None:
        fitted(axes, x + 0.68, 0.15, number(total), 0.7)


def _output(axes: Axes, neuron: Neuron, x: float, total: float | None, out: Any) -> None:
    """The activation's curve in a box, with the working point, and what comes out."""
    inset = axes.inset_axes((x, -BOX / 2, BOX, BOX), transform=axes.transData)
    _curve(inset, neuron.activation, total)
    fitted(axes, x + BOX / 2, BOX / 2 + 0.18, neuron.activation, 1.8, weight="bold")
    end = x + BOX + 0.85
    _arrow(axes, (x + BOX, 0), (end, 0), None, (0.0, RADIUS))
    inside = "y" if out is None else brief(out)
    diagram.circle(axes, (end, 0), RADIUS, inside, **LOOKS["output"])
    if out is not None:
        fitted(axes, end, -RADIUS - 0.18, f"y = {number(out)}", 1.2)


def _curve(axes: Axes, name: str, total: float | None) -> None:
    if total is not None and not math.isfinite(4 * total):
        total = None  # beyond what a scale can hold
    limit = 4.0 if total is None else max(4.0, 1.3 * abs(total))
    draw_curve(axes, name, spread(limit))
    if total is not None:
        out = sample(name, total)[0]
        axes.plot([total, total, 0], [0, out, out], color=GREY, lw=1, ls=":")
        axes.plot(total, out, "o", color=INK, ms=6)
    axes.margins(x=0, y=0.1)
    axes.set_xticks([-limit, limit], [f"-{brief(limit)}", brief(limit)])
    axes.set_yticks([])
    axes.spines[:].set_visible(True)
    axes.tick_params(labelsize=7, length=2)


def _arrow(
    axes: Axes, start: Point, end: Point, weight: float | None, gaps: Point = (RADIUS, RADIUS)
) -> None:
    """An arrow in the colour of its weight. At each end it stops short by a gap, in inches."""
    look: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 11, "lw": 1.5}
    look |= {"shrinkA": 72 * gaps[0], "shrinkB": 72 * gaps[1], "zorder": 1, "clip_on": False}
    look |= {"color": INK, "ls": "-"} if weight is None else SIGNS[diagram.sign(weight)]
    axes.add_patch(FancyArrowPatch(start, end, **look))


def _on_paper(axes: Axes, x: float, y: float, text: str) -> Text:
    """Write words over a line, on a white ground that hides it."""
    paper = {"boxstyle": "square,pad=0.15", "fc": "white", "ec": "none"}
    return axes.text(x, y, text, ha="center", va="center", size=9, bbox=paper, zorder=2)


def _parameter(parameter: Value, otherwise: str) -> str:
    """The name of a parameter within its neuron, and its number: `w2 = 0.5`."""
    name = words(parameter.label or "").rpartition(".")[2] or otherwise
    return f"{name} = {number(parameter.data)}"
