"""What the diagrams of a network and of a neuron share: a page, circles, and signs of weights."""

import math
from typing import Any, TypeAlias

from matplotlib.axes import Axes
from matplotlib.patches import Circle
from matplotlib.text import Text

from engine.drawing.style import KINDS
from engine.wording.names import number
from nn.checks import count
from nn.drawing.figure import BLUE, DASHED, ORANGE, Figure

Heights: TypeAlias = dict[int | None, float]

TINY = 0.01  # inches: as a page begins, before it is known how much will be drawn

# Units look like nodes in pictures of graphs: inputs like inputs, hidden ones like operations.
LOOKS = {
    unit: {"ec": KINDS[kind]["color"], "fc": KINDS[kind]["fillcolor"]}
    for unit, kind in {"input": "input", "hidden": "operation", "output": "output"}.items()
}
SIGNS: dict[str, dict[str, Any]] = {
    "positive weight": {"color": BLUE, "ls": "-"},
    "negative weight": {"color": ORANGE, "ls": DASHED},
    "not a finite weight": {"color": "#000000", "ls": ":"},
}


def heights(who: str, size: int, limit: Any, step: float) -> Heights:
    """The units of a column with their heights around 0; None is the gap where some are left out.

    >>> heights("draw_network", 3, 8, 1.0), heights("draw_network", 9, 3, 2.0)
    ({0: 1.0, 1: 0.0, 2: -1.0}, {0: 2.0, None: 0.0, 8: -2.0})
    """
    if count(who, "limit", limit) < 3:
        raise ValueError(f"{who} takes a limit from 3 up (a first, a gap, a last), got {limit}")
    units: list[int | None] = [*range(size)]
    if size > limit:
        first = limit // 2
        units[first : size - (limit - 1 - first)] = [None]
    return {unit: step * ((len(units) - 1) / 2 - place) for place, unit in enumerate(units)}


def page() -> tuple[Figure, Axes]:
    """An empty page on which one unit is one inch; `crop` makes it as large as what is on it."""
    figure = Figure(figsize=(TINY, TINY))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, TINY), ylim=(0, TINY))
    axes.set_axis_off()
    return figure, axes


def crop(figure: Figure, margin: float = 0.15) -> None:
    """Make the page as large as what was drawn on it, texts and all."""
    drawn = figure.get_tightbbox().padded(margin)
    figure.set_size_inches(drawn.size)
    figure.axes[0].set(xlim=drawn.intervalx, ylim=drawn.intervaly)


def circle(axes: Axes, at: tuple[float, float], radius: float, inside: str, **look: Any) -> Circle:
    """Draw a circle around a text, which is made to fit into it."""
    size = look.pop("size", 9)
    drawn = Circle(at, radius, lw=1.2, zorder=3, clip_on=False, **look)
    axes.add_patch(drawn)
    if inside:
        fitted(axes, *at, inside, 1.7 * radius, size=size, zorder=4)
    return drawn


def fitted(axes: Axes, x: float, y: float, text: str, width: float, **look: Any) -> Text:
    """Write a text around a point, smaller where it would be wider than `width` inches."""
    look = {"ha": "center", "va": "center", "size": 9, **look}
    label = axes.text(x, y, text, **look)
    label.set_fontsize(look["size"] * min(1.0, width / max(breadth(label), 1e-9)))
    return label


def breadth(label: Text) -> float:
    """How wide a text is, in inches."""
    figure = label.get_figure()
    return label.get_window_extent().width / figure.dpi if figure else 0.0


def brief(x: float) -> str:
    """A number in about five characters, for the inside of a circle.

    >>> [brief(x) for x in (1.0, -0.25, 2 / 3, 0.39999, 12.345678, -1e-9)]
    ['1', '-0.25', '0.67', '0.40', '12.35', '-1e-09']
    """
    exact, rounded = number(x), f"{x:#.2g}".removesuffix(".")
    return exact if len(exact) <= max(5, len(rounded)) else rounded


def sign(weight: float) -> str:
    """Which of SIGNS a weight is.

    >>> sign(0.5), sign(-0.5), sign(float("nan"))
    ('positive weight', 'negative weight', 'not a finite weight')
    """
    positive, negative, neither = SIGNS
    return neither if not math.isfinite(weight) else positive if weight >= 0 else negative
