"""What a picture of a graph shows: a box for each value, an arrow from each of its parents.

Numbers from the source are written inside the operation that uses them. Kinds of nodes differ in
shape and colour; gradients that are zero, exploding or not finite show in the outline. Nodes are
numbered in topological order, so that the same graph always gives the same bytes.
"""

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TypedDict, Unpack

from engine.core.ops import is_constant
from engine.core.origins import name_of, place_of
from engine.core.value import Value
from engine.drawing.canvas import Picture
from engine.drawing.escape import plain
from engine.drawing.groups import Box, Grouping, arrows, counts, group
from engine.drawing.hover import about_edge, about_node
from engine.drawing.style import box_style, group_lines, node_style, number_lines, roomy
from engine.drawing.view import View, view
from engine.wording.derivatives import locals_of
from engine.wording.numbers import HIDDEN, number, operation, shorten

__all__ = ["Options", "draw", "to_dot", "to_png", "to_svg"]

DIRECTIONS = ("LR", "TB", "RL", "BT")
OTHERS = ("svg", "png", "pdf", "jpg", "jpeg", "gif", "eps", "ps", "html")


class Options(TypedDict, total=False):
    """What `draw` takes besides the value, and so do the functions that go on from it."""

    direction: str
    depth: int | None
    only: Value | Iterable[Value] | None
    expand: bool
    collapse: int | None
    open: str | Iterable[str]
    strength: bool
    parameters: Iterable[Value] | None
    inputs: Iterable[Value] | None
    limit: int


def draw(
    value: Value,
    *,
    direction: str = "LR",
    depth: int | None = None,
    only: Value | Iterable[Value] | None = None,
    expand: bool = False,
    collapse: int | None = None,
    open: str | Iterable[str] = (),
    strength: bool = False,
    parameters: Iterable[Value] | None = None,
    inputs: Iterable[Value] | None = None,
    limit: int = 500,
) -> Picture:
    """Draw the graph below a value, as a `graphviz.Digraph` that shows itself in a notebook.

    Each node shows its name (its label, or the variable that it was first stored in), operation,
    data and gradient (call `backward()` first), each arrow its local derivative; the SVG tells
    more where the mouse rests.

    Arguments:
        direction: where arrows point: LR (left to right), TB (downwards), RL or BT.
        depth: how many steps from the output are drawn; None for all.
        only: draw just the paths from this Value (or these) to the output.
        expand: open `dot`, `softmax` and the like into elementary operations.
        collapse: 1 draws each layer as one box (or, where nothing has a layer, each function of the
            source), 2 each neuron (or line), 0 nothing; None collapses past `limit` values.
        open: names of boxes to draw opened, such as "L0" or "L0.N3".
        strength: fill nodes the darker, the larger their gradient, over four powers of ten.
        parameters, inputs: which leaves are, where the guess (parameters are made in the
            constructor of an object, the other leaves are then inputs) is wrong.

    >>> picture = draw(Value(2.0, label="x") * 3.0)
    >>> picture.body[1].strip(), "data 6" in picture.source
    ('n0 -> n1 [label=3 class="edge" id="n1-0"]', True)
    """
    if direction not in DIRECTIONS:
        raise ValueError(f"direction is one of {', '.join(DIRECTIONS)}, got {direction!r}")
    seen = view(value, depth=depth, only=only, expand=expand, parameters=parameters, inputs=inputs)
    grouping = group(seen, collapse, open, limit)
    if grouping.boxes:
        seen = replace(seen, copied=set())
    # Arrows that fan in need room to come from the side rather than from above.
    fan = max(len(node.parents) for node in seen.nodes) if grouping.level == 0 else 10
    picture = Picture.empty(direction, ranksep=0.4 + 0.1 * min(fan, 10))
    picture.remedy = lambda: _remedy(seen)
    _Drawing(picture, seen, grouping, strength).fill()
    return picture


def _words(node: Value, seen: View) -> list[str]:
    """The name and the operation of a node, as far as it has them."""
    origin = place_of(node) if node is seen.root else None
    name = name_of(node) or (origin and not origin.library and origin.name) or ""
    if not node.parents:
        kind = seen.kinds[node]
        return [name] if name else [kind] if kind in ("input", "parameter") else []
    operands = [
        HIDDEN
        if p in seen.shown
        else number(p.data)
        if is_constant(p)
        else name_of(p) or number(p.data)
        for p in node.parents
    ]
    op = operation(node.op, [shorten(each, 12) for each in operands]) if node.op else ""
    return [name, op] if name else [op]


