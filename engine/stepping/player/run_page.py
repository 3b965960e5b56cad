"""A run as a page that plays its forward and its backward pass, and as the data of that page.

Products and sums of floats are the same in JavaScript to the bit. So the page computes every
gradient from the local derivatives, in the order of the pass, and from what hooks changed.
"""

import re
from contextlib import closing
from html import escape
from pathlib import Path
from typing import Any

from engine.core.modes import numeric_mode
from engine.core.node import ITEM, assign
from engine.core.operation import Operation
from engine.core.origins import place_of
from engine.core.sweep import Gradients
from engine.core.value import Value, is_constant
from engine.drawing import LayoutError, draw
from engine.drawing.canvas import Picture
from engine.outfile import Target
from engine.page import shell
from engine.page.shell import json_float
from engine.source.origin import spelled
from engine.stepping.run import Run
from engine.wording.names import Names, counted, shorten, visible

LIMIT = 5_000  # nodes that a page shows one by one; it loads so many in less than two seconds
PATIENCE = 10.0  # seconds for a layout that shows them all, before the picture is collapsed
ALLOWED = 30.0  # seconds for one that cannot be collapsed further
NEAR, LONG = 100, 400  # columns of source that are shown around an expression, and of it
WORDS: dict[str, Any] = {"unit": "step", "first": "First step"}
WORDS |= {"speeds": (0.5, 1, 3, 10, 50, 500), "speed": 1}
# Parts of Graphviz's SVG that a page has no use for, or that its style says once for all texts. No
# label can look like these, since Graphviz escapes each "<" of a label.
_NEEDLESS = re.compile(
    "<!--.*?-->\n?"
    '|(?<=<text) xml:space="preserve" text-anchor="middle"'
    '|(?<=") font-family="[^"<>]*"( font-size="11.00")?(?=[^<>]*>)',
    re.DOTALL,
)


def to_html(run: Run | Value, path: Target = None, **how: Any) -> str:
    """Return a page that plays the forward and the backward pass; or write it to `path`.

    With a path, it returns that. The page is one file and works offline. It has play and pause,
    single steps in both directions, a bar to seek with, and links to a step (`#step=17`). It opens
    where the run stands; for a run that has not begun that is the first step of the forward pass.
    The run and the gradients on the graph stay as they are.

    Up to 5,000 values are drawn one by one, if that can be laid out in 10 seconds. Otherwise the
    picture is collapsed, and a step lights the box that its node is in.

    Arguments:
        run: the pass, or a Value to go back from, whose gradients may be infinite or nan.
        how: the options of `engine.drawing.draw`, without `expand`.

    Raises:
        LayoutError: no layout program was found.

    >>> from engine import Value
    >>> x = Value(3.0, "x")
    >>> page = to_html((x * x).trace_backward())
    >>> page.startswith("<!doctype html>"), "<noscript>" in page
    (True, True)
    """
    if isinstance(run, Value):
        with numeric_mode("ieee"), closing(Run(run)) as whole:  # one can always look
            return to_html(whole, path, **how)
    if how.get("expand"):
        got = "a player shows the nodes of its run, and expand=True draws others in their place"
        raise ValueError(f"{got}; leave it out")
    forward = sum(bool(node.parents) for node in run.nodes)
    start = forward + run.position if run.position else 0
    with Gradients(run.nodes) as gradients:
        gradients.begin()
        assign(run.nodes, "grad", run._grads)
        picture, svg = _drawing(run, how)
    names = Names(run.nodes[::-1])
    title = names.of(run.root)
    words = f"The graph of {title}; this page tells each step in words"
    labelled = svg.replace("<svg", f'<svg role="img" aria-label="{escape(words)}"', 1)
    return shell.page(
        Path(__file__).parent,
        ("player.html", "player.css", "run.js", "picture.js", "player.js"),
        record(run, picture.ids, start, names),
        path,
        title=f"{title}: forward and backward, step by step",
        name=title,
        count=_count(picture.ids, svg.count('class="edge')),
        parts={"svg": labelled},
        **WORDS,
    )


