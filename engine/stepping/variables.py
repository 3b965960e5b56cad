"""What the variables pane of a debugger shows of Values, edges, steps and runs.

At every stop the pane asks for everything in sight. So for a node, only the node and its parents
are looked at, and only its own local derivatives are computed. Many parents are shown in groups.
`pydevd_plugin_gradwalk.py` hands all this to the debugger.
"""

from dataclasses import dataclass
from typing import Any

from engine.core.node import Node, as_float
from engine.core.operation import Operation
from engine.core.ops import CONSTANT
from engine.core.origins import Origin, place_of
from engine.stepping.run import Run
from engine.stepping.steps import ForwardStep, Step
from engine.wording.names import called, made_by, number, shorten, visible
from engine.wording.notation import locals_of

# A line of the pane: its name, its value, and the Python that leads to it from the opened thing,
# such as ".data", or None.
Child = tuple[str, Any, str | None]

_GROUP = 50  # parents in one group of the pane
_MANY = 2000  # a node with more parents shows no local derivatives, since all are computed at once
_FIELDS: dict[type, tuple[str, ...]] = {
    Run: ("position", "current", "root", "seed", "nbytes"),
    Operation: ("name", "symbol", "tex", "function", "partials", "domain"),
}
_FIELDS |= {kind: kind.__match_args__ for kind in (Step, ForwardStep, Origin)}


@dataclass(frozen=True, slots=True, eq=False)
class EdgeView:
    """The edge from a node to one of its parents. `local` is None where there is no derivative.

    >>> from engine import Value
    >>> w = Value(3.0, "w")
    >>> n = Value(2.0) * w; n.backward()
    >>> print(text(_edges(n, 0, 2)[1][1]))
    local 2  contributes 2
    """

    node: Node
    position: int
    parent: Node
    local: float | None

    def __str__(self) -> str:
        if self.parent.op is CONSTANT:
            return f"{number(self.parent._data)}, a number: takes no gradient"
        if self.parent._epoch > self.node._epoch:
            return "changed since: build the expression again"
        if self.local is None:
            return text(self.parent)
        given = (self.node.grad or 0.0) * self.local
        return f"local {number(self.local)}  contributes {number(given)}"


@dataclass(frozen=True, slots=True, eq=False)
class Parents:
    """Some of the parents of a node that has many."""

    node: Node
    start: int
    stop: int

    def __str__(self) -> str:
        return f"parents {self.start} to {self.stop - 1} of {len(self.node.parents)}"


SHOWN = (Node, EdgeView, Parents, *_FIELDS)


def text(thing: Any) -> str:
    """One line of text about a Value, an edge, a step, or anything else that is SHOWN.

    >>> from engine import Value
    >>> x = Value(2.0, "x")
    >>> text(x), text(x * 3.0).partition("  <")[0]
    ('data 2  grad 0  x', 'data 6  grad 0  x * 3.0')
    """
    if isinstance(thing, Node):
        node: Any = thing
        return f"data {number(node._data)}  grad {number(node.grad or 0.0)}  {_line(made_by(node))}"
    if isinstance(thing, Origin):
        return _line(f"{thing}  {shorten(thing.code, 60)}".rstrip())
    return _line(repr(thing) if isinstance(thing, Run) else str(thing))


def children(thing: Any) -> list[Child]:
    """The lines that appear when a thing in the pane is opened, in order.

    >>> from engine import Value
    >>> x = Value(2.0, "x")
    >>> [(name, said) for name, _, said in children(x * x)][:3]
    [('data', '.data'), ('grad', '.grad'), ('op', '.op')]
    >>> [(name, said) for name, _, said in children(x * x)][-2:]
    [('<- x [0]', '.parents[0]'), ('<- x [1]', '.parents[1]')]
    """
    if isinstance(thing, EdgeView):  # the lines of the parent, so that opening walks down the graph
        return children(thing.parent)
    if isinstance(thing, Parents):
        return _edges(thing.node, thing.start, thing.stop)
    if not isinstance(thing, Node):
        fields = next(names for kind, names in _FIELDS.items() if isinstance(thing, kind))
        return [(each, getattr(thing, each), f".{each}") for each in fields]
    found: list[Child] = [
        ("data", thing._data, ".data"),
        ("grad", thing.grad, ".grad"),
        ("op", thing.op, ".op"),
        ("origin", place_of(thing), None),
    ]
    if thing.label is not None:
        found.append(("label", thing.label, ".label"))
    count = len(thing.parents)
    if count <= 2 * _GROUP:
        return found + _edges(thing, 0, count)
    starts = range(0, min(count, _MANY + 1), _GROUP)
    groups = [Parents(thing, at, min(at + _GROUP, count)) for at in starts]
    found += [(f"<- [{each.start}:{each.stop}]", each, None) for each in groups]
    if groups[-1].stop < count:
        found.append(("…", f"{count - groups[-1].stop:,} more: see .parents", None))
    return found


def assign(thing: Any, attribute: str, value: Any) -> None:
    """Set the data of a leaf, or the gradient of any node. Raises AttributeError for all else."""
    node = thing.parent if isinstance(thing, EdgeView) else thing
    if not isinstance(node, Node) or attribute not in ("data", "grad"):
        got = f"{attribute} cannot be set here"
        raise AttributeError(f"{got}; the data of a leaf and the grad of any Value can")
    setattr(node, attribute, as_float(value))


def _line(text: str) -> str:
    """A text as one line that can be shown, whatever the labels in it hold."""
    return visible(text).replace("\n", "␊")


def _edges(node: Any, start: int, stop: int) -> list[Child]:
    few = len(node.parents) <= _MANY
    locals_ = locals_of(node) if few else [None] * len(node.parents)
    names = [called(p) for p in node.parents[start:stop]]
    found: list[Child] = []
    for i, name in enumerate(names, start):
        mark = f" [{i}]" if names.count(name) > 1 else ""  # a pane shows equal names once
        edge = EdgeView(node, i, node.parents[i], locals_[i])
        found.append((f"<- {name}{mark}", edge, f".parents[{i}]"))
    return found
