"""What all pictures share: colours, names, and a figure that notebooks show."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.figure
from matplotlib.backends.backend_agg import FigureCanvasAgg

from engine.choices import Function, spelled
from engine.outfile import Target

# Okabe and Ito (2008): colours that every kind of eye tells apart. For those who print in grey, a
# dash, a shape or a word says the same.
BLUE, ORANGE, GREEN, GREY, INK = "#0072b2", "#d55e00", "#009e73", "#777777", "#333333"
COLOURS = (BLUE, ORANGE, GREEN, "#cc79a7", "#e69f00", "#56b4e9", "#000000")
DASHED = (0, (4, 2))
# Whatever the session has set, a picture is dark on white, and no text is read as mathematics.
STYLE: dict[Any, Any] = {
    **dict.fromkeys(["text.color", "axes.labelcolor", "axes.titlecolor"], INK),
    **dict.fromkeys(["legend.labelcolor", "xtick.color", "ytick.color"], INK),
    **dict.fromkeys(["figure.facecolor", "axes.facecolor", "legend.facecolor"], "white"),
    **dict.fromkeys(["axes.spines.right", "axes.spines.top", "legend.frameon"], False),
    **dict.fromkeys(["savefig.transparent", "text.parse_math", "text.usetex"], False),
    "axes.edgecolor": "#999999",
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "font.size": 10,
    "savefig.dpi": 160,
    "savefig.facecolor": "auto",
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "gradwalk",  # the same picture gives the same bytes
}
DATES: dict[str, dict[str, None]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
LONGEST = 24  # characters of a name


def styled(function: Function) -> Function:
    """A decorator: the function draws in this style, and tells how its options are spelled."""
    return spelled(matplotlib.rc_context(STYLE)(function))


class Figure(matplotlib.figure.Figure):
    """A matplotlib Figure that shows itself in a notebook. Saved twice, it gives the same bytes.

    It is made without pyplot, so no window opens and no global state changes. IPython shows such
    a figure only because it has `_repr_png_`.
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

    def svg(self) -> bytes:
        """The picture as SVG."""
        buffer = io.BytesIO()
        self.savefig(buffer, format="svg")
        return buffer.getvalue()

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


def words(text: object) -> str:
    r"""A name as one short line that any file format can hold, whatever the name is.

    >>> words("petal length"), words("a" * 30), words("two\nlines\x00")
    ('petal length', 'aaaaaaaaaaaaaaaaaaaaaaa…', 'two lines�')
    """
    line = "".join(c if c.isprintable() else "\ufffd" for c in " ".join(str(text).split()))
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def names(who: str, what: str, given: Sequence[object] | None, wanted: int) -> list[str] | None:
    """Check the names that a user gives for `wanted` things; None where none are given.

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
