"""What a picture of a graph shows: a box for each value, an arrow from each of its parents.

Numbers from the source are written inside the operation that uses them. Kinds of nodes differ in
shape and colour; gradients that are zero, exploding or not finite show in the outline. Nodes are
numbered in topological order, so that the same graph always gives the same bytes.
"""

from collections.abc import Iterable, Sequence
from math import isfinite
from typing import Literal, TypeAlias, TypedDict, Unpack, get_args, overload

from engine.choices import pick, spelled
from engine.core.origins import place_of
from engine.core.value import Value
from engine.drawing.canvas import Picture, plain
from engine.drawing.groups import Grouping, about, arrows, counts, group
from engine.drawing.style import EDGE, GRAPH, NODE, box_style, flags, node_style, roomy
from engine.drawing.text_tree import tree
from engine.drawing.view import Outputs, View, scattered, view
from engine.outfile import File, Target, write
from engine.wording.names import number, operation, shorten
from engine.wording.notation import locals_of
from engine.wording.terminal import printable

__all__ = ["draw", "to_dot", "to_png", "to_svg"]

Direction: TypeAlias = Literal["LR", "TB", "RL", "BT"]


class Options(TypedDict, total=False):
    """What `draw`, `to_dot`, `to_svg` and `to_png` take besides the value."""

    direction: Direction
    depth: int | None
    only: Outputs | None
    expand: bool
    collapse: int | None
    open: str | Iterable[str]
    strength: bool
    parameters: Outputs | None
    inputs: Outputs | None
    limit: int


@spelled
def draw(
    value: Outputs,
    *,
    direction: Direction = "LR",
    depth: int | None = None,
    only: Outputs | None = None,
    expand: bool = False,
    collapse: int | None = None,
    open: str | Iterable[str] = (),
    strength: bool = False,
    parameters: Outputs | None = None,
    inputs: Outputs | None = None,
    limit: int = 500,
) -> Picture:
    """Draw the graph below a Value, as a `graphviz.Digraph` that shows itself in a notebook.

    A node shows its name (its label, or the variable that it was first stored in), its operation,
    its data and its gradient (call `backward()` first). An arrow shows the local derivative. The
    SVG shows details where the mouse rests.

    Arguments:
        value: the output of a computation, or several of them in lists, tuples or dictionaries,
            whose keys name them. What they share is drawn once.
        direction: where arrows point: LR (left to right), TB (downwards), RL or BT.
        depth: how many steps from the outputs are drawn; None for all.
        only: draw just the paths from this Value (or these) to the outputs.
        expand: open `dot`, `softmax` and the like into elementary operations.
        collapse: 1 draws each layer as one box (or, where nothing has a layer, each function of the
            source), 2 each neuron (or line), 0 nothing; None collapses past `limit` values.
        open: names of boxes to draw opened, such as "L0" or "L0.N3".
        strength: fill nodes the darker, the larger their gradient, over four powers of ten.
        parameters, inputs: which leaves are parameters, and which are inputs. Unless said, the
            leaves made in the constructor of an object are parameters, and the others inputs.

    >>> picture = draw(Value(2.0, label="x") * 3.0)
    >>> picture.body[1].strip(), "data 6" in picture.source
    ('n0 -> n1 [label=3 class="edge" id="n1-0"]', True)
    """
    pick(dict.fromkeys(get_args(Direction)), direction, "direction")
    seen = view(value, depth=depth, only=only, expand=expand, parameters=parameters, inputs=inputs)
    grouping = group(seen, collapse, open, limit)
    # Arrows that fan in need room to come from the side rather than from above.
    fan = max(len(node.parents) for node in seen.nodes) if not grouping.boxes else 10
    space = {**GRAPH, "rankdir": direction, "ranksep": f"{0.4 + 0.1 * min(fan, 10):.1f}"}
    picture = Picture(format="svg", graph_attr=space, node_attr=NODE, edge_attr=EDGE)
    picture.remedy, picture.text = lambda: _remedy(seen), lambda: _text(seen)
    _Drawing(picture, seen, grouping, strength).fill()
    return picture


WIDTH = 24  # of an expression in a node, in columns


