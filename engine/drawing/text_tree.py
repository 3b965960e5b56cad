"""A graph as a tree of text, for a terminal."""

from collections.abc import Iterable
from textwrap import fill
from typing import NamedTuple

from engine.choices import spelled
from engine.core.graph import topological
from engine.core.sweep import gradients_of
from engine.core.value import Value, is_constant
from engine.drawing.style import flags
from engine.drawing.view import Outputs, View, outputs_of, stale
from engine.wording.names import Names, counted, number
from engine.wording.notation import locals_of
from engine.wording.terminal import Text, columns, in_colour, painted

# Styles that can be read on a light and on a dark screen, next to the colours of pictures.
STYLES = {"leaf": "38;5;166", "input": "38;5;166", "parameter": "38;5;133"}
STYLES |= {"operation": "38;5;32", "output": "1;38;5;29"}
FAINT, ALARM = "2", "1;38;5;196"
ENOUGH = 1000  # values below a node are counted up to here


class _Line(NamedTuple):
    """A line of the tree: a value, as it is used by the value above it."""

    node: Value
    lead: str  # what its parents are indented by
    branch: str
    local: float | None
    level: int
    cut: bool = False  # too deep to be opened


@spelled
def tree(
    value: Outputs,
    *,
    depth: int = 8,
    lines: int = 200,
    color: bool | None = None,
    names: Names | None = None,
) -> Text:
    """The graph below a Value as text, the Value first and its parents indented below it.

    A line shows the name of a value and the operation that made it (with the numbers in it, as in
    `x × 2`), or the expression of a value without a name; its data, its gradient (call `backward()`
    first), and the local derivative of the value above by it. A value that was shown before is not
    opened again: `↑` refers to it by its name.

    Arguments:
        value: the output of a computation, or several of them in lists, tuples or dictionaries,
            whose keys name them. Each is a tree of its own.
        depth: how many levels to open. lines: how many lines to write at most.
        color: whether to colour; by default on a terminal, unless NO_COLOR is set.
        names: what the values are called; by default as in a picture of the outputs.

    >>> x, w, b = Value(2.0, "x"), Value(-3.0, "w"), Value(6.5, "b")
    >>> y = (x * w + b).tanh()
    >>> y.backward()
    >>> tree(y)
                      data    grad   local
    y = tanh        0.4621       1
    └─ (x * w + b)     0.5  0.7864  0.7864
       ├─ (x * w)       -6  0.7864       1
       │  ├─ x           2  -2.359      -3
       │  └─ w          -3   1.573       2
       └─ b            6.5  0.7864       1
    """
    for what, least, count in (("depth", 0, depth), ("lines", 1, lines)):
        if not isinstance(count, int) or count < least:
            raise ValueError(f"{what} is a whole number from {least} on, got {count!r:.60}")
    outputs = outputs_of("tree", value)
    walked = _walk(outputs, depth, lines)
    gradients_of([line.node for line in walked])  # as floats
    order = topological(*outputs)
    kinds = dict.fromkeys([node for node in order if not is_constant(node)], "")
    seen = View(outputs, order, kinds, names or Names(order))
    met, cells, tails = set[Value](), [], []
    for line in walked:
        node = line.node
        again, about = bool(node.parents) and node in met, seen.name(node)
        if again:
            about = f"↑ {about}"
        elif node.parents and not seen.says_how(node):
            about += f" = {seen.made(node)}"
        met.add(node)
        local = "" if line.local is None else number(line.local)
        cells.append((line.branch + about, number(node.data), number(node.grad), local))
        tails.append(f"  … {_below(node)} below" if line.cut and not again else "")
    rows = columns([("", "data", "grad", "local"), *cells], right=1)
    if in_colour(color):
        for i, (line, (first, *_)) in enumerate(zip(walked, cells, strict=True), start=1):
            rows[i] = _coloured(rows[i], line, first, seen)
    rows[1:] = [row + tail for row, tail in zip(rows[1:], tails, strict=True)]
    if len(walked) == lines:
        hidden = sum(not is_constant(node) for node in topological(*outputs)) - len(met)
        if hidden:
            rows.append(f"… {hidden:,} values are not shown; lines={2 * lines} shows more")
    rows += fill(stale(order), len(rows[0]) + 40).splitlines()
    return Text("\n".join(rows))


def _walk(outputs: Iterable[Value], depth: int, lines: int) -> list[_Line]:
    """The lines from the top down; each value is opened once."""
    walked: list[_Line] = []
    opened: set[Value] = set()
    stack = [_Line(output, "", "", None, 0) for output in outputs][::-1]
    while stack and len(walked) < lines:
        line = stack.pop()
        fresh = line.node not in opened
        uses = zip(line.node.parents, locals_of(line.node), strict=True) if fresh else ()
        below = [(parent, local) for parent, local in uses if not is_constant(parent)]
        cut = line.level == depth and bool(below)
        walked.append(line._replace(cut=cut))
        if cut or not below:
            continue
        opened.add(line.node)
        for i, (parent, local) in enumerate(reversed(below)):
            branch, lead = ("├─ ", "│  ") if i else ("└─ ", "   ")
            lead = line.lead + lead
            stack.append(_Line(parent, lead, line.lead + branch, local, line.level + 1))
    return walked


def _below(node: Value) -> str:
    """How many values there are below a node, in words; counting ends at ENOUGH."""
    seen, stack = {node}, [node]
    while stack and len(seen) <= ENOUGH:
        for parent in stack.pop().parents:
            if parent not in seen and not is_constant(parent):
                seen.add(parent)
                stack.append(parent)
    count = len(seen) - 1
    if count >= ENOUGH:
        return f"more than {ENOUGH - 1} values"
    return counted(count, "value")


def _coloured(row: str, line: _Line, first: str, seen: View) -> str:
    """A row in colours: a faint branch, the name by its kind, and alarming numbers in red."""
    remarks = flags(line.node, seen)
    alarm = "nonfinite" in remarks or "exploding" in remarks
    numbers = ALARM if alarm else FAINT if "zero" in remarks else ""
    name = painted(first[len(line.branch) :], STYLES.get(seen.kinds.get(line.node, ""), ""))
    return painted(line.branch, FAINT) + name + painted(row[len(first) :], numbers)
