"""The album: graphs of many kinds and the shapes, words, rows and styles that they are drawn with.

How a picture is arranged has no right answer that a test could compute, and yet each detail was
chosen by looking. `python -m tests.drawing.album` writes tests/data/album.txt; look at the pictures
whose lines change.
"""

import ast
import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial, reduce
from importlib import import_module
from math import inf, nan
from operator import add, mul
from pathlib import Path
from typing import Any
from zlib import crc32

import engine.drawing
from engine import Value, numeric_mode
from engine.drawing import draw, to_dot, tree
from engine.drawing.wrapping import wrap
from nn import MLP, mse_loss
from tests.meanings import branch, dead, network, neuron, scores

FILE = Path(__file__).parents[1] / "data" / "album.txt"


def chain(many: int) -> Value:
    return reduce(mul, [Value(1 + (i % 5 - 2) / 8, f"x{i}") for i in range(many)])


def ladder(many: int) -> Value:
    """Each step uses the one before it twice, and the first one again."""
    a = x = Value(0.5, "x")
    for i in range(many):
        a = (a * a + x).tanh() if i % 3 else a.exp() - a
    return a


def samples(many: int, *widths: int) -> Value:
    """The loss of a small network over so many samples."""
    model = MLP(2, widths, activation="tanh", rng=1)
    for i, parameter in enumerate(model.parameters()):
        parameter.data = (i % 7 - 3) / 4
    rows = [[i / 4, 1 - i / 8] for i in range(many)]
    return mse_loss([model(row) for row in rows], [float(i % 2) for i in range(many)])


def prepared() -> Any:
    """Inputs are scaled ahead of the layers, and two losses come behind them on several lines."""
    model = MLP(2, [2, 2], activation="tanh", rng=1)
    for i, parameter in enumerate(model.parameters()):
        parameter.data = (i % 5 - 2) / 4
    a, b = Value(2.0, "a"), Value(4.0, "b")
    xs = [(a - 1.0) / 0.5, (b + 1.0) / 2.5]
    u, v = model(xs)
    square = (u - 1.0) ** 2
    size = abs(u) + abs(v)
    return {"first": square + 0.1 * size, "second": (v - u).exp()}


def plain(width: int) -> Value:
    """A layer written by hand, whose neurons are lists of Values and in no layer."""
    xs = [Value(i / 2, f"x{i}") for i in range(3)]
    outs = []
    for i in range(width):
        ws = [Value((i + j) / 4 - 1) for j in range(3)]
        outs.append(engine.relu(engine.sum([w * x for w, x in zip(ws, xs, strict=True)])))
    return reduce(add, outs)


def wild(many: int, seed: int) -> Value:
    rng = random.Random(seed)
    nodes = [Value(rng.uniform(-2, 2), f"in{i}") for i in range(4)]
    for _ in range(many):
        a, b = rng.choice(nodes), rng.choice(nodes[-6:])
        nodes.append(rng.choice([a + b, a * b, a - b, a.tanh(), engine.maximum(a, b)]))
    return engine.sum(nodes[-3:])


def odd() -> Value:
    with numeric_mode("ieee"):
        x, y = Value(inf, "x"), Value(nan, "a name that is far too long to be shown whole in a box")
        return x * 0.0 + y - Value(1e-300, "tiny") * Value(-123456789.0, "x[3].y")


def stale() -> Value:
    (loss, leaves) = neuron()
    leaves[0].data = 7.0
    return loss


Graph = Callable[[], Any]
NETWORKS: dict[str, Graph] = {
    "neuron": lambda: neuron()[0],
    "dead": lambda: dead()[0],
    "scores": lambda: scores()[0],
    "branch": lambda: branch()[0],
    "network": lambda: network()[0],
    "several": lambda: {"first": neuron()[0], "second": [dead()[0], chain(2)]},
    "leaf": lambda: Value(3.0, "x"),
    "odd": odd,
    "stale": stale,
    **{f"chain of {n}": partial(chain, n) for n in (5, 25, 70, 300)},
    **{f"ladder of {n}": partial(ladder, n) for n in (7, 20)},
    "samples": partial(samples, 3, 4, 1),
    "more samples": partial(samples, 9, 3, 3, 1),
    "no gradients": partial(samples, 9, 3, 1),
    "prepared": prepared,
    "deep": partial(samples, 2, 3, 3, 3, 3, 3, 1),
    "by hand": partial(plain, 3),
    "more by hand": partial(plain, 5),
    "much by hand": partial(plain, 14),
    **{f"wild {n}": partial(wild, n, n) for n in (9, 18, 33, 64)},
}
AS_THEY_ARE = "stale", "no gradients", "several", "prepared"
UNDER_THE_MOUSE = "neuron", "network", "ladder of 7", "by hand", "wild 18", "odd", *AS_THEY_ARE
WAYS: list[dict[str, Any]] = [
    *({"direction": way} for way in ("TB", "RL", "BT")),
    *({"collapse": level} for level in (0, 1, 2)),
    *({"width": width} for width in (None, 400, 900)),
    {"depth": 2},
    {"limit": 5},
    {"expand": True, "legend": False},
    {"strength": True, "direction": "TB", "width": 700},
]
LARGE = "more samples", "deep", "wild 64", "no gradients"
LARGE_WAYS: list[dict[str, Any]] = [
    *({"collapse": level, "width": 500} for level in (0, 1, 2)),
    {"direction": "TB", "width": 600},
    {"limit": 12, "width": 1000},
]
NO_LAYERS = ("wild 64",)
SMALL = "neuron", "network", "ladder of 7", "by hand", "wild 18"
SHOWN = "dead", "odd", "network", "chain of 70"
TREES: list[dict[str, Any]] = [{"depth": 2}, {"depth": 20, "lines": 12}, {"depth": 0, "lines": 1}]