def _words(node: Value, seen: View) -> list[str]:
    """The name of a node, and its operation unless that is to be read in the name.

    The operation is a sign, or written out if it takes a number that has no arrow.
    """
    name, expression = seen.name(node), seen.says_how(node)
    if not node.parents or (expression and len(name) <= WIDTH):
        return [name]
    return [seen.name(node, WIDTH) if expression else name, seen.made(node)]


def _numbers(node: Value, seen: View) -> list[str]:
    """The lines of a node that say its data and its gradient."""
    alarm = " !" if not isfinite(node.grad) or "exploding" in flags(node, seen) else ""
    return [f"data {number(node.data)}", f"grad {number(node.grad)}{alarm}"]


def _summary(nodes: Sequence[Value], seen: View) -> list[str]:
    """The lines of a box that say how much is in it and how large its gradients are."""
    bad = sum("nonfinite" in flags(node, seen) for node in nodes)
    largest = number(max(abs(node.grad) for node in nodes))
    return [f"{len(nodes):,} values", f"{bad:,} not finite !" if bad else f"|grad| ≤ {largest}"]


# --- what appears where the mouse rests ----------------------------------------------------------
def about_node(node: Value, seen: View) -> str:
    """The formula of a node, its numbers in full and where it was made, in lines.

    >>> from engine.drawing.view import view
    >>> x = Value(0.1, "x")
    >>> y = x * 3
    >>> print(about_node(y, view(y)))
    y = x × 3
    data 0.30000000000000004
    grad 0.0
    made in <doctest engine.drawing.picture.about_node[2]>:1 by x * 3
    """
    lines = [f"data {node.data!r}", f"grad {node.grad!r}"]
    operands = [seen.name(parent) for parent in node.parents]
    formula = operation(node.op, operands) if node.op and operands else ""
    head = f"{seen.name(node)} = {formula}" if formula else seen.name(node)
    origin = place_of(node)
    if origin is not None:
        code = f" by {shorten(origin.code, 200)}" if origin.code else ""
        lines.append(f"made in {origin}{code}")
    return "\n".join([head, *lines])


def about_edge(node: Value, parent: Value, local: float | None, seen: View) -> str:
    """What an arrow says: the local derivative, and how much of the gradient goes along it.

    >>> from engine.drawing.view import view
    >>> x = Value(0.1, "x")
    >>> y = x * 3
    >>> y.backward()
    >>> print(about_edge(y, x, 3.0, view(y)))
    local derivative of y by x: 3.0
    hands on 1.0 × 3.0 = 3.0 to the gradient of x
    """
    if local is None:
        return "a number that takes no gradient"
    result, source = seen.name(node), seen.name(parent)
    return (
        f"local derivative of {result} by {source}: {local!r}\n"
        f"hands on {node.grad!r} × {local!r} = {node.grad * local!r} to the gradient of {source}"
    )


