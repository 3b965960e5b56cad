"""What a picture of a graph shows: one box a value, one arrow an operand.

Constants that Python numbers became are written inside the operation that uses them; leaves,
operations and the output differ in shape as well as in colour. Node names count up in
topological order, so that one graph always gives the same bytes.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import graphviz

from engine.drawing.layout import render
from engine.drawing.text import number, plain
from engine.graph import topological
from engine.node import Operation
from engine.ops import CONSTANT
from engine.value import Value

__all__ = ["draw", "to_dot", "to_png", "to_svg"]

FONT = "Helvetica,Arial,sans-serif"
# nslimit bounds the network simplex, the part of the layout that explodes on shared leaves.
GRAPH = {
    "rankdir": "LR",
    "bgcolor": "transparent",
    "nodesep": "0.15",
    "nslimit": "2",
    "nslimit1": "2",
}
NODE = {"fontname": FONT, "fontsize": "11", "fontcolor": "#1a1a1a", "margin": "0.12,0.06"}
EDGE = {"color": "#808080", "arrowsize": "0.6"}
# Okabe and Ito's colours for the borders, which every kind of eye tells apart, pale inside.
KINDS: Mapping[str, Mapping[str, str]] = {
    "leaf": {"shape": "box", "style": "filled", "color": "#b36b00", "fillcolor": "#fdecd2"},
    "operation": {
        "shape": "ellipse",
        "style": "filled",
        "color": "#0072b2",
        "fillcolor": "#e3f0fa",
        "margin": "0.02,0.02",
    },
    "output": {
        "shape": "box",
        "style": "rounded,filled",
        "color": "#00694d",
        "fillcolor": "#cdeee1",
        "peripheries": "2",
    },
}
HIDDEN = "\u25a1"  # stands for an operand that has an arrow of its own


def draw(value: Value, *, limit: int = 500) -> graphviz.Digraph:
    """Draw the graph below a value, as a `graphviz.Digraph` to look at, change or save.

    Each node shows its label or operation, its data and its gradient (call `backward()` first).
    Raises ValueError when there are more than `limit` nodes to draw: nobody can read them.

    >>> picture = draw(Value(2.0, label="x") * 3.0)
    >>> picture.body[1].strip(), "data 6" in picture.source
    ('n0 -> n1', True)
    """
    if not isinstance(value, Value):
        raise TypeError(
            f"draw takes a Value, got {type(value).__name__}; "
            "draw the output of the computation, the rest of the graph hangs below it"
        )
    drawn = [node for node in topological(value) if node is value or not _folds(node)]
    if len(drawn) > limit:
        raise ValueError(
            f"this graph has {len(drawn):,} values to draw, and more than {limit:,} can hardly be "
            "read; draw a part of it (a value nearer to the leaves, the loss of one sample instead "
            f"of a batch, a smaller network), or insist with limit={len(drawn)}"
        )
    # Arrows that fan in need room to come from the side rather than from above.
    ranks = 0.4 + 0.1 * min(max(len(node.parents) for node in drawn), 10)
    graph = graphviz.Digraph(
        graph_attr={**GRAPH, "ranksep": f"{ranks:.1f}"}, node_attr=NODE, edge_attr=EDGE
    )
    names = {node: f"n{i}" for i, node in enumerate(drawn)}
    for node in reversed(drawn):  # Graphviz starts from this order: a first operand goes above
        name = names[node]
        kind = "output" if node is value else "operation" if node.parents else "leaf"
        graph.node(name, plain("\n".join(_lines(node))), **KINDS[kind], id=name, **{"class": kind})
        for parent in node.parents:
            if parent in names:
                graph.edge(names[parent], name)
    return graph


def to_dot(value: Value, *, limit: int = 500) -> str:
    """Return the picture of a value's graph as DOT text, which needs no layout program.

    >>> to_dot(Value(2.0)).startswith("digraph {")
    True
    """
    return str(draw(value, limit=limit).source)


def to_svg(
    value: Value,
    path: str | os.PathLike[str] | None = None,
    *,
    limit: int = 500,
    timeout: float = 30.0,
) -> str:
    """Return the picture of a value's graph as SVG, and write it to `path` if one is given.

    Raises LayoutError when no layout program is found or it takes more than `timeout` seconds.

    >>> "data 2" in to_svg(Value(2.0))
    True
    """
    return _picture(value, "svg", path, limit, timeout).decode()


def to_png(
    value: Value,
    path: str | os.PathLike[str] | None = None,
    *,
    limit: int = 500,
    timeout: float = 30.0,
) -> bytes:
    r"""Return the picture of a value's graph as PNG, and write it to `path` if one is given.

    >>> to_png(Value(2.0)).startswith(b"\x89PNG")
    True
    """
    return _picture(value, "png", path, limit, timeout)


def _picture(
    value: Value, format: str, path: str | os.PathLike[str] | None, limit: int, timeout: float
) -> bytes:
    picture = render(to_dot(value, limit=limit), format, timeout=timeout)
    if path is not None:
        Path(path).write_bytes(picture)
    return picture


def _folds(node: Value) -> bool:
    """Tell whether a node is a number from the source, which its consumer shows.

    The usual ones (0, 1, 2) exist once for all graphs, so as nodes they would tie knots.
    """
    return node.op is CONSTANT


def _lines(node: Value) -> list[str]:
    operation = _operation(node.op, node.parents) if node.op and node.parents else None
    words = [word for word in (node.label, operation) if word]
    return [*words, f"data {number(node.data)}", f"grad {number(node.grad)}"]


def _operation(op: Operation, parents: tuple[Value, ...]) -> str:
    """Name an operation, with the constants it folded where they stood: `2 - □` is not `□ - 2`."""
    wordy = op.symbol.isidentifier() or len(parents) < 3
    symbol = op.symbol if wordy else op.name
    operands = [number(p.data) if _folds(p) else HIDDEN for p in parents]
    if all(operand == HIDDEN for operand in operands):
        return symbol
    if len(operands) == 2 and not symbol.isidentifier():
        return f"{operands[0]} {symbol} {operands[1]}"
    if len(operands) > 4:
        operands[2:-1] = ["…"]
    return f"{symbol}({', '.join(operands)})"
