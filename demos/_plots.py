"""The stories' pictures: the regions that a model divides a plane into, curves, and images.

Figures are made without pyplot, so that no window system and no global state is touched.
"""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from demos._common import Data, Row
from engine.stepping import Report
from nn.drawing.figure import COLOURS as colours
from nn.drawing.figure import INK, STYLE, Figure

__all__ = [
    "Panel",
    "plot_attention",
    "plot_cure",
    "plot_curves",
    "plot_images",
    "plot_ladder",
    "plot_points",
    "plot_regions",
]

COLOURS = colours[:3]
MARKERS = ("o", "s", "^")  # the shapes say what the colours say
LABEL: dict[str, Any] = {
    "weight": "bold",
    "horizontalalignment": "center",
    "verticalalignment": "center",
    "path_effects": [withStroke(linewidth=3, foreground="white")],
}
KEY = "small: learnt from     with a white edge: held out     ringed: held out and wrong"
LINES: list[dict[str, Any]] = [
    {"color": colour, "ls": dash}
    for colour, dash in zip((*COLOURS, INK), ("-", "--", "-.", ":"), strict=True)
]
SIGNED = LinearSegmentedColormap.from_list("signed", (COLOURS[1], "white", COLOURS[0]))
SHARES = LinearSegmentedColormap.from_list("shares", ("#eef3f7", COLOURS[0]))
GRID = 60  # cells a side for the regions


@dataclass(frozen=True)
class Panel:
    """One plane to divide: data of two features, and the classes' probabilities at some points.

    `wrong` tells which of the held-out samples the model gets wrong.
    """

    title: str
    train: Data
    test: Data
    probabilities: Callable[[Sequence[Row]], Any]
    wrong: Sequence[bool]


def plot_regions(path: Path, title: str, panels: Sequence[Panel], key: str = KEY) -> None:
    """Save planes coloured by the model's opinion, side by side, with the samples on top."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(0.6 + 5.4 * len(panels), 5.2), layout="constrained")
        figure.suptitle(title, x=0.01, horizontalalignment="left", fontsize=12, weight="bold")
        every = figure.subplots(1, len(panels), squeeze=False)[0]
        for axes, panel in zip(every, panels, strict=True):
            _draw_panel(axes, panel)
        figure.supxlabel(key, fontsize=8.5, color="#666666")
        figure.savefig(path)


def plot_curves(
    path: Path,
    title: str,
    curves: Mapping[str, Sequence[float]],
    across: str,
    up: str,
    log: bool = False,
) -> None:
    """Save one curve for each name, counted from 1; colours and dashes both tell them apart."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 3.8), layout="constrained")
        axes = figure.add_subplot()
        for (name, ys), look in zip(curves.items(), LINES, strict=False):
            axes.plot(range(1, len(ys) + 1), ys, label=name, lw=1.8, **look)
        axes.set(title=title, xlabel=across, ylabel=up)
        if log:
            _log(axes)
        axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
        axes.legend(frameon=False)
        figure.savefig(path)


