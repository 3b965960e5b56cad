"""What the terminal debugger shows of a run: steps, the way to an edge, nodes, and a picture."""

import re
from array import array
from collections.abc import Iterable
from functools import cached_property
from math import isfinite, prod
from typing import NamedTuple

from engine.core.origins import place_of
from engine.core.value import Value, is_constant
from engine.drawing import draw
from engine.drawing.text_tree import tree
from engine.source.text import bare
from engine.stepping.breakpoints import NodeNames
from engine.stepping.run import Run
from engine.stepping.steps import Step
from engine.wording.names import counted, made_by, number
from engine.wording.terminal import columns, painted, width

STRONG, FAINT, ALARM, LIT = "1", "2", "1;31", "1;36"
ENDS = 8  # nodes that are shown at either end of a long chain
MANY = 40  # contributions that are listed


class Piece(NamedTuple):
    """A part of a line, and its style on a terminal with colours."""

    text: str
    style: str = ""


def fitted(line: Iterable[Piece], columns: float, colour: bool) -> str:
    """A line as text, in colour or not, and cut to a number of columns.

    >>> fitted([Piece("w.grad ", STRONG), Piece("0 -> 1.002")], 12, False)
    'w.grad 0 ->…'
    """
    shown = ""
    for text, style in line:
        if width(text) > columns:
            while text and width(text) > columns - 1:
                text = text[:-1]
            text += "…" * (columns > 0)
            columns = width(text)  # nothing else fits
        columns -= width(text)
        shown += painted(text, style if colour else "")
    return shown.rstrip()


