"""What units respond to: their weights, or for deeper ones the input that excites them most."""

import math
import random
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from matplotlib.axes import Axes

from engine import Value, dot, gradient
from engine.outfile import Target
from nn.checks import as_list
from nn.drawing.figure import BLUE, ORANGE, Figure, names, styled
from nn.models import chain
from nn.models.layers import Neuron
from nn.models.module import Module

Shape: TypeAlias = tuple[int, int] | None  # height and width of an image

STEPS = 30  # of the search for an exciting input
UNITS = 36  # drawn at most
SHADES = "cividis"  # dark is negative and light positive, in grey as well


@styled
def plot_features(
    model: Module,
    layer: int = 0,
    *,
    shape: Shape = None,
    path: Target = None,
    features: Sequence[object] | None = None,
    seed: int = 0,
) -> Figure:
    """Plot what each unit of a layer responds to, as images where inputs are images, else as bars.

    For the first layer these are the weights. For a deeper one, it is the input of length
    sqrt(n_in) for which the unit's weighted sum is largest. It is found by climbing the gradient
    from a random start, so it is a local maximum, and there may be others.

    Arguments:
        model: an MLP, a Layer, a Neuron, or a Module that is nothing but these in a row.
        layer: which one, counted from 0; -1 is the last.
        shape: height and width of an image. None guesses a square for 16, 25, 36, ... inputs.
        path: where to save the picture, as .svg, .png or .pdf.
        features: the names of the inputs, beside the bars.
        seed: where the climb starts.

    >>> from nn import MLP
    >>> [axes.get_title("left") for axes in plot_features(MLP(3, [2, 1], rng=7)).axes]
    ['unit 0', 'unit 1']
    """
    who = "plot_features"
    parts = chain.layers(who, model)
    if isinstance(layer, bool) or layer not in range(-len(parts), len(parts)):
        expected = f"{who} takes a layer from 0 to {len(parts) - 1} (or -1 for the last)"
        raise ValueError(f"{expected}, got {layer!r:.60}")
    layer %= len(parts)
    n_in = chain.widths(parts)[0]
    called = names(who, "features", features, n_in)
    shape = _shape(who, shape, n_in, called is not None)
    units = chain.neurons(parts[layer])
    rng = random.Random(seed)
    start = _scaled([rng.gauss(0, 1) for _ in range(n_in)], 0.1 * math.sqrt(n_in))
    rows = [
        [w.data for w in unit.w] if layer == 0 else _climb(parts[:layer], unit, start)
        for unit in units[:UNITS]
    ]
    what = "weights" if layer == 0 else "input that excites the unit most"
    figure = _sheet(rows, shape, called)
    several = f" (the first {UNITS} of {len(units)})" if len(units) > UNITS else ""
    figure.suptitle(f"layer {layer}: {what}{several}", x=0.01, ha="left", weight="bold", size=11)
    return figure.kept(path)


def _shape(who: str, shape: Shape, n_in: int, named: bool) -> Shape:
    """The height and width of an image; None where inputs are no image."""
    side = math.isqrt(n_in)
    if shape is None:
        return (side, side) if side * side == n_in >= 16 and not named else None
    if len(shape) != 2 or math.prod(shape) != n_in or min(shape) < 1:
        expected = f"{who} takes a shape (height, width) of {n_in} pixels for {n_in} inputs"
        raise ValueError(f"{expected}, got {shape!r:.60}; leave it out for bars")
    return shape


def _scaled(xs: Sequence[float], length: float) -> list[float]:
    """A vector of this length in the direction of `xs`."""
    norm = math.hypot(*xs)
    return [x * length / norm for x in xs] if norm else list(xs)


def _climb(before: list[chain.Part], unit: Neuron, start: list[float]) -> list[float] | None:
    """The input of length sqrt(n_in) at which a unit's weighted sum is large; None if it is flat.

    The length of a gradient says little about how far its direction holds. So the length of each
    step is set beforehand, and each is shorter than the one before. An input that gets longer than
    sqrt(n_in) is scaled back to that length.
    """
    xs, longest = start, math.sqrt(len(start))
    for step in range(STEPS):
        signal = leaves = [Value(x) for x in xs]
        for part in before:
            signal = as_list(part(signal))
        uphill = gradient(dot(unit.w, signal, unit.b), leaves)
        way = _scaled([g.data for g in uphill], 0.4 * longest * (1 - step / STEPS))
        if not any(way):
            break
        xs = [x + d for x, d in zip(xs, way, strict=True)]
        xs = _scaled(xs, min(math.hypot(*xs), longest))
    return None if xs is start else xs


def _sheet(rows: list[list[float] | None], shape: Shape, called: list[str] | None) -> Figure:
    """A small picture for each unit, all on the same scale."""
    n_in = next((len(row) for row in rows if row), 1)
    largest = max((abs(x) for row in rows for x in row or ()), default=0.0) or 1.0
    wide = min(len(rows), 8 if shape or n_in > 8 else 6)
    high = math.ceil(len(rows) / wide)
    tall = 1.15 if shape else min(max(0.6 + 0.22 * n_in, 1.4), 4.5)
    beside = 1.6 if called or shape else 0.8
    size = max(beside + 1.25 * wide, 4.6), 0.6 + tall * high
    figure = Figure(figsize=size, layout="constrained")
    figures = [figure.add_subplot(high, wide, i + 1) for i in range(len(rows))]
    for i, (axes, row) in enumerate(zip(figures, rows, strict=True)):
        axes.set_title(f"unit {i}" if row else f"unit {i}: silent", size=8.5, pad=3)
        if shape or row is None:
            axes.set(xticks=[], yticks=[])
        if row and shape:
            pixels = np.array(row).reshape(shape)
            image = axes.imshow(pixels, cmap=SHADES, vmin=-largest, vmax=largest)
        elif row:
            _bars(axes, row, largest, called, i % wide == 0)
    if shape and any(rows):
        figure.colorbar(image, ax=figures, shrink=0.8, format="{x:.3g}")
    return figure


def _bars(axes: Axes, row: list[float], most: float, called: list[str] | None, first: bool) -> None:
    """A bar for each input, from the top; positive ones to the right."""
    places = range(len(row))
    axes.barh(places, row, color=[BLUE if x >= 0 else ORANGE for x in row])
    axes.axvline(0, color="#999999", lw=0.8)
    axes.set(xlim=(-1.08 * most, 1.08 * most), ylim=(len(row) - 0.4, -0.6))
    axes.tick_params(labelsize=8)
    axes.locator_params(axis="x", nbins=3)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.locator_params(axis="y", integer=True)
    if len(row) <= 20 or called:
        axes.set_yticks(places, called or [f"x{i}" for i in places])
    if not first:
        axes.tick_params(labelleft=False)