def plot_cure(
    title: str, curves: Mapping[str, Sequence[float]], report: Report, most: int = 2
) -> Figure:
    """A slide: the curves of a training before and after, and the first causes of a report."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(10.4, 5.2))
        figure.text(0.035, 0.925, title, fontsize=17, weight="bold")
        axes = figure.add_axes((0.085, 0.115, 0.36, 0.72))
        for (name, ys), look in zip(curves.items(), (LINES[1], LINES[0]), strict=True):
            axes.plot(range(1, len(ys) + 1), ys, label=name, lw=2.2, **look)
        axes.set(xlabel="epoch", ylabel="loss (log scale)")
        _log(axes)
        axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
        axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=2, borderaxespad=0.2)
        y = 0.80
        for i, cause in enumerate(report.causes[:most], 1):
            for name, text in {f"{i}.": cause.head, **cause.parts}.items():
                head: dict[str, Any] = {"weight": "bold"} if name[-1] == "." else {}
                figure.text(0.485, y, name, color="#666666", va="top", fontsize=12, **head)
                for line in textwrap.wrap(text, 42 if head else 46):
                    figure.text(0.54, y, line, va="top", fontsize=12, **head)
                    y -= 0.045
                y -= 0.018
            y -= 0.03
        return figure


def plot_attention(path: Path, title: str, letters: str, heads: Sequence[Any]) -> None:
    """Save a triangle for each head: in the row of each letter, how it reads those up to itself."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(0.3 + 2.6 * len(heads), 3.2), layout="constrained")
        figure.suptitle(title, x=0.01, horizontalalignment="left", fontsize=12, weight="bold")
        places = range(len(letters))
        for k, (axes, rows) in enumerate(zip(figure.subplots(1, len(heads)), heads, strict=True)):
            for i, shares in enumerate(rows):
                look = {"cmap": SHARES, "vmin": 0, "vmax": 1, "edgecolors": "white"}
                axes.pcolormesh([*range(i + 2)], [i, i + 1], [shares], **look)
            axes.set(aspect="equal", title=f"head {k + 1}", ylim=(len(letters), 0))
            axes.set_xticks([i + 0.5 for i in places], letters)
            axes.set_yticks([i + 0.5 for i in places], letters)
            axes.tick_params(length=0)
            axes.spines[:].set_visible(False)
        figure.savefig(path)


def plot_images(path: Path, title: str, rows: Mapping[str, Any], words: Any = None) -> None:
    """Save images in rows, each row with its name on the left; `words[name][i]` stands above one.

    Numbers below 0 are drawn in orange and those above in blue, each image on its own scale.
    """
    wide = max(len(images) for images in rows.values())
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(1.4 + 0.95 * wide, 0.5 + 1.2 * len(rows)), layout="constrained")
        figure.suptitle(title, x=0.01, horizontalalignment="left", fontsize=12, weight="bold")
        grid = figure.subplots(len(rows), wide, squeeze=False)
        for line, (name, images) in zip(grid, rows.items(), strict=True):
            for i, axes in enumerate(line):
                axes.set(xticks=[], yticks=[])
                axes.spines[:].set_visible(True)
                if i >= len(images):
                    axes.axis("off")
                    continue
                largest = abs(np.asarray(images[i])).max() or 1.0
                axes.imshow(images[i], cmap=SIGNED, vmin=-largest, vmax=largest)
                if words:
                    axes.set_title(words[name][i], fontsize=8.5, pad=3)
            line[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
        figure.savefig(path)


def plot_points(path: Path, title: str, points: Any, words: Sequence[str]) -> None:
    """Save words at their places in a plane whose axes mean nothing; vowels stand out."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(5.2, 5.2), layout="constrained")
        axes = figure.add_subplot()
        axes.scatter(points[:, 0], points[:, 1], s=0)
        for (x, y), word in zip(points.tolist(), words, strict=True):
            look: Any = (
                {"color": COLOURS[1], "weight": "bold"} if word in "aeiou" else {"color": INK}
            )
            axes.text(x, y, word, ha="center", va="center", fontsize=13, **look)
        axes.set(title=title, xticks=[], yticks=[])
        figure.savefig(path)


def plot_ladder(
    path: Path,
    title: str,
    rungs: Sequence[str],
    trained: Sequence[Sequence[float]],
    untrained: Sequence[Sequence[float]],
) -> None:
    """Save the shares of several runs on each rung. Untrained layers stand on the last ones."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 4.2), layout="constrained")
        axes = figure.add_subplot()
        for runs, name, look in (
            (trained, "trained", LINES[0]),
            (untrained, "the same layers before training", LINES[1]),
        ):
            places = range(len(rungs) - len(runs), len(rungs))
            axes.plot(places, [100 * np.mean(run) for run in runs], label=name, **look)
            for place, run in zip(places, runs, strict=True):
                dots = [100 * share for share in run]
                axes.scatter([place] * len(run), dots, s=14, alpha=0.6, color=look["color"])
        axes.set_xticks(range(len(rungs)), rungs)
        axes.set(title=title, ylabel="test accuracy (%); a point for each run")
        axes.legend(frameon=False)
        figure.savefig(path)


def _log(axes: Axes) -> None:
    """A logarithmic scale upwards, with plain numbers."""
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("")


def _draw_panel(axes: Axes, panel: Panel) -> None:
    points = np.array(panel.train.xs + panel.test.xs)
    margin = 0.12 * np.ptp(points, axis=0)
    low, high = points.min(axis=0) - margin, points.max(axis=0) + margin
    opinion = _draw_regions(axes, panel, low, high)
    _draw_samples(axes, panel)
    for k, name in enumerate(panel.train.classes):
        region = opinion.argmax(axis=2) == k
        if region.any():
            x, y = _blank_place(region, (points - low) / (high - low))
            axes.text(x, y, name, color=COLOURS[k], transform=axes.transAxes, **LABEL)
    across, up = panel.train.features
    axes.set(xlabel=across, ylabel=up, title=panel.title)
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))