def _drawing(run: Run, how: dict[str, Any]) -> tuple[Picture, str]:
    """The picture and its SVG, collapsed if it takes too long to lay out the values one by one."""
    final = bool(how.keys() & {"limit", "collapse"})  # the caller says how far to collapse
    how = {"width": None, "legend": False, "grad": True, **how}  # a page scrolls and has its own
    picture = draw(run.root, **{"limit": LIMIT, **how})
    try:
        svg = picture.laid_out("svg", ALLOWED if final else PATIENCE).decode()
    except LayoutError:
        if final:
            raise
        picture = draw(run.root, **how)
        svg = picture.laid_out("svg", ALLOWED).decode()
    return picture, _NEEDLESS.sub("", svg[svg.index("<svg") :])


def _count(ids: dict[Value, str], arrows: int) -> str:
    """How much is drawn: of values and arrows, and of boxes where there are any."""
    shapes = {*ids.values()}
    boxes = sum(each[0] == "g" for each in shapes)
    found = {"box": boxes, "node": len(shapes) - boxes, "arrow": arrows}
    count = ", ".join(counted(n, what) for what, n in found.items() if n)
    return count + f", for {len(ids):,} values" * bool(boxes)


def record(run: Run, ids: dict[Value, str], start: int, names: Names) -> dict[str, Any]:
    """All that the page shows of a run and cannot compute itself, as columns.

    Nodes are numbers, parents before their consumers. In `origins` each place in the source stands
    once. In `ops` each operation stands once: its name, and its symbol if that is written between
    two parents.

    Arguments:
        ids: the id of each node's element in the picture.
        start: the position at which the page opens.
        names: what the nodes are called.

    >>> x = Value(3.0, "x")
    >>> y = x * 2
    >>> found = record(y.trace_backward(), {x: "n0", y: "n1"}, 0, Names())
    >>> found["name"], found["data"], found["parents"], found["local"]
    (['2', 'x', 'y'], [2.0, 3.0, 6.0], [[], [], [1, 0]], [2.0])
    """
    nodes = run.nodes[::-1]
    number = {node: i for i, node in enumerate(nodes)}
    ops: dict[Operation, int] = {}
    places: dict[tuple[str, ...], int] = {}
    return {
        "start": start,
        "seed": json_float(run.seed),
        "id": [ids.get(node, "") for node in nodes],
        "name": [*map(names.of, nodes)],
        "says": [i for i, node in enumerate(nodes) if names.says_how(node)],
        "number": [i for i, node in enumerate(nodes) if is_constant(node)],
        "data": [json_float(node.data) for node in nodes],
        "op": [ops.setdefault(x.op, len(ops)) if x.op and x.parents else -1 for x in nodes],
        "parents": [[number[parent] for parent in node.parents] for node in nodes],
        "origin": [places.setdefault(_place(node), len(places)) for node in nodes],
        "node": [number[step.node] for step in run],
        "position": [step.position for step in run],
        "local": [json_float(step.local) for step in run],
        "hooks": [
            (position, number[node], json_float(found), json_float(changed))
            for position, hooked in run.hooked.items()
            for node, found, changed in hooked
        ],
        "ops": [
            (op.name, "" if op.symbol.isidentifier() or op.expand else op.symbol) for op in ops
        ],
        "origins": [*places],
    }


def _place(node: Value) -> tuple[str, ...]:
    """Where a node was made, and the expression that made it within its line, in three parts."""
    origin = place_of(node)
    if origin is None or node._code is None:
        return ("",) * 4
    ahead, code, behind = map(visible, spelled(node._code, node._at % ITEM))
    ahead = ahead if len(ahead) <= NEAR else f"…{ahead[1 - NEAR :]}"
    return visible(str(origin)), ahead, shorten(code, LONG), shorten(behind, NEAR)
