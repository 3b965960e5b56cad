"""Draws a view that has been grouped: a shape for each node or box, and arrows between them.

Numbers from the source are written inside the operation that uses them. Kinds of nodes differ in
shape and colour; gradients that are zero, exploding or not finite show in the outline. Nodes are
numbered in topological order, so that the same graph always gives the same bytes.

A shape that is used in another row, or in many places, is drawn again where it is used.
"""

import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from math import inf
from typing import NamedTuple

import graphviz

from engine.core.value import Value
from engine.drawing.canvas import Picture, plain
from engine.drawing.captions import WIDTH, about_edge, about_node, numbers, summary, words
from engine.drawing.groups import Grouping, arrows
from engine.drawing.style import (
    GRAPH,
    LEGEND,
    STALE,
    again,
    box_style,
    extent,
    legend,
    node_style,
    roomy,
)
from engine.drawing.view import View, scattered
from engine.drawing.wrapping import wrap
from engine.wording.names import counted, number
from engine.wording.notation import locals_of

POINT = 4 / 3  # pixels
SMALLER = 0.83  # how much smaller letters may become, to fit: the smallest then have 11 pixels
LABEL = 14.0  # points that the label of an arrow takes, about
WIDEST = "grad -0.1234"
FEW, MANY = 12, 40  # arrows of boxes; of more, only the mouse says their number, and any number
TALL = 1600  # pixels: what is higher is no picture for a slide


class Look(NamedTuple):
    """How a view is drawn."""

    direction: str
    width: int | None
    strength: bool

    @property
    def level(self) -> bool:
        """Whether arrows point to the left or to the right."""
        return self.direction in ("LR", "RL")

    @property
    def room(self) -> float:
        """How wide the picture may be, in points, before letters become too small."""
        return inf if self.width is None else self.width / POINT / SMALLER


class Element(NamedTuple):
    """A node or a box: what is written on it, how it looks, and what it says under the mouse."""

    text: str
    style: Mapping[str, str]
    title: str
    frame: str = ""
    lines: Sequence[str] = ()  # without the numbers that change, so that no arrangement does


