"""The hunt for a nan or an infinity: which operation made it, out of what, where, and what to do.

Most numbers in a graph that are not finite were only handed on. The hunt looks for the first node
that is not finite although its parents are. If all nodes are finite, it looks for the first edge on
which the backward pass makes a gradient that is not.
"""

from dataclasses import dataclass, replace
from math import isfinite, isnan

from engine.core.graph import topological
from engine.core.origins import Origin, name_of, place_of
from engine.core.value import Value, is_constant
from engine.explain.paths import Link, broken_edges
from engine.explain.reasons import Words, remedy
from engine.source.origin import Place
from engine.wording.names import counted, number, place, shorten, visible
from engine.wording.terminal import printable

__all__ = ["Finding", "hunt"]

SHOWN = 6  # parents that are listed
SAFE = """nothing comes from above, and 0 × inf is nan: give the operation an input where it is \
safe, and choose with where() before it rather than after"""


@dataclass(frozen=True, slots=True, repr=False)
class Finding:
    """The node or the edge that made the first number that is not finite. Printed, it says why.

    Attributes:
        kind: "value" if an operation made the number, "leaf" if it came in as data, "gradient" if
            all values are finite and an edge of the backward pass made it.
        node: the node that holds the number, or the upper end of the edge.
        remedy: what to do instead; "" if the operation has no advice.
        others: how many more nodes (or edges) made such a number out of finite ones.
        position: which parent the edge goes to. This and the next four are None without an edge.
        upstream: the gradient of the node. local: the derivative of the node by the parent.
        before, after: the gradient of the parent, before and after the edge adds to it.
        place: the user's line that made the node, or what the node went into.
    """

    kind: str
    node: Value
    remedy: str
    others: int = 0
    position: int | None = None
    upstream: float | None = None
    local: float | None = None
    before: float | None = None
    after: float | None = None
    place: Place | None = None

    @property
    def parents(self) -> tuple[Value, ...]:
        """What the node was made from."""
        return self.node.parents

    @property
    def parent(self) -> Value | None:
        """The lower end of the edge."""
        return None if self.position is None else self.node.parents[self.position]

    @property
    def origin(self) -> Origin | None:
        """Where in the source the node was made: `.file`, `.line` and the exact span, `.code`."""
        return place_of(self.node)

    def __str__(self) -> str:
        words = Words()
        parents = _parents(self.node, words)  # first, so that formulas speak of them by name
        edge = self.kind == "gradient"
        lines = [self._edge(words) if edge else self._value(words), *self._places(), *parents]
        if self.remedy:
            lines.append(f"try: {self.remedy}")
        if self.others:
            more = counted(self.others, "more edge" if edge else "more value")
            lines.append(f"{more} went bad without help; mend this one first")
        return printable("\n".join(lines))

    __repr__ = __str__

    def _value(self, words: Words) -> str:
        node = self.node
        if self.kind == "leaf":
            own = words.call(node) if name_of(node) else "a number"
            return f"{own} is {number(node.data)} from the start: it came in as data"
        return f"{words.equation(node)} is {number(node.data)}, the first that is not finite"

    def _places(self) -> list[str]:
        origin = self.origin
        if origin is None:
            return []
        code = f": {visible(shorten(origin.code, 80))}" if origin.code else ""
        return [f"  made at {self.place or origin}{code}"]

    def _edge(self, words: Words) -> str:
        numbers = self.upstream, self.local, self.before, self.after
        upstream, local, before, after = (x or 0.0 for x in numbers)
        edge = Link(self.node, self.position or 0, local)
        x, slope = words.call(edge.parent), words.derivative(edge)
        made = f"{words.equation(edge.node)} is {number(edge.node.data)}"
        if isfinite(upstream * local):
            why = f"{number(before)} + {number(upstream * local)} overflows"
        else:
            why = f"it receives {number(upstream)} from above times {slope}"
        return f"{made}, but the gradient of {x} becomes {number(after)}: {why}"


def hunt(value: Value) -> Finding | None:
    """Find the node below a value that made the first nan or infinity, or else the edge that did.

    Values are searched first, parents before their consumers. If all of them are finite, the edges
    of the backward pass are searched, except those to a branch that was not taken. Nodes and edges
    that only handed such a number on are not reported. No gradient changes. Returns None if all is
    finite.

    Raises:
        StaleValueError: a leaf was changed since the value was computed.

    >>> from engine import numeric_mode
    >>> x = Value(-1000.0, "x")
    >>> with numeric_mode("ieee"):
    ...     p = x.sigmoid()
    ...     loss = -p.log() * 2
    >>> finding = hunt(loss)
    >>> finding.node.op, finding.node.data, finding.remedy
    (<operation log>, -inf, '-softplus(-x) is stable where log(sigmoid(x)) is not')
    """
    if not isinstance(value, Value):
        raise TypeError(f"hunt takes a Value, got {type(value).__name__}; give the loss")
    order = topological(value)
    makers = _makers(order)
    if makers:
        found = Finding("value", makers[0], remedy(makers[0]), len(makers) - 1)
    elif not isfinite(value.data):
        guilty = [node for node in order if not node.parents and not isfinite(node.data)]
        found = Finding("leaf", guilty[0], "look at where that number comes from", len(guilty) - 1)
    elif (edge := _backward(value)) is None:
        return None
    else:
        found = edge
    return replace(found, place=_users_line(found.node, order))


def _users_line(node: Value, order: list[Value]) -> Place | None:
    """The user's line that made a node, or else the first one that made what it went into."""
    above = {node}
    for each in order:
        if each is node or not above.isdisjoint(each.parents):
            above.add(each)
            if (origin := place_of(each)) and origin.place:
                return origin.place
    return None


def _makers(order: list[Value]) -> list[Value]:
    """The nodes that made a value which is not finite, rather than handing one on."""
    bad = [node for node in order if node.parents and not isfinite(node.data)]
    fresh = [node for node in bad if all(isfinite(p.data) for p in node.parents)]
    # inf - inf is the first nan, and it matters where the infinity came in as data
    return fresh or [n for n in bad if isnan(n.data) and not any(isnan(p.data) for p in n.parents)]


def _backward(value: Value) -> Finding | None:
    """The first edge that makes a finite gradient infinite or nan, out of finite numbers."""
    if not (bad := broken_edges(value)):
        return None
    node, _, upstream, local, *_ = bad[0]
    advice = [remedy(node), SAFE * (upstream == 0.0 and not isfinite(local))]
    return Finding("gradient", node, "; ".join(filter(None, advice)), len(bad) - 1, *bad[0][1:])


def _parents(node: Value, words: Words) -> list[str]:
    """A line for each parent: its name, how it was made, its number, and where it was made."""
    distinct = [*dict.fromkeys(p for p in node.parents if not is_constant(p))]
    lines = []
    for parent in distinct[:SHOWN]:
        shown = words.equation(parent) if parent.parents else words.call(parent)
        lines.append(f"  {shown} = {number(parent.data)}{place(parent)}")
    if len(distinct) > SHOWN:
        lines.append(f"  … {counted(len(distinct) - SHOWN, 'more parent')}")
    return lines
