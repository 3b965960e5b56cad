"""The plane of two features, coloured by what a model answers there."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, to_rgb
from matplotlib.ticker import MaxNLocator

from engine.outfile import Target
from nn.checks import flat
from nn.drawing.figure import COLOURS, INK, Figure, names, styled
from nn.evaluation import plane
from nn.evaluation.measure import predict
from nn.evaluation.samples import pair_up
from nn.models.module import Module

CELLS = 60  # to a side: each is one answer of the model
MARKERS = "os^DvPXp*"  # with 7 colours, 63 classes all look different
SHADES = "cividis"  # from dark to light in print as well


@styled
def plot_decision(
    model: Module,
    xs: Iterable[Any],
    ys: Iterable[Any],
    *,
    path: Target = None,
    features: Sequence[object] | None = None,
    classes: Sequence[object] | None = None,
) -> Figure:
    """Plot the regions that a model divides the plane of two features into, with samples on top.

    Several outputs are the scores of so many classes. The largest wins, and colours are mixed in
    the shares that softmax gives. A single output with two kinds of targets (0 and 1, or -1 and +1)
    means yes above 0, or above 0.5 after a sigmoid. A single output with other targets is a
    regression, drawn as contours. Rings mark the samples that the model gets wrong.

    Arguments:
        model: a Module that takes two numbers.
        xs, ys: samples and targets, as for `accuracy`.
        path: where to save the picture, as .svg, .png or .pdf.
        features: names of the two inputs. classes: names of the classes.

    >>> from nn import MLP
    >>> xs, ys = [(0, 0), (0, 1), (1, 0), (1, 1)], [0, 1, 1, 0]
    >>> figure = plot_decision(MLP(2, [3, 1], activation="tanh", rng=7), xs, ys)
    >>> figure.axes[0].get_xlabel()
    'x0'
    """
    who = "plot_decision"
    points, targets = _rows(who, xs, ys)
    across = names(who, "features", features, 2) or ["x0", "x1"]
    low, high = plane.window(points.tolist())
    ticks = [np.linspace(low[i], high[i], CELLS) for i in (0, 1)]
    figure = Figure(figsize=(6.2, 4.8), layout="constrained")
    axes = figure.add_subplot()
    cells = [(x, y) for y in ticks[1].tolist() for x in ticks[0].tolist()]
    outputs = np.array([flat(y) for y in predict(model, [*cells, *points.tolist()])])
    kinds, numbers = plane.classes(who, outputs.shape[1], targets)
    truth = np.array(numbers)
    if kinds:
        called = names(who, "classes", classes, kinds) or [f"class {k}" for k in range(kinds)]
        last = plane.last_activation(model)
        sure = np.array([plane.shares(out, last) for out in outputs.tolist()])
        found = sure[len(cells) :].argmax(axis=1)
        _regions(axes, ticks, sure[: len(cells)].reshape(CELLS, CELLS, kinds))
        _samples(axes, points, truth, found, called)
        figure.legend(loc="outside right upper")
        right = int((truth == found).sum())
        axes.set_title(f"{right} of {len(points)} right ({right / len(points):.1%})")
    else:
        heights = outputs[: len(cells)].reshape(CELLS, CELLS)
        _contours(axes, ticks, heights, points, truth)
    axes.set(xlabel=across[0], ylabel=across[1], xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    return figure.kept(path)


def _rows(who: str, xs: Iterable[Any], ys: Iterable[Any]) -> tuple[Any, list[Any]]:
    """Samples as an array of two columns, and their targets; ValueError for any other sample."""
    rows = pair_up(who, xs, ys)
    points = [plane.row(x) for x in rows.xs]
    for i, point in enumerate(points):
        if not plane.in_plane(point):
            got = f"{len(point)} features" if len(point) != 2 else f"{tuple(point)}"
            fault = f"{who} draws a plane, so a sample is two finite numbers; sample {i} has {got}"
            remedy = "For a model of more inputs, give a Module that takes two and fixes the others"
            raise ValueError(f"{fault}. {remedy}")
    return np.array(points), [*rows.ys]


def _regions(axes: Axes, ticks: list[Any], sure: Any) -> None:
    """Mix the classes' colours by their shares, and draw the borders."""
    kinds = sure.shape[-1]
    scores = np.log(np.maximum(sure, 1e-300))  # more even than shares: smooth borders
    ink = np.array([to_rgb(COLOURS[k % len(COLOURS)]) for k in range(kinds)])
    x, y = ticks
    look: dict[str, Any] = {"origin": "lower", "aspect": "auto", "interpolation": "bilinear"}
    axes.imshow(1 - 0.32 * (1 - sure @ ink), extent=(x[0], x[-1], y[0], y[-1]), **look)
    for k in range(kinds - 1):  # each border of the last class is one of another class
        lead = scores[:, :, k] - np.delete(scores, k, axis=2).max(axis=2)
        if lead.min() < 0 < lead.max():
            axes.contour(x, y, lead, levels=[0], colors=INK, linewidths=1)


def _samples(axes: Axes, points: Any, truth: Any, found: Any, called: list[str]) -> None:
    """A mark for each sample in its class's colour and shape, and rings around the wrong ones."""
    look: dict[str, Any] = {"s": 34, "edgecolors": "white", "linewidths": 0.8, "zorder": 3}
    for k, name in enumerate(called):
        look |= {"color": COLOURS[k % len(COLOURS)], "marker": MARKERS[k % len(MARKERS)]}
        x, y = points[truth == k].T
        axes.scatter(x, y, label=name, **look)
    wrong = points[truth != found]
    if len(wrong):
        ring: dict[str, Any] = {"facecolors": "none", "edgecolors": "black", "linewidths": 1.3}
        x, y = wrong.T
        axes.scatter(x, y, s=120, zorder=4, label="wrong", **ring)


def _contours(axes: Axes, ticks: list[Any], field: Any, points: Any, targets: Any) -> None:
    """The height of the output, and the samples filled with their targets on the same scale."""
    low, high = (float(end([*field.flat, *targets])) for end in (min, max))
    if low == high:  # a scale needs two ends
        low, high = low - 0.5, high + 0.5
    levels = MaxNLocator(12).tick_values(low, high)
    scale = Normalize(levels[0], levels[-1])
    hills = axes.contourf(*ticks, field, levels=levels, cmap=SHADES, norm=scale)
    axes.contour(*ticks, field, levels=levels, colors="white", linewidths=0.5, linestyles="solid")
    look: dict[str, Any] = {"cmap": SHADES, "norm": scale, "edgecolors": "white", "s": 44}
    x, y = points.T
    axes.scatter(x, y, c=targets, linewidths=1, zorder=3, **look)
    axes.figure.colorbar(hills, ax=axes, label="output (circles: targets)", format="{x:g}")
    axes.set_title("what the model answers")
