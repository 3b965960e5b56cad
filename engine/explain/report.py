"""What the doctor found: causes, from the most to the least likely."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from engine.core.value import Value
from engine.explain.hunt import Finding
from engine.source.origin import Place
from engine.source.text import listed
from engine.wording.names import number, safe
from engine.wording.terminal import columns, printable, wrapped

__all__ = ["Cause", "Layer", "Report"]
NOT_TRIED = "nothing was tried: a loop of one's own cannot be run in a copy"
LEFT = 'style="text-align: left; vertical-align: top"'


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a training does not learn, or not well.

    Attributes:
        name: of the row in the table of causes, like "lr_too_high".
        title: what is wrong. seen: the symptoms. do: the remedy.
        weight: how strongly the symptoms suggest it, from 0 to 1.
        place: the line of the user's code, if there is one.
        values: the Values that it is about, if there are some.
        tried: what the remedy did in a copy; None where it was not tried.
        gain: by how much the score of rows held out rose in the copy; None where it was not tried.
        verified: whether it rose by more than chance; None where it was not tried.
    """

    name: str
    title: str
    seen: str
    do: str
    weight: float
    place: Place | None = None
    values: tuple[Value, ...] = ()
    tried: str | None = None
    gain: float | None = None
    verified: bool | None = None

    @property
    def head(self) -> str:
        """What is wrong, and where."""
        said = self.place is None or str(self.place) in self.title
        return self.title if said else f"{self.title} at {self.place}"

    @property
    def parts(self) -> dict[str, str]:
        """What else a user reads, by what it is called."""
        every = {"seen": self.seen, "tried": self.tried, "do": self.do}
        return {name: text for name, text in every.items() if text}


def cause(
    title: str,
    seen: str,
    do: str,
    weight: float,
    place: Place | None = None,
    values: Sequence[Value] = (),
    name: str = "",
) -> Cause:
    """A cause; its name is that of its row, unless one is given."""
    return Cause(name, title, seen, do, weight, place, tuple(values))


def names(found: Sequence[str]) -> str:
    """The first few names, as a terminal can show them."""
    return listed([*map(safe, found)])


@dataclass(frozen=True, slots=True)
class Layer:
    """The gradients of a layer: root mean square, largest, and how many are 0 or not finite.

    A layer is called by the path of `named_parameters()`, such as `layers.0`. Without a model it
    goes by labels such as `L0.N3.w2`, or is what one line of source made.
    """

    name: str
    parameters: tuple[Value, ...]
    rms: float
    largest: float
    zeros: int
    nonfinite: int


@dataclass(frozen=True, slots=True, repr=False)
class Report:
    """What `diagnose` found, to be printed. It is true if anything was found.

    Attributes:
        causes: from the most to the least likely.
        looked: what was looked at, and what was tried without success.
        seconds: that it took.
        layers: the gradients by layer, from the input to the output, where a loss was given.
        finding: the first operation or edge that made a number that is not finite; see `hunt`.
        values: how many values were looked at.
    """

    causes: tuple[Cause, ...]
    looked: tuple[str, ...] = ()
    seconds: float = 0.0
    layers: tuple[Layer, ...] = ()
    finding: Finding | None = None
    values: int = 0

    def of(self, name: str) -> list[Cause]:
        """The causes of that name.

        >>> from engine.stepping import diagnose
        >>> w, lost = Value(0.5, "w"), Value(1.0, "lost")
        >>> diagnose(w.tanh(), [w, lost]).of("unreached")[0].values == (lost,)
        True
        """
        return [cause for cause in self.causes if cause.name == name]

    def __bool__(self) -> bool:
        return bool(self.causes)

    def __str__(self) -> str:
        lines = [] if self.causes else ["nothing found"]
        for i, cause in enumerate(self.causes, 1):
            lines += wrapped(f"{i}. ", cause.head)
            for name, text in cause.parts.items():
                lines += wrapped(f"   {f'{name}:':<7}", text)
        lines += self._made()
        for text in self.looked:
            lines += wrapped("  " * (not self.causes), text, hang=4)
        return printable("\n".join([*lines, *[""] * bool(self.layers), *self._table()]))

    __repr__ = __str__

    def _made(self) -> list[str]:
        """Where the finding was made. Its first line and its advice are those of a cause."""
        more = str(self.finding or "").splitlines()[1:]
        return [f" {line}" for line in more if not line.startswith("try:")]

    def _table(self) -> list[str]:
        """The gradients by layer, in columns."""
        rows = [("gradients", "parameters", "rms", "largest", "zeros")]
        for one in self.layers:
            count, zeros = f"{len(one.parameters):,}", f"{one.zeros:,}"
            rows.append((safe(one.name), count, number(one.rms), number(one.largest), zeros))
        return columns(rows, right=1) if self.layers else []

    def _repr_html_(self) -> str:
        """A list with folds, for notebooks."""
        items = [] if self.causes else ["<b>nothing found</b>"]
        for i, cause in enumerate(self.causes, 1):
            cells = [f"<th {LEFT}>{k}<td {LEFT}>{escape(v)}" for k, v in cause.parts.items()]
            inner = f"<table><tr>{'<tr>'.join(cells)}</table>"
            items.append(_fold(f"<b>{i}. {escape(cause.head)}</b>", inner, shown=i == 1))
        looked = _lines(self._made(), "pre")
        looked += "".join([_lines([text], "div") for text in self.looked])
        items.append(_fold("what was looked at", looked) if self.causes else looked)
        if self.layers:
            items.append(_fold("gradients by layer", _lines(self._table(), "pre")))
        return "".join(items)


def _lines(lines: Sequence[str], tag: str) -> str:
    return f"<{tag}>{escape(chr(10).join(lines))}</{tag}>" if lines else ""


def _fold(title: str, inner: str, shown: bool = False) -> str:
    return f"<details{' open' * shown}><summary>{title}</summary>{inner}</details>"
