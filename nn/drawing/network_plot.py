"""A network as textbooks draw it: columns of circles, and a line for every weight."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from engine.outfile import Target
from nn.drawing import diagram
from nn.drawing.figure import BLUE, GREY, ORANGE, Figure, names, styled
from nn.evaluation.measure import signals
from nn.models import chain
from nn.models.layers import Layer, Neuron
from nn.models.module import Module, evaluating, walk
from nn.models.regularization import BatchNorm, Dropout

Line: TypeAlias = tuple[tuple[tuple[float, float], tuple[float, float]], float]

EMPTY, FILLED = 0.13, 0.23  # radius in inches of a circle without and with a number in it
APART = 2.4  # times the radius, from the middle of a circle to that of the next


@dataclass(frozen=True)
class Column:
    """The units of a layer, or the inputs: what they are and where they stand, in inches.

    Attributes:
        places: the height of each unit that is drawn. That of None is the gap for all others.
    """

    kind: str
    words: str
    x: float
    radius: float
    places: diagram.Heights

    @property
    def heights(self) -> dict[int, float]:
        """The height of each unit that is drawn."""
        return {unit: y for unit, y in self.places.items() if unit is not None}

    @property
    def below(self) -> float:
        """Where the bias stands: a unit below the last."""
        return min(self.places.values()) - APART * self.radius


@styled
def draw_network(
    model: Module,
    x: Any = None,
    *,
    path: Target = None,
    limit: int = 16,
    features: Sequence[object] | None = None,
    classes: Sequence[object] | None = None,
) -> Figure:
    """Draw a model's units in columns, with a line for each weight, the wider the larger it is.

    Biases are the weights of a unit that is always 1, a small box below each column.

    Arguments:
        model: an MLP, a Layer, a Neuron, or a Module that is nothing but these in a row, with
            Dropout and BatchNorm between them. A line of a BatchNorm is what it multiplies by.
        x: a sample. Given, each circle holds the number that its unit has for it.
        path: where to save the picture, as .svg, .png or .pdf.
        limit: how many places a column has; of more units the first and the last are drawn.
        features: the names of the inputs. classes: those of the outputs.

    >>> from nn import MLP
    >>> figure = draw_network(MLP(2, [40, 1], activation="tanh", rng=7), [1.0, -2.0])
    >>> [text.get_text() for text in figure.axes[0].texts if "40" in text.get_text()]
    ['40 tanh']
    """
    who = "draw_network"
    parts = chain.layers(who, model, norms=True)
    widths = chain.widths(parts)
    columns = _columns(parts, _words(model, parts), limit, EMPTY if x is None else FILLED)
    left = names(who, "features", features, widths[0])
    right = names(who, "classes", classes, widths[-1])
    with evaluating(model):
        held = None if x is None else signals(who, model, parts, x)
    figure, axes = diagram.page()
    drawn = _weights(axes, columns, parts)
    _legend(axes, columns, drawn)
    top = max(max(column.places.values()) for column in columns) + columns[0].radius
    for k, column in enumerate(columns):
        _heading(axes, column, top + 0.2)
        _units(axes, column, held[k] if held else None)
    _beside(axes, columns[0], left, -1)
    _beside(axes, columns[-1], right, 1)
    diagram.crop(figure)
    return figure.kept(path)


def _words(model: Module, parts: list[chain.Part]) -> list[str]:
    """What is done to the inputs and by each layer, such as "relu, dropout 0.5"."""
    said, things = [""], [thing for part in chain.row(model) for _, thing in walk(part)]
    for thing in things:
        if isinstance(thing, Dropout):
            said[-1] += f", dropout {thing.p:g}"
        elif isinstance(thing, Layer | Neuron | BatchNorm) and thing in parts:
            norm = "batch norm, " * isinstance(thing, BatchNorm)
            said.append(f" {norm}{thing.activation}".removesuffix(", linear"))
    return said


def _columns(parts: list[chain.Part], said: list[str], limit: int, radius: float) -> list[Column]:
    widths = chain.widths(parts)
    places = [diagram.heights("draw_network", size, limit, APART * radius) for size in widths]
    tallest = APART * radius * max(map(len, places))
    apart = min(max(1.3, 0.45 * tallest), 2.8)  # flatter lines than that are hard to follow
    kinds = ["input", *["hidden"] * (len(parts) - 1), "output"]
    return [
        Column(kind, f"{size}{words}", k * apart, radius, ys)
        for k, (kind, words, size, ys) in enumerate(zip(kinds, said, widths, places, strict=True))
    ]


def _heading(axes: Axes, column: Column, low: float) -> None:
    """What a column is, in bold, and how many units of which activation it has."""
    for text, y, weight in ((column.kind, low + 0.2, "bold"), (column.words, low, "normal")):
        diagram.fitted(axes, column.x, y, text, 1.25, weight=weight)


def _units(axes: Axes, column: Column, held: list[float] | None) -> None:
    """A circle for each unit that is drawn, with the number it holds; dots for the others."""
    look = diagram.LOOKS[column.kind]
    largest = max((abs(h) for h in held or () if math.isfinite(h)), default=0.0)
    for unit, y in column.heights.items():
        inside = ""
        if held is not None:
            inside, look = diagram.brief(held[unit]), {**look, "fc": _tint(held[unit], largest)}
        circle = diagram.circle(axes, (column.x, y), column.radius, inside, size=8.5, **look)
        circle.set_gid(f"{column.kind}-{column.x:g}-{unit}")
    if None in column.places:
        diagram.fitted(axes, column.x, column.places[None], "⋮", 1.0, size=14, zorder=4)


def _tint(number: float, largest: float) -> Any:
    """A colour for a number: blue, or orange below 0; stronger for a larger one."""
    if not math.isfinite(number):
        return "#ffff66"  # nothing else on the page is yellow
    share = 0.45 * abs(number) / largest if largest else 0.0
    colour = to_rgb(BLUE if number >= 0 else ORANGE)
    return tuple(1 - share * (1 - channel) for channel in colour)


def _beside(axes: Axes, column: Column, called: list[str] | None, side: int) -> None:
    """Names on the outer side of a column."""
    x, align = column.x + side * (column.radius + 0.08), "left" if side > 0 else "right"
    if called is None:
        return
    for unit, y in column.heights.items():
        axes.text(x, y, called[unit], ha=align, va="center", size=9)


def _weights(axes: Axes, columns: list[Column], parts: list[chain.Part]) -> list[Line2D]:
    """Draw a line for each weight between units that are drawn; returns what a legend shows."""
    units = [unit for part in parts for unit in chain.neurons(part)]
    sizes = [abs(p.data) for unit in units for p in (*unit.w, unit.b) if p is not None]
    largest = max(filter(math.isfinite, sizes), default=0.0) or 1.0
    found: dict[str, Line2D] = {}
    for before, after, part in zip(columns, columns[1:], parts, strict=False):
        lines = _lines(before, after, chain.neurons(part))
        _bias(axes, before)
        for name, look in diagram.SIGNS.items():
            chosen = [line for line in lines if diagram.sign(line[1]) == name]
            if chosen:
                found[name] = Line2D([], [], lw=2, label=name, **look)
                drawn = _bundle(chosen, largest, **look)
                drawn.set_gid(f"{name.replace(' ', '-')}-{after.x:g}")
                axes.add_collection(drawn)
    legend = [found[name] for name in diagram.SIGNS if name in found]
    legend[0].set_label(f"{legend[0].get_label()} (widest line: {diagram.brief(largest)})")
    return legend


def _lines(before: Column, after: Column, neurons: list[Neuron]) -> list[Line]:
    """The ends of each line between two columns, with its weight; the largest weight comes last."""
    lines: list[Line] = []
    for unit, y in after.heights.items():
        neuron = neurons[unit]
        pairs = [(start, neuron.w[i]) for i, start in before.heights.items()]
        weights = [(start, weight.data) for start, weight in pairs if weight is not None]
        for start, weight in [*weights, (before.below, neuron.b.data)]:
            lines.append((((before.x, start), (after.x, y)), weight))
    return sorted(lines, key=lambda line: abs(line[1]))


def _bundle(lines: list[Line], largest: float, color: str, ls: Any) -> LineCollection:
    """Lines of one colour, each as wide and as strong as its weight is large."""
    shares = [abs(weight) / largest if math.isfinite(weight) else 1.0 for _, weight in lines]
    look: dict[str, Any] = {"linestyles": [ls], "zorder": 1, "clip_on": False}
    look["linewidths"] = [0.4 + 2.4 * share for share in shares]
    look["colors"] = [to_rgba(color, 0.2 + 0.8 * share) for share in shares]
    return LineCollection([ends for ends, _ in lines], **look)


def _bias(axes: Axes, column: Column) -> None:
    """The unit that is always 1, below a column."""
    half = 0.7 * EMPTY
    corner = column.x - half, column.below - half
    box = Rectangle(corner, 2 * half, 2 * half, fc="white", ec=GREY, zorder=3, clip_on=False)
    axes.add_patch(box)
    axes.text(column.x, column.below, "1", ha="center", va="center_baseline", size=7.5, zorder=4)


def _legend(axes: Axes, columns: list[Column], drawn: list[Line2D]) -> None:
    at = columns[-1].x / 2, min(column.below for column in columns) - 0.15
    look: dict[str, Any] = {"loc": "upper center", "bbox_to_anchor": at, "fontsize": 8}
    look |= {"bbox_transform": axes.transData, "ncols": 1 if len(columns) == 2 else len(drawn)}
    axes.legend(handles=drawn, **look)
