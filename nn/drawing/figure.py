"""What all pictures share: colours, a figure that notebooks show, words, and a page to draw on."""

import io
import math
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import matplotlib
import matplotlib.figure
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from engine.wording.numbers import number
from nn.checks import count

__all__ = [
    "Figure",
    "Target",
    "breadth",
    "brief",
    "crop",
    "fitted",
    "names",
    "page",
    "places",
    "sign",
    "styled",
    "words",
]

Target: TypeAlias = str | PathLike[str] | None

# Okabe and Ito (2008): colours that every kind of eye tells apart. What they say is always said
# again by a dash, a shape or a word, for those who print in grey.
BLUE, ORANGE, GREEN, GREY, INK = "#0072b2", "#d55e00", "#009e73", "#777777", "#333333"
COLOURS = (BLUE, ORANGE, GREEN, "#cc79a7", "#e69f00", "#56b4e9", "#000000")
DASHED = (0, (4, 2))
# border and filling by kind of unit, as in pictures of graphs
LOOKS = {
    "input": ("#b36b00", "#fdecd2"),
    "hidden": ("#0072b2", "#e3f0fa"),
    "output": ("#00694d", "#cdeee1"),
}
SIGNS: dict[str, tuple[str, Any]] = {
    "positive weight": (BLUE, "-"),
    "negative weight": (ORANGE, DASHED),
    "not a finite weight": ("#000000", ":"),
}
# Whatever the session has set: a picture is dark on white, and its words are never mathematics.
STYLE: dict[Any, Any] = {
    "axes.edgecolor": "#999999",
    "axes.facecolor": "white",
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "figure.facecolor": "white",
    "font.size": 10,
    "legend.facecolor": "white",
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "savefig.dpi": 160,
    "savefig.facecolor": "auto",
    "savefig.transparent": False,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "gradwalk",  # the same picture gives the same bytes
    "text.color": INK,
    "text.parse_math": False,
    "text.usetex": False,
    "xtick.color": INK,
    "ytick.color": INK,
}
DATES: dict[str, dict[str, None]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
LONGEST = 24  # characters of a name

styled = matplotlib.rc_context(STYLE)  # a decorator: the function draws in this style


class Figure(matplotlib.figure.Figure):
    """A matplotlib Figure that shows itself in a notebook and is saved with the same bytes.

    It is made without pyplot, so no window opens and no global state is touched; IPython shows
    such a figure only where it says how.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        FigureCanvasAgg(self)  # can measure text

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """The picture at twice the resolution of the page it is shown on, for sharp screens."""
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=2 * 96)
        width, height = (round(96 * inches) for inches in self.get_size_inches())
        return buffer.getvalue(), {"width": width, "height": height}

    def savefig(self, fname: Any, *, transparent: bool | None = None, **kwargs: Any) -> None:
        """Save as matplotlib does; text in SVG stays text, and no date is written."""
        kind = kwargs.get("format") or Path(str(fname)).suffix[1:]
        kwargs.setdefault("metadata", DATES.get(str(kind).lower()))
        with matplotlib.rc_context(STYLE):
            super().savefig(fname, transparent=transparent, **kwargs)

    def kept(self, path: Target) -> "Figure":
        """This figure, saved where there is a path to save it to."""
        if path is not None:
            self.savefig(path)
        return self


def places(who: str, size: int, limit: Any) -> list[int | None]:
    """What stands at each place of a column: a unit, or None for the gap where units are left out.

    >>> places("draw_network", 3, 8), places("draw_network", 9, 4)
    ([0, 1, 2], [0, 1, None, 8])
    """
    if count(who, "limit", limit) < 3:
        raise ValueError(f"{who} takes a limit from 3 up (a first, a gap, a last), got {limit}")
    first = limit // 2
    if size <= limit:
        return list(range(size))
    return [*range(first), None, *range(size - (limit - 1 - first), size)]


def page() -> tuple[Figure, Axes]:
    """An empty page on which one unit is one inch; `crop` makes it as large as what is on it."""
    figure = Figure(figsize=(1, 1))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    return figure, axes


def crop(figure: Figure, margin: float = 0.15) -> None:
    """Cut the page to what was drawn on it, texts and all."""
    axes = figure.axes[0]
    drawn: list[Any] = [*axes.patches, *axes.texts, *axes.child_axes]  # lines end in patches
    legend = axes.get_legend()
    boxes = [artist.get_tightbbox() for artist in [*drawn, legend] if artist is not None]
    extent = axes.transData.inverted().transform(
        Bbox.union([box for box in boxes if box.width > 0])
    )
    (left, bottom), (right, top) = extent
    figure.set_size_inches(right - left + 2 * margin, top - bottom + 2 * margin)
    axes.set(xlim=(left - margin, right + margin), ylim=(bottom - margin, top + margin))


def fitted(axes: Axes, x: float, y: float, text: str, width: float, **look: Any) -> Text:
    """Write a text around a point, smaller where it would be wider than so many inches."""
    look = {"ha": "center", "va": "center", "size": 9, **look}
    label = axes.text(x, y, text, **look)
    label.set_fontsize(look["size"] * min(1.0, width / max(breadth(label), 1e-9)))
    return label


def breadth(label: Text) -> float:
    """How wide a text is, in inches."""
    figure = label.get_figure(root=True)
    return label.get_window_extent().width / figure.dpi if figure else 0.0


def words(text: object) -> str:
    r"""A name as one short line that any file format can hold, whatever the name is.

    >>> words("petal length"), words("a" * 30), words("two\nlines\x00")
    ('petal length', 'aaaaaaaaaaaaaaaaaaaaaaa…', 'two lines�')
    """
    line = "".join(c if c.isprintable() else "\ufffd" for c in " ".join(str(text).split()))
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


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


def names(who: str, what: str, given: Sequence[object] | None, wanted: int) -> list[str] | None:
    """Names for so many things, or None where none are given.

    >>> names("plot_decision", "features", ["height"], 2)
    Traceback (most recent call last):
    ValueError: plot_decision takes 2 features, got 1: height; name each one once
    """
    if given is None:
        return None
    if isinstance(given, str) or not hasattr(given, "__iter__"):
        raise TypeError(f"{who} takes {what} as a list of {wanted} names, got {given!r:.60}")
    listed = [words(name) for name in given]
    if len(listed) != wanted:
        found = f"{len(listed)}: {', '.join(listed[:6])}"
        raise ValueError(f"{who} takes {wanted} {what}, got {found}; name each one once")
    return listed