class Views:
    """What a terminal shows of a run, as lines of pieces."""

    def __init__(self, run: Run, names: NodeNames) -> None:
        self.run: Run = run
        self.names: NodeNames = names

    def step(self, step: Step, mark: str = "") -> list[Piece]:
        """A step in one line: `9/12  w.grad 0 -> -1.692  (+= -0.8460 × 2)  n = x * w  run.py:4`."""
        total = str(len(self.run))
        return [
            Piece(f"{mark}{step.index + 1:>{len(total)}}/{total}  ", FAINT),
            Piece(f"{self.names.of(step.parent)}.grad", STRONG),
            Piece(f" {number(step.before)} -> "),
            Piece(number(step.after), STRONG if isfinite(step.after) else ALARM),
            Piece(f"  (+= {number(step.upstream)} × {number(step.local)})"),
            Piece("  " + self.made(step.node), FAINT),
        ]

    def made(self, node: Value) -> str:
        """The name of a node, how it was made and where: `n = x * w  run.py:4`."""
        text = "".join(c if c.isprintable() else "?" for c in made_by(node))
        called = self.names.of(node)
        said = not node.parents or text.startswith((f"{called} = ", bare(called)))
        return text if said else f"{called}: {text}"

    def around(self, position: int, count: int) -> list[list[Piece]]:
        """The steps around a position, with a mark at the one that was taken last."""
        start = max(min(position - 1 - count // 2, len(self.run) - count), 0)
        marks = {position - 1: "-> "}
        end = min(start + count, len(self.run))
        return [self.step(self.run[i], marks.get(i, "   ")) for i in range(start, end)]

    # --- from the loss to here -------------------------------------------------------------------
    def chain(self, step: Step) -> list[Step]:
        """Edges from the output down to this one: at each node, the one that gives it most."""
        run, found = self.run, [step.index]
        while (node := run._node[found[-1]]) in self._strongest:
            found.append(self._strongest[node])
        return [run[i] for i in reversed(found)]

    @cached_property
    def _strongest(self) -> dict[int, int]:
        """For each node the edge that gives it most, both as their numbers in the run."""
        run, best = self.run, dict[int, int]()
        most = array("d", bytes(8 * len(run.nodes)))
        for i, (node, to) in enumerate(zip(run._node, run._parent, strict=True)):
            contribution = abs(run._grads[node] * run._local[i])
            if to not in best or contribution > most[to]:
                best[to], most[to] = i, contribution
        return best

    def way(self, step: Step | None) -> list[list[Piece]]:
        """The chain of nodes from the output to an edge, each with its local derivative."""
        if step is None:
            return [[Piece("before the first edge, at "), *self.node(self.run.root)]]
        edges = self.chain(step)
        nodes = [(self.run.root, ""), *((e.parent, number(e.local)) for e in edges)]
        left_out = len(nodes) - 2 * ENDS
        if left_out > 1:
            nodes[ENDS:-ENDS] = []
        cells = [(self.names.of(n), number(n.data), number(n.grad), local) for n, local in nodes]
        rows = columns([("", "data", "grad", "local"), *cells], right=1)
        wide = max(map(width, rows)) + 2
        lines = [[Piece(rows[0], FAINT)]]
        for row, (node, _) in zip(rows[1:], nodes, strict=True):
            tail = " " * (wide - width(row)) + self.made(node) if node.parents else ""
            lines.append([Piece(row, LIT if node is step.parent else ""), Piece(tail, FAINT)])
        if left_out > 1:
            lines.insert(1 + ENDS, [Piece(f"… {left_out:,} more", FAINT)])
        ways = len(self.run.contributions(step.node))
        others = f"; {self.names.of(step.node)} gets its own in {ways} ways" if ways > 1 else ""
        about = f"product of the local derivatives: {number(prod(e.local for e in edges))}{others}"
        return [*lines, [Piece(about, FAINT)]]

    # --- a node ----------------------------------------------------------------------------------
    def node(self, node: Value) -> list[Piece]:
        """A node in one line: its numbers with all digits, and its gradient in the end."""
        whole = self.run.gradient(node)
        later = f" so far, {whole!r} in the end" if node.grad != whole else ""
        made = self.made(node) if node.parents else str(place_of(node) or "")
        numbers = Piece(f"  data {node.data!r}  grad {node.grad!r}{later}")
        return [Piece(self.names.of(node), STRONG), numbers, Piece("  " * bool(made) + made, FAINT)]

    def contributions(self, node: Value, position: int) -> list[list[Piece]]:
        """The edges that a node gets its gradient by, one on each line."""
        steps = self.run.contributions(node)
        name, whole = self.names.of(node), self.run.gradient(node)
        if not steps:
            said = "is the output: its gradient is given" if node is self.run.root else "gets none"
            return [[Piece(name, STRONG), Piece(f" {said}")]]
        by = counted(len(steps), "edge")
        lines = [[Piece(f"{name}.grad", STRONG), Piece(f" = {number(whole)}, by {by}")]]
        for step in steps[:MANY]:
            mark = "-> " if step.index == position - 1 else "   "
            to_come = "  to come" if step.index >= position else ""
            pieces = self.step(step, mark)
            contribution = f"{number(step.contribution):>9} = {number(step.upstream)} × "
            shown = Piece(f"{contribution}{number(step.local)}")
            lines.append([pieces[0], shown, pieces[-1], Piece(to_come, FAINT)])
        if len(steps) > MANY:
            rest = number(sum(step.contribution for step in steps[MANY:]))
            lines.append([Piece(f"   … {len(steps) - MANY:,} more, together {rest}", FAINT)])
        return lines

    def tree(self, step: Step | None, colour: bool) -> list[str]:
        """The node above an edge and what is below that node, as a tree that marks the edge."""
        node = self.run.root if step is None else step.node
        drawn = tree(node, depth=2, lines=40, color=colour, names=self.names).split("\n")
        if step is None:
            return drawn
        wanted = sum(not is_constant(p) for p in node.parents[: step.position])
        first = [i for i, line in enumerate(drawn) if re.match(r"(\x1b\[2m)?[├└]─", line)]
        if wanted < len(first):
            row = first[wanted]
            drawn[row] = re.sub("([├└])─ ", r"\1─▶", drawn[row], count=1)
        return drawn


# --- a picture -----------------------------------------------------------------------------------
def lit(root: Value, step: Step | None) -> str:
    """The graph as SVG, with one edge and the two nodes that it joins lit by a style of their own.

    >>> x = Value(3.0, "x")
    >>> run = (x * x).trace_backward()
    >>> "#n1-1 path" in lit(run.root, run.goto(2))
    True
    """
    picture = draw(root)
    svg = picture.laid_out("svg").decode()
    if step is None:
        return svg
    node, parent = picture.ids[step.node], picture.ids[step.parent]
    arrow = f"{node}-{step.position}"
    arrows = [f"#{arrow}", f"#{parent}-{node}"]  # one arrow, or a bundle of them
    ends = [f"#{node}", f"#{parent}", f"#{parent}-{arrow}"]  # a leaf may be drawn at each use
    heads = [f"{each} polygon" for each in arrows]
    lines = [f"{each} > {shape}" for each in ends for shape in ("path", "polygon", "ellipse")]
    lines += [f"{each} path" for each in arrows] + heads
    style = f"{', '.join(lines)} {{ stroke: #d55e00; stroke-width: 3 }}"
    style += f" {', '.join(heads)} {{ fill: #d55e00 }}"
    return re.sub(r"<svg\b[^>]*>", rf"\g<0>\n<style>{style}</style>", svg, count=1)
