"""What the doctor found: causes, from the most to the least likely."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from engine.core.value import Value
from engine.explain.hunt import Finding
from engine.source.origin import Place
from engine.wording.names import number, safe
from engine.wording.terminal import columns, printable

__all__ = ["Cause", "Layer", "Report"]
LISTED = 5  # names in a cause
NOT_TRIED = "nothing, as this is a loop of one's own"


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

    def lines(self) -> list[str]:
        """As a user reads it."""
        at = "" if self.place is None else f" at {self.place}"
        parts = {"seen:": self.seen, "tried:": self.tried, "do:": self.do}
        return [f"{self.title}{at}", *[f"{k:<7}{v}" for k, v in parts.items() if v]]


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
    return Cause(name, title, seen, do, weight, place, tuple(values), NOT_TRIED)


def names(found: Sequence[str]) -> str:
    """The first few names."""
    more = [f"… {len(found) - LISTED:,} more"] if len(found) > LISTED else []
    return ", ".join([*map(safe, found[:LISTED]), *more])


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
        lines = [] if self.causes else ["nothing found", *[f"  {each}" for each in self.looked]]
        for i, cause in enumerate(self.causes, 1):
            head, *rest = cause.lines()
            lines += [f"{i}. {head}", *[f"   {line}" for line in rest]]
        if self.finding is not None:
            lines += ["", str(self.finding)]
        if self.layers:
            rows = [("gradients", "parameters", "rms", "largest", "zeros")]
            for one in self.layers:
                count, zeros = f"{len(one.parameters):,}", f"{one.zeros:,}"
                rows.append((safe(one.name), count, number(one.rms), number(one.largest), zeros))
            lines += ["", *columns(rows, right=1)]
        return printable("\n".join(lines))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """A list with folds, for notebooks."""
        if not self.causes:
            return f"<pre>{escape(str(self))}</pre>"
        items = []
        for i, cause in enumerate(self.causes, 1):
            head, *rest = map(escape, cause.lines())
            rows = "".join(
                f"<tr><th style='text-align:left;vertical-align:top'>{row[:7].strip()}</th>"
                f"<td style='text-align:left'>{row[7:]}</td></tr>"
                for row in rest
            )
            shown = " open" if i == 1 else ""
            items.append(
                f"<details{shown}><summary><b>{i}. {head}</b></summary><table>{rows}</table>"
                "</details>"
            )
        return "".join(items)
