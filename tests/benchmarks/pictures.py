"""pictures: twelve graphs as gradwalk, micrograd and torchviz draw them, side by side on a sheet.

The sheet is `out/pictures.html`; a line of the table says how large each picture is. All pictures
are laid out by the same program. The peers get the same graph in micrograd's language. Where that
has no word for it (a cross-entropy), they draw the squared errors of the same network.
"""

import html
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import graphviz

import nn
from engine.drawing import LayoutError, draw
from engine.drawing.layout import render
from tests.benchmarks.harness import Effort
from tests.benchmarks.report import Row, bound
from tests.benchmarks.systems import GRADWALK, MICROGRAD, TORCHVIZ, installed, leaf_of, load

__all__ = ["GRAPHS", "Size", "measure_pictures", "picture_of"]

SHEET = Path("out/pictures.html")
WIDE = 1600  # pixels: the most that a picture of ours may take
LIMIT = 30.0  # seconds that a peer gets for one picture
Leaf = Callable[[float], Any]


# --- the graphs, in micrograd's language ---------------------------------------------------------
def neuron(leaf: Leaf) -> Any:
    """One neuron of two inputs."""
    x1, x2, w1, w2, b = leaf(2.0), leaf(0.5), leaf(-3.0), leaf(1.0), leaf(6.9)
    return (x1 * w1 + x2 * w2 + b).relu()


def untrained(leaf: Leaf) -> Any:
    """A square of a difference, before any backward pass."""
    w, x, y = leaf(0.5), leaf(-3.0), leaf(2.0)
    return (w * x - y) ** 2


def readme(leaf: Leaf) -> Any:
    """The example of micrograd's README."""
    a, b = leaf(-4.0), leaf(2.0)
    c = a + b
    d = a * b + b**3
    c = c + c + 1
    c = c + 1 + c + (-a)
    d = d + d * 2 + (b + a).relu()
    d = d + 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    return g + 10.0 / f


def line(leaf: Leaf) -> Any:
    """How far a line is from four points."""
    w, b = leaf(0.5), leaf(0.1)
    points = [(-1.0, -0.8), (0.0, 0.3), (1.0, 0.9), (2.0, 2.2)]
    losses = [(w * x + b - y) ** 2 for x, y in points]
    return (losses[0] + losses[1] + losses[2] + losses[3]) * 0.25


def chain(leaf: Leaf, length: int = 15) -> Any:
    """A long chain of operations."""
    y = leaf(1.0)
    for _ in range(length):
        y = (y * 1.1 + 0.1).relu()
    return y


def long_chain(leaf: Leaf) -> Any:
    """A very long chain of operations."""
    return chain(leaf, 200)


def recurrent(leaf: Leaf, steps: int = 3) -> Any:
    """A recurrent network: at each step the same three weights."""
    wx, wh, bh, h = leaf(0.5), leaf(0.8), leaf(0.1), leaf(0.2)
    for x in [1.0, 0.5, -0.3, 2.0, 0.3, -0.4, 0.8, 1.2][:steps]:
        h = (wx * leaf(x) + wh * h + bh).relu()
    return h


def recurrent_long(leaf: Leaf) -> Any:
    """The same for eight steps."""
    return recurrent(leaf, 8)


def network(leaf: Leaf, sizes: list[int], xs: list[list[float]], ys: list[float]) -> Any:
    """The squared errors of a network of relu on samples, in elementary operations."""
    rng = random.Random(1)
    layers = [
        [([leaf(rng.uniform(-1, 1)) for _ in range(n_in)], leaf(0.0)) for _ in range(n_out)]
        for n_in, n_out in pairwise(sizes)
    ]
    total: Any = 0.0
    for sample, y in zip(xs, ys, strict=True):
        values = [leaf(x) for x in sample]
        for depth, layer in enumerate(layers, start=1):
            values = [sum((w * x for w, x in zip(ws, values, strict=True)), b) for ws, b in layer]
            values = [v.relu() for v in values] if depth < len(layers) else values
        for value in values:
            total = total + (value - y) ** 2
    return total


