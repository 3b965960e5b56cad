"""The picture: how many times faster than each peer, against the number of rows of moons.

It reads on a light page and on a dark one, since its background is clear and its inks are of
middling lightness. The same numbers give the same bytes.
"""

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from tests.benchmarks.harness import Effort, race
from tests.benchmarks.native.layers import contenders_for
from tests.benchmarks.native.networks import MOONS
from tests.benchmarks.systems import CPP, GRADWALK, JAX, TORCH

__all__ = ["Point", "SIZES", "draw", "measure_sizes"]

SIZES = (1, 3, 10, 30, 100, 300, 1000, 3000, 6400)

# Okabe and Ito's colours, which every kind of eye tells apart; the markers say it again.
LOOKS = {TORCH: ("#d55e00", "o"), JAX: ("#0e86ca", "s"), CPP: ("#009e73", "^")}
INK = "#7d828a"  # 3.9 : 1 on white, 4.8 : 1 on the dark of most pages
LINE = 0.065  # of the plot's height, for a line of text
STYLE: dict[str, Any] = {
    "font.size": 11,
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "gradwalk",  # names within the file do not depend on chance
}


@dataclass(frozen=True)
class Point:
    """The ratios at one number of rows, round by round: by how much each peer is slower."""

    rows: int
    ratios: Mapping[str, Sequence[float]]


def measure_sizes(effort: Effort) -> list[Point]:
    points = []
    for count in SIZES:
        result = race(contenders_for(MOONS, count), effort)
        peers = [system for system in result.seconds if system != GRADWALK]
        points.append(Point(count, {s: result.ratios(s, GRADWALK) for s in peers}))
    return points


def draw(points: Sequence[Point], path: Path) -> None:
    """Write the points as SVG: medians, and bands that hold the middle half of the rounds."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 4.0), layout="constrained")
        axes = figure.subplots()
        for peer in points[0].ratios:
            _line(axes, peer, points)
        axes.axhline(1.0, color=INK, linewidth=1, linestyle=(0, (4, 3)))
        axes.set_xscale("log")
        axes.set_yscale("log")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,g}"))
            axis.set_minor_formatter(NullFormatter())
        axes.grid(color=INK, alpha=0.25, linewidth=0.8)
        axes.set_xlabel("rows of moons: loss and 337 gradients of a 2-16-16-1 network")
        axes.set_ylabel("times faster than")
        axes.set_xlim(points[0].rows / 1.2, points[-1].rows * 1.2)
        _name(axes, {peer: median(ratios) for peer, ratios in points[-1].ratios.items()})
        page = io.StringIO()
        metadata = {"Date": None, "Title": "How many times faster than its peers gradwalk is"}
        figure.savefig(page, format="svg", transparent=True, metadata=metadata)
    path.write_text(page.getvalue(), encoding="utf-8", newline="\n")


def _line(axes: Axes, peer: str, points: Sequence[Point]) -> None:
    colour, marker = LOOKS[peer]
    sizes = [p.rows for p in points]
    middle = [median(p.ratios[peer]) for p in points]
    quarters = [quantiles(p.ratios[peer], n=4) for p in points]
    low, high = [q[0] for q in quarters], [q[2] for q in quarters]
    axes.fill_between(sizes, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.plot(sizes, middle, color=colour, marker=marker, linewidth=2)


def _name(axes: Axes, ends: Mapping[str, float]) -> None:
    """Each line's name beside its end; where ends are close, names are moved apart."""
    low, high = (math.log(y) for y in axes.get_ylim())
    height = -1.0
    for peer, end in sorted(ends.items(), key=lambda item: item[1]):
        height = max(height + LINE, (math.log(end) - low) / (high - low))
        axes.text(
            1.02,
            height,
            peer,
            transform=axes.transAxes,
            color=LOOKS[peer][0],
            weight="bold",
            verticalalignment="center",
        )