# --- the drawing ---------------------------------------------------------------------------------
class _Drawing:
    """Draws a view into an empty picture."""

    def __init__(self, picture: Picture, seen: View, grouping: Grouping, strength: bool) -> None:
        self.picture, self.seen, self.grouping = picture, seen, grouping
        self.ids = picture.ids = grouping.ids(seen)
        self.copied = set() if grouping.boxes else scattered(seen)
        opened = dict.fromkeys(reversed(grouping.frames.values()))
        self.frames = {name: picture.frame(name, i) for i, name in enumerate(opened)}
        grads = [abs(node.grad) for node in seen.nodes if strength]
        self.top = max((grad for grad in grads if grad < float("inf")), default=0.0)

    def fill(self) -> None:
        """Draw all boxes, nodes and arrows."""
        # Graphviz starts from this order: a first parent goes above
        for node in reversed(self.seen.nodes):
            box = self.grouping.of.get(node)
            if box is None:
                if node not in self.copied:
                    self.add_node(node, self.ids[node])
                self.add_edges(node)
            elif self.ids[node] not in self.picture.titles:
                self.add_box(node, box)
        self.add_bundles()
        for frame in self.frames.values():
            self.picture.subgraph(frame)

    def add(self, node: Value, ident: str, text: str, style: dict[str, str], title: str) -> None:
        """Draw one shape, for a node or a box that begins with it, within its frame if any."""
        target = self.frames.get(self.grouping.frames.get(node, ""), self.picture)
        target.node(ident, plain(text), id=ident, **roomy(style, text))
        self.picture.titles[ident] = title

    def add_node(self, node: Value, ident: str, copy: bool = False) -> None:
        """Draw a node, or a pale copy of a leaf at one of its uses."""
        text = "\n".join([*_words(node, self.seen), *_numbers(node, self.seen)])
        style = node_style(node, self.seen, self.top, copy)
        self.add(node, ident, text, style, about_node(node, self.seen))

    def add_box(self, node: Value, name: str) -> None:
        """Draw a box for many nodes, of which this is the first one to be met."""
        nodes = self.grouping.boxes[name]
        text = "\n".join([name, about(name, nodes), *_summary(nodes, self.seen)])
        self.add(node, self.ids[node], text, box_style(nodes, self.seen), text)

    def add_edges(self, node: Value) -> None:
        """Draw the arrows from a node's parents; those from a box are drawn in bundles."""
        for k, (parent, local) in enumerate(zip(node.parents, locals_of(node), strict=True)):
            if parent not in self.ids or parent in self.grouping.of:
                continue
            tail, ident = self.ids[parent], f"{self.ids[node]}-{k}"
            if parent in self.copied:
                tail = f"{tail}-{ident}"
                self.add_node(parent, tail, copy=True)
            # in a long sum, no arrow needs to say that its derivative is 1
            plain_sum = node.op is not None and node.op.constant_partials and len(node.parents) > 4
            label = "" if local is None or plain_sum else number(local)
            title = about_edge(node, parent, local, self.seen)
            self.add_arrow(tail, self.ids[node], ident, label, title)

    def add_bundles(self) -> None:
        """Draw one arrow for all edges from one box to another, or between a box and a node."""
        for (tail, head), count in arrows(self.ids).items():
            if "g" in tail + head:
                label = f"×{count:,}" if count > 1 else ""
                title = f"{count:,} edge{'s' if count > 1 else ''}"
                self.add_arrow(tail, head, f"{tail}-{head}", label, title, "edge bundle")

    def add_arrow(
        self, tail: str, head: str, ident: str, label: str, title: str, kind: str = "edge"
    ) -> None:
        """Draw an arrow."""
        if self.picture.graph_attr["rankdir"] not in ("LR", "RL"):
            label = label and f"\xa0{label}\xa0"  # some space from an arrow that runs up or down
        words = {"label": label} if label else {}
        self.picture.edge(tail, head, id=ident, **words, **{"class": kind})
        self.picture.titles[ident] = title


def _remedy(seen: View) -> str:
    """What to do where a layout takes too long, with what each way would leave."""
    ways = [f"collapse={level} leaves {left:,} boxes" for level, left in counts(seen)]
    return f"of {len(seen.nodes):,} values {' and '.join(ways)}; depth=... and only=... draw a part"


def _text(seen: View) -> str:
    """What a terminal shows in place of a picture."""
    shown = tree({name: node for node, name in seen.outputs.items()}, lines=40)
    return printable(f"{shown}\na notebook shows the picture, .render(outfile='y.svg') writes it")


def to_dot(value: Outputs, **how: Unpack[Options]) -> str:
    """Return the picture of a value's graph as DOT text, which needs no layout program.

    >>> to_dot(Value(2.0)).startswith("digraph {")
    True
    """
    return str(draw(value, **how).source)


def to_svg(
    value: Outputs, path: Target = None, *, timeout: float = 30.0, **how: Unpack[Options]
) -> str:
    """Return the picture of a value's graph as SVG; or write it to `path`, and return that.

    Arguments: `timeout` in seconds; all others are those of `draw`. Raises LayoutError when no
    layout program is found or it takes longer.

    >>> "data 2" in to_svg(Value(2.0))
    True
    """
    return write("to_svg", "svg", path, draw(value, **how).laid_out("svg", timeout).decode())


@overload
def to_png(
    value: Outputs, path: None = None, *, timeout: float = 30.0, **how: Unpack[Options]
) -> bytes: ...
@overload
def to_png(value: Outputs, path: File, *, timeout: float = 30.0, **how: Unpack[Options]) -> str: ...
def to_png(
    value: Outputs, path: Target = None, *, timeout: float = 30.0, **how: Unpack[Options]
) -> bytes | str:
    r"""Return the picture of a value's graph as PNG; or write it to `path`, and return that.

    >>> to_png(Value(2.0)).startswith(b"\x89PNG")
    True
    """
    return write("to_png", "png", path, draw(value, **how).laid_out("png", timeout))