# --- the graphs of ours that are made by `nn` ----------------------------------------------------
SAMPLES, TARGETS = [[2.0, 3.0, -1.0], [3.0, -1.0, 0.5], [0.5, 1.0, 1.0]], [1.0, -1.0, -1.0]
FLOWER = [0.4, -0.6, 0.5, 0.7]
MOONS = [[random.Random(i).uniform(-1, 1), random.Random(-i).uniform(-1, 1)] for i in range(1, 13)]
SIGNS = [1.0 if x > y else -1.0 for x, y in MOONS]


def sample() -> Any:
    """A network of 41 parameters on one sample."""
    model: Any = nn.MLP(3, [4, 4, 1], activation="relu", rng=1)
    return (model(SAMPLES[0]) - 1.0) ** 2


def three_samples() -> Any:
    """Micrograd's little MLP on three samples."""
    model: Any = nn.MLP(3, [4, 4, 1], activation="relu", rng=1)
    loss = sum((model(xs) - y) ** 2 for xs, y in zip(SAMPLES, TARGETS, strict=True))
    return loss  # noqa: RET504 (the picture takes its name from the variable)


def iris() -> Any:
    """The loss of one flower, as the README's first command draws it."""
    loss = nn.cross_entropy(nn.MLP(4, [5, 3], activation="tanh", rng=7)(FLOWER), 1)
    loss.label = "loss"
    return loss


def moons() -> Any:
    """A batch of twelve points, and 337 parameters."""
    model: Any = nn.MLP(2, [16, 16, 1], activation="relu", rng=1)
    losses = [(1 - y * model(x)).relu() for x, y in zip(MOONS, SIGNS, strict=True)]
    loss = sum(losses) / len(losses) + 1e-4 * sum(p * p for p in model.parameters())
    return loss  # noqa: RET504


@dataclass(frozen=True)
class Graph:
    """One graph: what the peers draw, and what we draw where that is made by `nn`."""

    theirs: Callable[[Leaf], Any]
    own: Callable[[], Any] | None = None
    swept: bool = True

    def output(self, system: str) -> Any:
        """The graph in one of the systems, after its backward pass."""
        own = self.own if system == GRADWALK else None
        output = own() if own else self.theirs(leaf_of(system))
        if self.swept:
            output.backward()
        return output


GRAPHS: dict[str, Graph] = {
    "a neuron": Graph(neuron),
    "before backward()": Graph(untrained, swept=False),
    "micrograd's README": Graph(readme),
    "a line and four points": Graph(line),
    "a chain of 45": Graph(chain),
    "a chain of 600": Graph(long_chain),
    "recurrent, 3 steps": Graph(recurrent),
    "recurrent, 8 steps": Graph(recurrent_long),
    "MLP, one sample": Graph(lambda leaf: network(leaf, [3, 4, 4, 1], SAMPLES[:1], [1.0]), sample),
    "MLP, three samples": Graph(
        lambda leaf: network(leaf, [3, 4, 4, 1], SAMPLES, TARGETS), three_samples
    ),
    "python -m demos": Graph(lambda leaf: network(leaf, [4, 5, 3], [FLOWER], [1.0]), iris),
    "MLP, a batch of twelve": Graph(
        lambda leaf: network(leaf, [2, 16, 16, 1], MOONS, SIGNS), moons
    ),
}


# --- the peers' pictures -------------------------------------------------------------------------
def micrograd_dot(root: Any) -> str:
    """What micrograd's notebook draws: a record for each value, a circle for each operation."""
    picture, seen, stack = graphviz.Digraph(graph_attr={"rankdir": "LR"}), set(), [root]
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        name = str(id(node))
        picture.node(name, f"{{ data {node.data:.4f} | grad {node.grad:.4f} }}", shape="record")
        if node._op:
            picture.node(name + node._op, node._op)
            picture.edge(name + node._op, name)
        for parent in node._prev:
            picture.edge(str(id(parent)), name + node._op)
            stack.append(parent)
    return str(picture.source)