def _draw_regions(axes: Axes, panel: Panel, low: Any, high: Any) -> Any:
    """Mix the classes' colours by their probabilities, which are returned; draw the borders."""
    across, up = (np.linspace(low[i], high[i], GRID).tolist() for i in (0, 1))
    opinion = np.array(panel.probabilities([(x, y) for y in up for x in across]))
    kinds = opinion.shape[1]
    opinion = opinion.reshape(GRID, GRID, kinds)
    ink = np.array([matplotlib.colors.to_rgb(colour) for colour in COLOURS[:kinds]])
    axes.imshow(
        1 - 0.32 * (1 - opinion @ ink),
        origin="lower",
        extent=(low[0], high[0], low[1], high[1]),
        aspect="auto",
        interpolation="bilinear",
    )
    certainty = np.log(np.maximum(opinion, 1e-300))  # as even as the scores: smooth borders
    for k in range(kinds):
        lead = certainty[:, :, k] - np.delete(certainty, k, axis=2).max(axis=2)
        if lead.min() < 0 < lead.max():
            axes.contour(across, up, lead, levels=[0], colors=INK, linewidths=0.8)
    return opinion


def _draw_samples(axes: Axes, panel: Panel) -> None:
    """Small pale marks for samples learnt from, full ones for those held out, rings for errors."""
    for data, size, alpha, edge in (
        (panel.train, 16, 0.55, "none"),
        (panel.test, 34, 1.0, "white"),
    ):
        for k, (colour, marker) in enumerate(zip(COLOURS, MARKERS, strict=True)):
            chosen = [x for x, y in zip(data.xs, data.ys, strict=True) if y == k]
            look: dict[str, Any] = {"c": colour, "marker": marker, "edgecolors": edge}
            axes.scatter(*_columns(chosen), s=size, alpha=alpha, linewidths=0.8, **look)
    missed = [x for x, bad in zip(panel.test.xs, panel.wrong, strict=True) if bad]
    axes.scatter(*_columns(missed), s=130, c="none", edgecolors="black", linewidths=1.4)


def _columns(rows: Sequence[Sequence[float]]) -> tuple[list[float], list[float]]:
    return [row[0] for row in rows], [row[1] for row in rows]


def _blank_place(region: Any, points: Any) -> Any:
    """The place in a region, in shares of the axes, that is farthest from samples and borders.

    Text is wide and low, so a distance to the side counts for less than one upwards.
    """
    ticks = np.linspace(0, 1, GRID)
    cells = np.stack(np.meshgrid(ticks, ticks), axis=-1)
    inside = cells[region][::5]  # a fifth of the places is choice enough
    frame = [(x, y) for x in ticks for y in (0, 1)] + [(x, y) for y in ticks for x in (0, 1)]
    taken = np.concatenate([points, cells[~region], frame])
    distance = np.abs((inside[:, None, :] - taken[None, :, :]) * (0.35, 1.0)).max(axis=2)
    return inside[distance.min(axis=1).argmax()]