class _Drawing:
    """Draws a view into an empty picture."""

    def __init__(self, picture: Picture, seen: View, grouping: Grouping, strength: bool) -> None:
        self.picture, self.seen, self.grouping = picture, seen, grouping
        self.names = {node: f"n{i}" for i, node in enumerate(seen.nodes)}
        self.boxes = {name: f"g{i}" for i, name in enumerate(grouping.boxes)}
        grads = [abs(node.grad) for node in seen.nodes if strength]
        self.top = max((grad for grad in grads if grad < float("inf")), default=0.0)

    def fill(self) -> None:
        """Draw all boxes, nodes and arrows."""
        of, picture = self.grouping.of, self.picture
        inside = {node: self.boxes[box.name] for node, box in of.items()}
        picture.ids = {**self.names, **inside}
        # Graphviz starts from this order: a first parent goes above
        for node in reversed(self.seen.nodes):
            box = of.get(node)
            if box is None:
                if node not in self.seen.copied:
                    self.add_node(node, self.names[node])
                self.add_edges(node)
            elif inside[node] not in picture.titles:
                self.add_box(node, box)
        self.add_bundles()
        picture.close_frames()

    def add(self, ident: str, text: str, style: dict[str, str], title: str, frame: str) -> None:
        """Draw one shape, within a frame if one is named."""
        target = self.picture.frame(frame) if frame else self.picture
        target.node(ident, plain(text), id=ident, **style)
        self.picture.titles[ident] = title

    def add_node(self, node: Value, ident: str, copy: bool = False) -> None:
        """Draw a node, or a pale copy of a leaf at one of its uses."""
        text = "\n".join([*_words(node, self.seen), *number_lines(node, self.seen.root)])
        style = node_style(node, self.seen, self.top, copy)
        if copy:
            self.add(ident, text, style, about_node(node), "")
        else:
            frame = self.grouping.frames.get(node, "")
            self.add(ident, text, roomy(style, text), about_node(node), frame)

    def add_box(self, node: Value, box: Box) -> None:
        """Draw a box for many nodes, of which this is the first one to be met."""
        root = self.seen.root
        text = "\n".join([box.name, *box.about.split("\n"), *group_lines(box.nodes, root)])
        style = roomy(box_style(box.nodes, root), text)
        self.add(self.boxes[box.name], text, style, text, self.grouping.frames.get(node, ""))

    def add_edges(self, node: Value) -> None:
        """Draw the arrows from a node's parents; those from a box are drawn in bundles."""
        for k, (parent, local) in enumerate(zip(node.parents, locals_of(node), strict=True)):
            if parent not in self.names or parent in self.grouping.of:
                continue
            tail, ident = self.names[parent], f"{self.names[node]}-{k}"
            if parent in self.seen.copied:
                tail = f"{tail}-{ident}"
                self.add_node(parent, tail, copy=True)
            # in a long sum, no arrow needs to say that its derivative is 1
            plain_sum = node.op is not None and node.op.constant_partials and len(node.parents) > 4
            label = "" if local is None or plain_sum else number(local)
            title = about_edge(node, parent, local)
            self.add_arrow(tail, self.names[node], ident, label, title)

    def add_bundles(self) -> None:
        """Draw one arrow for all edges from one box to another, or between a box and a node."""
        for ends, count in arrows(self.seen, self.grouping.of).items():
            if any(isinstance(end, str) for end in ends):
                tail, head = (
                    self.boxes[end] if isinstance(end, str) else self.names[end] for end in ends
                )
                label = f"×{count:,}" if count > 1 else ""
                title = f"{count:,} edge{'s' if count > 1 else ''}"
                self.add_arrow(tail, head, f"{tail}-{head}", label, title, "edge bundle")

    def add_arrow(
        self, tail: str, head: str, ident: str, label: str, title: str, kind: str = "edge"
    ) -> None:
        """Draw an arrow."""
        words = {"label": self.picture.beside(label)} if label else {}
        self.picture.edge(tail, head, id=ident, **words, **{"class": kind})
        self.picture.titles[ident] = title


def _remedy(seen: View) -> str:
    """What to do where a layout takes too long, with what each way would leave."""
    ways = [f"collapse={level} leaves {left:,} boxes" for level, left in counts(seen)]
    return f"of {len(seen.nodes):,} values {' and '.join(ways)}; depth=... and only=... draw a part"


def to_dot(value: Value, **how: Unpack[Options]) -> str:
    """Return the picture of a value's graph as DOT text, which needs no layout program.

    >>> to_dot(Value(2.0)).startswith("digraph {")
    True
    """
    return str(draw(value, **how).source)


def to_svg(
    value: Value,
    path: str | os.PathLike[str] | None = None,
    *,
    timeout: float = 30.0,
    **how: Unpack[Options],
) -> str:
    """Return the picture of a value's graph as SVG, and write it to `path` if one is given.

    Arguments: `timeout` in seconds; all others are those of `draw`. Raises LayoutError when no
    layout program is found or it takes longer.

    >>> "data 2" in to_svg(Value(2.0))
    True
    """
    return _written(draw(value, **how).laid_out("svg", timeout), path, "svg").decode()


def to_png(
    value: Value,
    path: str | os.PathLike[str] | None = None,
    *,
    timeout: float = 30.0,
    **how: Unpack[Options],
) -> bytes:
    r"""Return the picture of a value's graph as PNG, and write it to `path` if one is given.

    >>> to_png(Value(2.0)).startswith(b"\x89PNG")
    True
    """
    return _written(draw(value, **how).laid_out("png", timeout), path, "png")


def _written(picture: bytes, path: str | os.PathLike[str] | None, kind: str) -> bytes:
    if path is not None:
        suffix = Path(path).suffix.lower()[1:]
        if suffix in OTHERS and suffix != kind:
            raise ValueError(f"to_{kind} writes {kind.upper()}, got {path}; end it in .{kind}")
        Path(path).write_bytes(picture)
    return picture
