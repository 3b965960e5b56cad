"""Collapses a graph that is too large to read, by neuron and layer or by line and function.

Each node has a coarse and a fine address. Where parameters have names such as `L0.N3.w2`, these are
the layer and the neuron; else they are the function and the line of source that made the node.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine.choices import similar
from engine.core import origins
from engine.core.value import Value
from engine.drawing.view import View
from engine.wording.addresses import Address, addresses, every
from engine.wording.names import shorten

SMALL = 3  # so few nodes are drawn rather than named
OUTPUTS = 20  # more of them than that are drawn as one box
BOXES, ARROWS = 120, 1000  # more than that is neither read nor laid out in a second


@dataclass
class Grouping:
    """Which nodes of a view are drawn as one box; a node in no box is drawn by itself.

    Attributes:
        boxes: the nodes of each box, by its name. of: the name of the box that a node is in.
        frames: for each node inside of an opened box, the name of that box.
    """

    boxes: dict[str, list[Value]]
    of: dict[Value, str]
    frames: dict[Value, str]

    def ids(self, view: View) -> dict[Value, str]:
        """For each node the id of what shows it: that of a box, as g0, or its own, as n5."""
        boxes = {name: f"g{i}" for i, name in enumerate(self.boxes)}
        return {
            node: boxes[self.of[node]] if node in self.of else f"n{i}"
            for i, node in enumerate(view.nodes)
        }


def group(
    view: View, collapse: int | None = None, open: str | Iterable[str] = (), limit: int = 500
) -> Grouping:
    """Collapse a view of more than `limit` nodes, or as `collapse` and `open` say; see `draw`."""
    if collapse is not None and (type(collapse) is not int or collapse not in (0, 1, 2)):
        raise ValueError(
            "collapse is 0 (nothing), 1 (by layer, or by function), 2 (by neuron, or by line) or "
            f"None (as fine as can be read, past {limit} values), got {collapse!r}"
        )
    if type(limit) is not int or limit < 0:
        raise ValueError(f"limit is a number of values from 0 on, got {limit!r}")
    if not isinstance(open, Iterable) or not all(isinstance(name, str) for name in open):
        raise TypeError(
            f'open takes names of groups, such as "L0.N3" or a list of them, got {open!r}'
        )
    names = {open} if isinstance(open, str) else {*open}
    if collapse == 0 or (collapse is None and len(view.nodes) <= limit and not names):
        return Grouping({}, {}, {})
    paths = _paths(view)
    _check(names, paths)
    for level in (2, 1) if collapse is None else (collapse,):
        found = _collapse(view, paths, level, names)
        ids = found.ids(view)
        readable = len({*ids.values()}) <= BOXES and len(arrows(ids)) <= ARROWS
        if collapse is not None or readable:
            return found
    # so many functions or layers that even these cannot be read: one box for each operation
    alike = {node: paths[node] and every(node) for node in view.nodes}
    return found if names else _collapse(view, alike, 1, names)


def counts(view: View) -> list[tuple[int, int]]:
    """How many boxes and nodes would be drawn at each level of collapsing."""
    paths = _paths(view)
    found = [(level, _collapse(view, paths, level, set()).ids(view)) for level in (1, 2)]
    return [(level, len({*ids.values()})) for level, ids in found]


def _paths(view: View) -> dict[Value, Address]:
    """The address of each node. That of a few outputs is empty, which keeps them out of boxes."""
    many = len(view.outputs) > OUTPUTS
    return addresses(view.nodes) | dict.fromkeys(view.outputs, ("outputs",) if many else ())


def arrows(ids: Mapping[Value, str]) -> Counter[tuple[str, str]]:
    """How many edges go from each box or single node to each other one, by their ids."""
    return Counter(
        (ids[parent], ids[node])
        for node in ids
        for parent in node.parents
        if parent in ids and ids[parent] != ids[node]
    )


def _collapse(view: View, paths: Mapping[Value, Address], level: int, open: set[str]) -> Grouping:
    found = Grouping({}, {}, {})
    members: dict[str, list[Value]] = {}
    for node in view.nodes:
        path = paths[node]
        if not path:
            continue
        # the first part of the address that is not open; inside an open box one level finer
        at = min(level, len(path)) - 1
        opened = next((name for name in reversed(path[: at + 1]) if name in open), None)
        if opened is not None:
            found.frames[node] = opened
            at += 1
            if at >= len(path) or path[at] in open or path[at] == opened:
                continue
        members.setdefault(path[at], []).append(node)
    for name, nodes in members.items():
        if len(nodes) > SMALL:
            found.boxes[name] = nodes
            found.of |= dict.fromkeys(nodes, name)
    return found


def about(name: str, nodes: Sequence[Value]) -> str:
    """What a box says of its nodes: their line of source, operations by frequency, and leaves."""
    origin = origins.place_of(nodes[0])
    line = origins.source_of(nodes[0])
    shown = [shorten(line)] if origin and line and str(origin) == name else []
    made = Counter(node.op.name for node in nodes if node.op is not None and node.parents)
    common = [name for name, _ in made.most_common(4)]
    if len(made) > 4:
        common[3:] = ["…"]
    leaves = sum(not node.parents for node in nodes)
    if leaves:
        common.append(f"{leaves:,} lea{'f' if leaves == 1 else 'ves'}")
    return "\n".join([*shown, ", ".join(common)])


def _check(names: set[str], paths: Mapping[Value, Address]) -> None:
    known = dict.fromkeys(name for path in paths.values() for name in path)
    for name in sorted(names - known.keys()):
        near = similar(name, known, 3) or [*known][:3]
        some = f"; there are {len(known)}, among them {', '.join(map(repr, near))}"
        has = some if known else ", since it has none"
        raise ValueError(f"there is no group {name!r} to open in this graph{has}")