class Drawing:
    """A view that was grouped in one way, laid out in rows."""

    def __init__(self, seen: View, grouping: Grouping, look: Look) -> None:
        self.seen, self.grouping, self.look = seen, grouping, look
        self.ids = grouping.ids(seen)
        grads = [abs(node.grad) for node in seen.nodes if look.strength]
        self.top = max((grad for grad in grads if grad < inf), default=0.0)
        firsts = {ident: node for node, ident in reversed(self.ids.items())}
        self.bundles = arrows(self.ids)
        self.boxed = sum("g" in tail + head for tail, head in self.bundles)
        self.shapes = {each: self._shape(firsts[each]) for each in self._order()}
        extents = {each: extent(shape.style, shape.lines) for each, shape in self.shapes.items()}
        # arrows that fan in need room to come from the side rather than from above
        fan = max(Counter(head for _, head in self.bundles).values(), default=0)
        self.gap = 0.25 + 0.1 * min(fan, 10)  # inches
        single = {i: node for i, node in firsts.items() if node not in grouping.of}
        nameless = {ident for ident, node in single.items() if seen.says_how(node)}
        most = look.room if look.level else inf
        gap, along = 72 * self.gap + LABEL, int(not look.level)
        self.rows = wrap(self.bundles, extents, along, gap, most, nameless)
        self.homes = self._homes()

    def _order(self) -> Iterable[str]:
        """The ids of shapes, each after those that it is made of."""
        sorter = TopologicalSorter[str](dict.fromkeys(self.ids.values(), ()))
        for tail, head in self.bundles:
            sorter.add(head, tail)
        try:
            return [*sorter.static_order()]
        except CycleError:  # boxes may be made of each other
            return dict.fromkeys(self.ids.values())

    @property
    def readable(self) -> bool:
        """Whether the picture is as wide and as high as can be read."""
        if self.look.width is None:
            return True
        if not self.look.level:
            return self.rows.breadth <= self.look.room
        return self.rows.breadth <= TALL / POINT and self.rows.length <= self.look.room

    def _shape(self, node: Value) -> Element:
        """The shape of a node, or of the box that it is in."""
        frame = self.grouping.frames.get(node, "")
        name = self.grouping.of.get(node)
        if name is not None:
            nodes = self.grouping.boxes[name]
            first, *lines = summary(name, nodes, self.seen)
            text, title = ("\n".join([each, *lines]) for each in (first, name))
            size = [first, *lines[: -1 if self.seen.swept else None], WIDEST]
            return Element(text, box_style(nodes, self.seen), title, frame, size)
        named = words(node, self.seen)
        text = "\n".join([*named, *numbers(node, self.seen)])
        style, size = node_style(node, self.seen, self.top), [*named, WIDEST, WIDEST]
        return Element(text, style, about_node(node, self.seen), frame, size)

    # --- what is drawn again ---------------------------------------------------------------------
    def _homes(self) -> dict[Value, str]:
        """For each leaf used in many places the one arrow that comes from the leaf itself."""
        far = set() if self.grouping.boxes else scattered(self.seen)
        homes: dict[Value, tuple[int, str]] = {}
        for node, k, parent in self._edges():
            if parent in far and self._row(parent) == self._row(node):
                use = self.rows.column[self.ids[node]], f"{self.ids[node]}-{k}"
                homes[parent] = min(homes.get(parent, use), use)
        return {leaf: arrow for leaf, (_, arrow) in homes.items()}

    def _edges(self) -> Iterator[tuple[Value, int, Value]]:
        """The edges that are drawn one by one."""
        for node in self.seen.nodes:
            for k, parent in enumerate(node.parents if node not in self.grouping.of else ()):
                if parent in self.ids and parent not in self.grouping.of:
                    yield node, k, parent

    def _row(self, node: Value) -> int:
        return self.rows.row[self.ids[node]]

    def _again(self, node: Value, k: int, parent: Value) -> bool:
        """Whether an arrow comes from a copy of the parent."""
        home = self.homes.get(parent)
        return self._row(node) != self._row(parent) or home not in (None, f"{self.ids[node]}-{k}")

    # --- into a picture --------------------------------------------------------------------------
    def picture(self, with_legend: bool) -> Picture:
        """All shapes and arrows."""
        look = {**GRAPH, "rankdir": self.look.direction, "ranksep": f"{self.gap:.2f}"}
        if self.look.width is not None:  # inches, of 96 pixels
            look["size"] = f"{self.look.width / 96:.3f},1000"
        if self.seen.stale:
            lines = [plain(line) + r"\l" for line in textwrap.wrap(self.seen.stale, 70)]
            look |= {**STALE, "label": "".join(lines)}
        self.drawn = Picture(graph_attr=look)
        self.drawn.ids = self.ids
        opened = dict.fromkeys(shape.frame for shape in reversed(self.shapes.values()))
        names = enumerate(filter(None, opened))
        self.frames = {name: self.drawn.frame(name, i) for i, name in names}
        self.classes: set[str] = set()
        # Graphviz starts from this order: a first parent goes above, and a first row
        for node in reversed(self.seen.nodes):
            if self.ids[node] not in self.drawn.titles:
                self._add(self.ids[node], self.shapes[self.ids[node]])
            if node not in self.grouping.of:
                self._add_arrows(node)
        self._add_bundles()
        self._line_up()
        for frame in self.frames.values():
            self.drawn.subgraph(frame)
        if with_legend:
            self._add_legend()
        return self.drawn

    def _add(self, ident: str, shape: Element) -> None:
        target = self.frames.get(shape.frame, self.drawn)
        target.node(ident, plain(shape.text), id=ident, **roomy(shape.style, shape.text))
        self.drawn.titles[ident] = shape.title
        self.classes.add(shape.style["class"])

    def _add_again(self, like: str, ident: str, text: str, title: str = "") -> None:
        """Draw a shape again, with what one use adds to its gradient."""
        shape = self.shapes[like]
        title = f"{shape.title}\n{title}".strip()
        self._add(ident, Element(text, again(shape.style), title, shape.frame))

    def _add_arrows(self, node: Value) -> None:
        """Draw the arrows from a node's parents; those from a box are drawn in bundles."""
        locals_ = locals_of(node)
        for k, parent in enumerate(node.parents):
            if parent not in self.ids or parent in self.grouping.of:
                continue
            local, tail, ident = locals_[k], self.ids[parent], f"{self.ids[node]}-{k}"
            title = about_edge(node, parent, local, self.seen)
            if self._again(node, k, parent):
                handed = 0.0 if local is None else node.grad * local
                called = self.seen.name(parent, WIDTH)
                text = "\n".join([called, *numbers(parent, self.seen, handed)])
                self._add_again(tail, f"{tail}-{ident}", text, title)
                tail = f"{tail}-{ident}"
            label = "" if local is None else number(local)
            self._add_arrow(tail, self.ids[node], ident, label, title)

    def _add_bundles(self) -> None:
        """Draw one arrow for all edges from one box to another, or between a box and a node."""
        for (tail, head), count in self.bundles.items():
            if "g" not in tail + head:
                continue
            ident, title = f"{tail}-{head}", counted(count, "edge")
            row = self.rows.row[head]
            if self.rows.row[tail] != row:
                like, tail = tail, f"{tail}-row{row}"
                if tail not in self.drawn.titles:
                    self._add_again(like, tail, self.shapes[like].text.split("\n")[0])
            label = f"×{count:,}" if count > 1 and self.boxed <= FEW else ""
            self._add_arrow(tail, head, ident, label, title, "edge bundle")

    def _add_arrow(
        self, tail: str, head: str, ident: str, label: str, title: str, kind: str = "edge"
    ) -> None:
        if not self.look.level:
            label = label and f"\xa0{label}\xa0"  # some space from an arrow that runs up or down
        said = {"label": label} if label and self.boxed <= MANY else {}
        self.drawn.edge(tail, head, id=ident, **said, **{"class": kind})
        self.drawn.titles[ident] = title

    def _line_up(self) -> None:
        """Keep the neurons of a layer in their order: Graphviz puts the first above."""
        layers: dict[tuple[object, ...], list[tuple[int, str]]] = {}
        for name, nodes in self.grouping.boxes.items():
            if numbered := re.fullmatch(r"(.*?)(\d+)", name):
                ident = self.ids[nodes[0]]
                column = self.rows.row[ident], self.rows.column[ident]
                key = numbered[1], column, self.shapes[ident].frame
                layers.setdefault(key, []).append((int(numbered[2]), ident))
        for (_, _, frame), found in layers.items():
            if len(found) == 1:
                continue
            line = graphviz.Digraph(graph_attr={"rank": "same"}, edge_attr={"style": "invis"})
            for (_, above), (_, below) in pairwise(sorted(found)):
                line.edge(above, below)
            self.frames.get(str(frame), self.drawn).subgraph(line)

    def _add_legend(self) -> None:
        """Draw what occurs and what it means, in rows below the picture, no longer than its own."""
        before, frame = len(self.drawn.body), graphviz.Digraph("cluster_legend", graph_attr=LEGEND)
        entries = legend(self.classes, self.look.strength)
        for i, (text, style) in enumerate(entries.items()):
            frame.node(f"k{i}", text, id=f"k{i}", **style)
            self.drawn.titles[f"k{i}"] = text
            if i % self.rows.columns:
                frame.edge(f"k{i - 1}", f"k{i}", style="invis")
        self.drawn.subgraph(frame)
        self.drawn.titles["legend"] = "legend"
        body = self.drawn.body  # what is said first stands last
        body[:] = body[before:] + body[:before]
