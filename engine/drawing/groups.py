"""Collapses a graph that is too large to read into boxes.

In a network these are its layers and neurons, its inputs, and all that the loss is made of behind
the last layer. Anything else is collapsed by the function and the line of source that made it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from engine.choices import similar
from engine.core.value import Value
from engine.drawing.view import View
from engine.wording.addresses import Address, addresses, every, modules

INPUTS = "inputs"  # the name of the box of all inputs
SMALL = 3  # so few nodes are drawn rather than named
OUTPUTS = 20  # more of them than that are drawn as one box
ARROWS = 150  # more than that cannot be read


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
        single = {node: f"n{i}" for i, node in enumerate(view.nodes)}
        return single | {node: boxes[name] for node, name in self.of.items()}


def group(
    view: View,
    collapse: int | None = None,
    open: str | Iterable[str] = (),
    limit: int = 60,
    readable: Callable[[Grouping], bool] = lambda grouping: True,
) -> Grouping:
    """Collapse a view into at most `limit` shapes, or as `collapse` and `open` say; see `draw`.

    Arguments: `readable` says whether a grouping can be read; else a coarser one is tried.
    """
    if collapse is not None and (type(collapse) is not int or collapse not in (0, 1, 2)):
        levels = "0 (nothing), 1 (by layer, or by function), 2 (by neuron, or by line)"
        fine = f"None (as fine as can be read, in {limit} shapes)"
        raise ValueError(f"collapse is {levels} or {fine}, got {collapse!r:.60}")
    if type(limit) is not int or limit < 0:
        raise ValueError(f"limit is a number of shapes from 0 on, got {limit!r:.60}")
    if not isinstance(open, Iterable) or not all(isinstance(name, str) for name in open):
        expected = 'open takes names of groups, such as "L0.N3" or a list of them'
        raise TypeError(f"{expected}, got {open!r:.60}")
    names = {open} if isinstance(open, str) else {*open}
    for found in _groupings(view, collapse, names, limit):
        ids = found.ids(view)
        few = len({*ids.values()}) <= limit and (not found.boxes or len(arrows(ids)) <= ARROWS)
        if collapse is not None or (few and readable(found)):
            break
    return found


def _groupings(view: View, collapse: int | None, names: set[str], limit: int) -> Iterator[Grouping]:
    """The ways to collapse a view, the finest first."""
    if collapse == 0 or (collapse is None and not names and len(view.nodes) <= limit):
        yield Grouping({}, {}, {})
    if collapse != 0:
        paths = paths_of(view)
        _check(names, paths)
        for level in (2, 1) if collapse is None else (collapse,):
            found = _collapse(view, paths, level, names if level > 1 else _with_outer(names, paths))
            found.frames = {node: name for node, name in found.frames.items() if name in names}
            yield found
        if not names:  # so many layers or functions that even these cannot be read
            alike = {node: paths[node] and every(node) for node in view.nodes}
            yield _collapse(view, alike, 1, names)
            yield _collapse(view, {n: alike[n] and ("everything",) for n in alike}, 1, names)


def _with_outer(names: set[str], paths: Mapping[Value, Address]) -> set[str]:
    """Names of boxes to open, with those of the boxes around them."""
    at = {path: i for path in {*paths.values()} for i, name in enumerate(path) if name in names}
    return names.union(*(path[:i] for path, i in at.items()))


def counts(view: View) -> list[tuple[int, int]]:
    """How many boxes and nodes would be drawn at each level of collapsing."""
    paths = paths_of(view)
    found = [(level, _collapse(view, paths, level, set()).ids(view)) for level in (1, 2)]
    return [(level, len({*ids.values()})) for level, ids in found]


def paths_of(view: View) -> dict[Value, Address]:
    """The address of each node. That of a few outputs is empty, which keeps them out of boxes."""
    units = modules(view.nodes)
    paths = addresses(view.nodes, units)
    if units:
        paths |= {n: (INPUTS,) for n in view.nodes if view.kinds[n] == "input" and n not in units}
        behind = _behind(view, units)
        places = {paths[node][-1] for node in behind}
        terms = _terms(view, places)
        for node in behind:  # by their lines, if these are several
            paths[node] = (terms, paths[node][-1])[: len(places)]
    many = len(view.outputs) > OUTPUTS
    return paths | dict.fromkeys(view.outputs, ("outputs",) if many else ())


def _behind(view: View, units: Mapping[Value, Address]) -> list[Value]:
    """The operations behind the last layers: no unit is made of them."""
    before: set[Value] = set()
    for node in reversed(view.nodes):
        if node in units or node in before:
            before.update(node.parents)
    return [node for node in view.nodes if node.parents and not (node in before or node in units)]


def _terms(view: View, places: set[str]) -> str:
    """What the outputs are made of behind the last layers: `loss terms`."""
    names = [view.name(output) for output in view.outputs]
    if len(names) == 1 and names[0]:
        return f"{names[0]} terms"
    return min(places) if len(places) == 1 else "terms"


def arrows(ids: Mapping[Value, str]) -> Counter[tuple[str, str]]:
    """How many edges go from each box or single node to each other one, by their ids."""
    edges = [(ids[p], ids[node]) for node in ids for p in node.parents if p in ids]
    return Counter((tail, head) for tail, head in edges if tail != head)


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
            at += 1
            inside = at < len(path) and path[at] in open
            found.frames[node] = path[at] if inside else opened
            if at >= len(path) or inside or path[at] == opened:
                continue
        members.setdefault(path[at], []).append(node)
    for name, nodes in members.items():
        if len(nodes) > SMALL:
            found.boxes[name] = nodes
            found.of |= dict.fromkeys(nodes, name)
    return found


def _check(names: set[str], paths: Mapping[Value, Address]) -> None:
    known = dict.fromkeys(name for path in paths.values() for name in path)
    for name in sorted(names - known.keys()):
        near = similar(name, known, 3) or [*known][:3]
        some = f"; there are {len(known)}, among them {', '.join(map(repr, near))}"
        has = some if known else ", since it has none"
        raise ValueError(f"there is no group {name!r} to open in this graph{has}")