def entries() -> Mapping[str, Callable[[], Iterable[str]]]:
    """The pictures and trees by name, and functions that draw them."""
    pictures: list[tuple[str, dict[str, Any]]] = [(name, {}) for name in NETWORKS]
    pictures += [(name, way) for name in SMALL for way in WAYS]
    pictures += [(name, way) for name in LARGE for way in LARGE_WAYS]
    pictures += [(name, {"open": ["L0"], "width": 900}) for name in LARGE if name not in NO_LAYERS]
    pictures += [("prepared", {"collapse": level, "width": 700}) for level in (0, 1, 2)]
    trees: list[tuple[str, dict[str, Any]]] = [(name, {}) for name in NETWORKS]
    trees += [(name, way) for name in SMALL for way in TREES]
    made = {f"{name}{_about(way)}": partial(_drawn, name, way) for name, way in pictures}
    made |= {f"tree of {name}{_about(way)}": partial(_tree, name, way) for name, way in trees}
    made |= {f"{name}, under the mouse": partial(_titles, name) for name in UNDER_THE_MOUSE}
    made |= {f"{name}, in colours": partial(_in_colours, name) for name in SHOWN}
    made |= {f"{name}, at a terminal": partial(_at_a_terminal, name) for name in SHOWN}
    made |= {f"rows of {n} shapes": partial(_rows, n) for n in (1, 2, 3, 6, 11, 19, 33, 60, 110)}
    return made | {"numbers": _numbers}


def _about(way: dict[str, Any]) -> str:
    return "".join(f", {option}={what}" for option, what in way.items())


def _built(name: str) -> Any:
    value = NETWORKS[name]()
    if name not in AS_THEY_ARE:
        with numeric_mode("ieee"):
            value.backward()
    return value


def _drawn(name: str, way: dict[str, Any]) -> list[str]:
    text = re.sub(r"album\.py:\d+", "album.py", to_dot(_built(name), **way))  # its lines move
    return text.splitlines()


def _tree(name: str, way: dict[str, Any]) -> list[str]:
    return str(tree(_built(name), color=False, **way)).splitlines()


def _in_colours(name: str) -> list[str]:
    return [line.replace("\x1b", "^") for line in str(tree(_built(name), color=True)).splitlines()]


def _at_a_terminal(name: str) -> list[str]:
    return repr(draw(_built(name))).splitlines()


def _titles(name: str) -> list[str]:
    """What shapes and arrows say where the mouse rests, but for lines of files and last digits."""
    titles = [f"{ident}: {title!r}" for ident, title in draw(_built(name)).titles.items()]
    titles = [re.sub(r"made in .*?:\d+", "made in a line", title) for title in titles]
    return [re.sub(r"\d+\.\d{6,}", lambda x: f"{float(x[0]):.6g}", title) for title in titles]


def _rows(many: int) -> Iterator[str]:
    """The row of each shape of random graphs, and how large all of it is."""
    rng = random.Random(many)
    extents = {f"n{i}": (rng.uniform(20, 90), rng.uniform(15, 60)) for i in range(many)}
    back = many // 3 + 1, 4, 1  # how far arrows come from
    for far in back:
        edges = [(f"n{i - 1 - rng.randrange(far)}", f"n{i}") for i in range(many) for _ in range(2)]
        edges = [edge for edge in edges if edge[0] in extents]
        for along, gap, most in (
            (0, 40.0, 300.0),
            (1, 25.0, 300.0),
            (0, 15.0, 700.0),
            (1, 9.0, 90),
        ):
            found = wrap(edges, extents, along, gap, most, [*extents][::3])
            places = " ".join(f"{at}:{found.column[each]}" for each, at in found.row.items())
            sizes = f"{found.columns} {found.length:.6g} {found.breadth:.6g}"
            yield f"from {far}, {along} {gap:g} {most:g}: {sizes}, {places}"


def _numbers() -> Iterator[str]:
    """The constants of the room, each of which was chosen by looking."""
    for path in sorted(Path(engine.drawing.__file__).parent.glob("*.py")):
        module = import_module(f"engine.drawing.{path.stem}")
        for line in ast.parse(path.read_text(encoding="utf-8")).body:
            walked = ast.walk(line) if isinstance(line, ast.Assign) else ()
            for name in [each for each in walked if isinstance(each, ast.Name)]:
                number = getattr(module, name.id, None)
                if isinstance(number, int | float) and isinstance(name.ctx, ast.Store):
                    yield f"{path.stem}.{name.id} = {number}"


def page(name: str, styles: dict[str, str] | None = None) -> list[str]:
    """The lines of an entry. Those of pictures have marks instead of styles, which `styles` takes:
    the last page of the album says which is which.
    """
    styles = {} if styles is None else styles

    def short(line: str) -> str:
        found = re.fullmatch(r"(\s*.*?) \[(?:label=(\"(?:[^\"\\]|\\.)*\"|\S+) )?(.*)\]", line)
        if not found:
            return line
        head, label, style = found.groups()
        style = re.sub(r" ?\bid=\S+", "", style)
        mark = styles[style] = f"~{crc32(style.encode()):08x}"
        return " ".join(filter(None, [head, label, mark]))

    return [*map(short, entries()[name]())]


def album() -> dict[str, list[str]]:
    """The lines of all pages."""
    styles: dict[str, str] = {}
    pages = {name: page(name, styles) for name in entries()}
    return pages | {"styles": sorted(f"{mark} {style}" for style, mark in styles.items())}


def main() -> None:
    """Write the file anew."""
    pages = ["\n".join([f"== {name}", *lines]) for name, lines in album().items()]
    FILE.write_text("\n".join(pages) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
