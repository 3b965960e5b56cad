"""The picture: speed-up against the number of workers, measured up to two and on paper beyond."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from tests.benchmarks.native.plot import INK, STYLE
from tests.benchmarks.scaling.measure import Point
from tests.benchmarks.scaling.model import Costs

__all__ = ["draw"]

COLOURS = ("#d55e00", "#0e86ca", "#009e73", "#b8860b")
ROWS = {10_000: "10,000 rows", 100_000: "100,000", 1_000_000: "1 million", 10_000_000: "10 million"}
MOST = 1_000


def draw(points: Sequence[Point], costs: Mapping[str, Costs], network: float, path: Path) -> None:
    """Write it as SVG: processes of one machine on the left, Dask across a network on the right."""
    panels = {
        "processes, a core for each": ("processes", costs["processes"]),
        "Dask across 10 Gbit/s": ("Dask", costs["Dask"].over(network)),
    }
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.0, 4.2), layout="constrained")
        both = figure.subplots(1, 2, sharey=True)
        mine = [p for p in points if p.network == points[-1].network]
        for axes, (title, (kind, cost)) in zip(both, panels.items(), strict=True):
            _panel(axes, kind, cost, mine)
            axes.set_title(title, fontsize=11)
            axes.set_xlabel("workers")
        both[0].set_ylabel(f"times faster than alone ({mine[0].network})")
        page = io.StringIO()
        metadata = {"Date": None, "Title": "What many workers gain, measured and on paper"}
        figure.get_layout_engine().set(w_pad=0.15)
        figure.savefig(page, format="svg", transparent=True, metadata=metadata)
    path.write_text(page.getvalue(), encoding="utf-8", newline="\n")


def _panel(axes: Any, kind: str, cost: Costs, points: Sequence[Point]) -> None:
    workers = np.geomspace(1, MOST, 200)
    last = max(points, key=lambda p: p.rows)
    axes.plot(workers, workers, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.text(600, 700, "ideal", color=INK, fontsize=9, ha="right")
    for colour, (rows, name) in zip(COLOURS, ROWS.items(), strict=True):
        alone = rows * last.alone / last.rows
        gains = [alone / cost.seconds(alone, last.parameters, w) for w in workers]
        axes.plot(workers, gains, color=colour, linewidth=2)
        peak = int(np.argmax(gains))
        axes.text(workers[peak], gains[peak] * 1.15, name, color=colour, fontsize=9, weight="bold")
    measured = [(p.workers, p.alone / p.shared) for p in points if p.kind == kind]
    axes.plot(*zip(*measured, strict=True), "o", color=INK, markersize=4)
    sizes = [p.rows for p in points]
    words = f"dots: measured, {min(sizes):,} to {max(sizes):,} rows"
    axes.text(1, 0.065, words, color=INK, fontsize=9)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(0.9, MOST * 1.1)
    axes.set_ylim(0.05, MOST)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,g}"))
        axis.set_minor_formatter(NullFormatter())
    axes.grid(color=INK, alpha=0.25, linewidth=0.8)
