"""A run as data for a page, without anything that the page can compute itself.

Products and sums of floats are the same in JavaScript to the bit. So the page computes every
gradient from the local derivatives, in the order of the pass, and from what hooks changed.
"""

from typing import Any

from engine.core.operation import Operation
from engine.core.ops import is_constant
from engine.core.origins import name_of, place_of, source_of
from engine.core.value import Value
from engine.page.shell import json_float
from engine.stepping.run import Run
from engine.wording.numbers import visible


def record(run: Run, ids: dict[Value, str], start: int) -> dict[str, Any]:
    """All that the page shows of a run, as columns.

    Nodes are numbers, parents before their consumers. In `origins` each place in the source stands
    once. In `ops` each operation stands once: its name, and its symbol if that is written between
    two parents.

    Arguments:
        ids: the id of each node's element in the picture.
        start: the position at which the page opens.

    >>> x = Value(3.0, "x")
    >>> y = x * 2
    >>> found = record(y.trace_backward(), {x: "n0", y: "n1"}, 0)
    >>> found["name"], found["data"], found["parents"], found["local"]
    (['', 'x', 'y'], [2.0, 3.0, 6.0], [[], [], [1, 0]], [2.0])
    """
    nodes = run.nodes[::-1]
    number = {node: i for i, node in enumerate(nodes)}
    ops: dict[Operation, int] = {}
    places: dict[tuple[str, str, str], int] = {}
    return {
        "start": start,
        "seed": json_float(run.seed),
        "id": [ids.get(node, "") for node in nodes],
        "name": [visible(name_of(node) or "") for node in nodes],
        "number": [i for i, node in enumerate(nodes) if is_constant(node)],
        "data": [json_float(node.data) for node in nodes],
        "op": [
            ops.setdefault(node.op, len(ops)) if node.op and node.parents else -1 for node in nodes
        ],
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


def _place(node: Value) -> tuple[str, str, str]:
    """Where a node was made, the expression that made it, and the line that it stands in."""
    origin = place_of(node)
    if origin is None:
        return "", "", ""
    line = source_of(node) if origin.code else ""
    code = "" if origin.library else origin.code
    return visible(str(origin)), visible(code), visible(line)