@dataclass(frozen=True)
class Size:
    """How large a picture is in CSS pixels, and its smallest letters; or why there is none."""

    width: float = 0.0
    height: float = 0.0
    letters: float = 0.0
    failed: str = ""

    @classmethod
    def of(cls, svg: str) -> "Size":
        """Read from an SVG of Graphviz's, which is in points."""
        width, height = map(float, re.findall(r'(?:width|height)="([\d.]+)pt"', svg)[:2])
        scale = float((re.search(r'transform="scale\(([\d.]+)', svg) or [0, 1])[1])
        sizes = [float(size) for size in re.findall(r'font-size="([\d.]+)"', svg)]
        px = 4 / 3
        return cls(width * px, height * px, min(sizes, default=14.0) * scale * px)

    def __str__(self) -> str:
        return self.failed or f"{self.width:,.0f} x {self.height:,.0f}, {self.letters:.0f} px"


def picture_of(system: str, graph: Graph) -> tuple[str, Size]:
    """A system's picture of a graph, and its size."""
    output = graph.output(system)
    try:
        if system == GRADWALK:
            svg = draw(output).laid_out().decode()
        else:
            made = micrograd_dot if system == MICROGRAD else load("torchviz").make_dot
            found = made(output)
            source = found if isinstance(found, str) else found.source
            svg = render(source, timeout=LIMIT).decode()
    except LayoutError as error:
        late = "took more than" in str(error)
        return "", Size(failed=f"over {LIMIT:g} s" if late else "crashes the layout program")
    return svg[svg.index("<svg") :], Size.of(svg)


def measure_pictures(effort: Effort) -> list[Row]:
    """A line for each graph, and the sheet."""
    systems = [GRADWALK, *installed([MICROGRAD, TORCHVIZ])]
    rows, cells = [], []
    for name, graph in GRAPHS.items():
        drawn = {system: picture_of(system, graph) for system in systems}
        sizes = {system: size for system, (_, size) in drawn.items()}
        ours = sizes.pop(GRADWALK)
        area = ours.width * ours.height
        rows.append(
            Row(
                f"picture, {name}",
                str(ours),
                "; ".join(f"{system} {size}" for system, size in sizes.items()),
                ", ".join(
                    "" if size.failed else f"**{size.width * size.height / area:.1f}x**"
                    for size in sizes.values()
                ),
                bound(ours.width, WIDE, " px"),
            )
        )
        cells.append(_cells(name, drawn))
    SHEET.parent.mkdir(exist_ok=True)
    head = "".join(f"<th>{system}</th>" for system in systems)
    page = _PAGE.format(head=head, body="\n".join(cells))
    SHEET.write_text(page, encoding="utf-8")
    print(f"  the sheet is {SHEET}")
    return rows


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Twelve graphs, three ways to draw them</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 15px system-ui, sans-serif; margin: 16px }}
table {{ border-collapse: collapse; width: 100% }}
td, th {{ border: 1px solid #8888; padding: 8px; width: 33%; vertical-align: top }}
figure {{ margin: 0 }}
figure svg {{ width: 100%; height: 340px; display: block }}
td.peer svg {{ background: white }}
</style>
<table><tr>{head}</tr>
{body}
</table></html>
"""


def _cells(name: str, drawn: dict[str, tuple[str, Size]]) -> str:
    """A row of the sheet: each picture as large as it is, up to what a slide's third can hold."""
    cells = []
    for system, (svg, size) in drawn.items():
        sized = re.sub(
            r'<svg width="[^"]*" height="[^"]*"',
            f'<svg style="max-width:{size.width:.0f}px;max-height:{size.height:.0f}px"',
            svg,
            count=1,
        )
        kind = "own" if system == GRADWALK else "peer"
        caption = f"<b>{html.escape(name)}</b><br>{size}"
        cells.append(
            f'<td class="{kind}"><figure>{sized}<figcaption>{caption}</figcaption></figure>'
        )
    return f"<tr>{''.join(cells)}"
