"""Chooses which nodes of a graph are drawn, and finds out what kind of node each is.

Nothing here needs Graphviz: `groups` collapses a view, and `picture` draws it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from engine.core.copies import shallow_copy
from engine.core.graph import check_fresh, reverse_order, topological
from engine.core.modes import StaleValueError, numeric_mode, recording
from engine.core.node import edges
from engine.core.origins import name_of
from engine.core.sweep import gradients_of
from engine.core.value import Value, is_constant
from engine.wording.addresses import kinds_of
from engine.wording.names import LONGEST, Names, number, operation, safe

# One Value, or several in lists, tuples and dictionaries, which may lie in each other.
Outputs: TypeAlias = Value | Iterable["Outputs"] | Mapping[Any, "Outputs"]


@dataclass(frozen=True)
class View:
    """The part of a graph that is drawn.

    Attributes:
        outputs: the values that were given, each with its key or its index in what was given.
        nodes: what is to be seen, parents before their consumers.
        kinds: what each of them is: a leaf, parameter, input, operation or output.
        names: what nodes are called, as in every other view of the same outputs.
        swept: whether gradients are shown.
        stale: what to say where a leaf was changed after what was computed from it.
    """

    outputs: Mapping[Value, str]
    nodes: list[Value]
    kinds: Mapping[Value, str]
    names: Names
    swept: bool = True
    stale: str = ""

    @cached_property
    def seed(self) -> float:
        """The largest gradient of an output, to which all others are compared; 0 before a sweep."""
        return max(abs(output.grad) for output in self.outputs)

    def name(self, node: Value, width: int | None = None) -> str:
        """What a node is called, or the key under which it was given as an output."""
        given = self._key(node)
        return safe(given, width or LONGEST) if given else self.names.of(node, width)

    def says_how(self, node: Value) -> bool:
        """Whether what a node is called is an expression, in which its operation is to be read."""
        return not self._key(node) and self.names.says_how(node)

    def made(self, node: Value) -> str:
        """The operation of a node: its sign, or all of it if a parent has no arrow."""
        if node.op is None or all(parent in self.kinds for parent in node.parents):
            return node.op.symbol if node.op and node.parents else ""
        named = [self.name(p) if p.parents or name_of(p) else number(p.data) for p in node.parents]
        return operation(node.op, [each if len(each) <= 12 else "…" for each in named])

    def _key(self, node: Value) -> str:
        given = self.outputs.get(node, "")
        return "" if re.fullmatch(r"(\[\d+\]|, )*", given) else given  # an index is no name

    def hidden(self, node: Value) -> int:
        """How many of a node's parents are not drawn; numbers do not count."""
        return sum(not (p in self.kinds or is_constant(p)) for p in node.parents)


def view(
    given: Outputs,
    *,
    depth: int | None = None,
    only: Outputs | None = None,
    expand: bool = False,
    parameters: Outputs | None = None,
    inputs: Outputs | None = None,
    grad: bool | None = None,
) -> View:
    """Choose what is drawn of the graph below some Values; the arguments are those of `draw`."""
    outputs = outputs_of("draw", given)
    if depth is not None and (isinstance(depth, bool) or not isinstance(depth, int) or depth < 0):
        raise ValueError(f"depth is how many steps from the output, 0 or more, got {depth!r:.60}")
    order = topological(*reversed(outputs))  # the last is drawn first: the first goes above
    gradients_of(order)  # as floats
    sources = None if only is None else _among(order, only)
    own = None if parameters is None else {v for _, v in _named("parameters", parameters)}
    data = None if inputs is None else {v for _, v in _named("inputs", inputs)}
    if expand:
        copies = opened(order)
        outputs = {copies[node]: name for node, name in outputs.items()}
        order = topological(*reversed(outputs))
        wanted = sources, own, data
        sources, own, data = (each and {copies.get(x, x) for x in each} for each in wanted)
    nodes = [node for node in order if node in outputs or not is_constant(node)]
    kinds = kinds_of(outputs, nodes, own, data)
    if sources is not None:
        nodes = _descendants(nodes, sources)
    if depth is not None:
        near = _distances(outputs, depth)
        nodes = [node for node in nodes if node in near]
    kinds = {node: kinds[node] for node in nodes}
    swept = any(node.grad for node in nodes) if grad is None else grad
    return View(outputs, nodes, kinds, Names(order), swept, stale(order))


def stale(order: list[Value]) -> str:
    """What the error of a gradient would say where the numbers of a graph do not fit together."""
    try:
        check_fresh(order)
    except StaleValueError as error:
        return str(error)
    return ""


def outputs_of(who: str, given: Outputs) -> dict[Value, str]:
    """The Values that were given, each with its keys and indices in what was given.

    Arguments: `who` is the function that asks, for the messages.

    >>> a, b = Value(1.0), Value(2.0)
    >>> [*outputs_of("draw", {"mean": a, "parts": [b, a]}).values()]
    ['mean, parts[1]', 'parts[0]']
    >>> [*outputs_of("draw", [a, b]).values()], [*outputs_of("draw", a).values()]
    (['[0]', '[1]'], [''])
    """
    found: dict[Value, str] = {}
    for name, value in _named(who, given):
        found[value] = ", ".join(filter(None, [found.get(value), name]))
    if not found:
        raise ValueError(f"{who} takes at least one Value, got an empty {type(given).__name__}")
    return found


def _named(who: str, given: object, name: str = "") -> Iterator[tuple[str, Value]]:
    if isinstance(given, Value):
        yield name, given
    elif isinstance(given, Mapping):
        for key, item in given.items():
            yield from _named(who, item, f"{name}.{key}" if name else str(key))
    elif isinstance(given, Iterable) and not isinstance(given, (str, bytes, Set)):
        for i, item in enumerate(given):
            yield from _named(who, item, f"{name}[{i}]")
    else:
        got = type(given).__name__ + f" for {name}" * bool(name)
        fault = f"{who} takes a Value, or several in a list or a dictionary, got {got}"
        raise TypeError(f"{fault}; give Values themselves, such as the output of a computation")


def opened(order: list[Value]) -> dict[Value, Value]:
    """A copy of each node of a graph, with n-ary operations opened into elementary ones.

    Data and gradients are those of the originals; gradients of new nodes are computed from them.

    >>> from engine import dot
    >>> y = dot([Value(2.0), Value(3.0)], [Value(5.0), Value(7.0)])
    >>> [node.op.name for node in topological(opened(topological(y))[y]) if node.op]
    ['mul', 'mul', 'add']
    """
    copies: dict[Value, Value] = {}
    for node in order:
        parents = tuple([copies[parent] for parent in node.parents])
        copy = shallow_copy(node, parents)
        if node.op is not None and node.op.expand is not None and parents:
            copy = _expansion(node, copy)
        copies[node] = copy
    return copies


def _expansion(node: Value, copy: Value) -> Value:
    """The elementary form of a node, on the parents of its copy."""
    expand = node.op.expand if node.op else None
    stand_ins = [Value(parent.data) for parent in copy.parents]
    with numeric_mode("ieee"), recording:
        made = expand(*stand_ins) if expand else copy
    if not made.parents or (made.op is node.op and len(made.parents) == len(copy.parents)):
        return copy  # one or two parents: nothing to open
    copies = opened(topological(made))  # its own operations may be n-ary too
    real = {copies[s]: p for s, p in zip(stand_ins, copy.parents, strict=True) if s in copies}
    made = copies[made]
    made.grad = node.grad
    for each in reverse_order(made):  # not backward(): one may be under way
        for parent, local in edges(each):
            if local is not None:
                parent.grad += each.grad * local
    for each in topological(made):
        if each.parents:
            each.parents = tuple([real.get(parent, parent) for parent in each.parents])
            each._code, each._at, each.label = node._code, node._at, ""
    made._data, made.label = node.data, name_of(node)
    return made


def _among(order: list[Value], only: Outputs) -> set[Value]:
    """The Values that `only` names, which have to be in the graph."""
    wanted = {*outputs_of("only", only)}
    for node in wanted.difference(order):
        got = f"only takes Values that went into what is drawn, got {node!r:.60}, which did not"
        raise ValueError(f"{got}; to see what a Value was made from, draw that Value")
    return wanted


def _descendants(nodes: list[Value], sources: set[Value]) -> list[Value]:
    """The nodes on a path from one of the sources to an output."""
    reached = set(sources)
    for node in nodes:
        if not reached.isdisjoint(node.parents):
            reached.add(node)
    return [node for node in nodes if node in reached]


def _distances(outputs: Iterable[Value], depth: int) -> dict[Value, int]:
    """The distance of each node from the nearest output, up to a depth."""
    found, ring = dict.fromkeys(outputs, 0), [*outputs]
    for step in range(1, depth + 1):
        below = dict.fromkeys(parent for node in ring for parent in node.parents)
        ring = [node for node in below if node not in found]
        found.update(dict.fromkeys(ring, step))
    return found


def scattered(seen: View) -> set[Value]:
    """Leaves used at many distances from the outputs, such as a recurrent network's weights.

    Their arrows would run across the whole picture, and the layout would take very long.
    """
    height: dict[Value, int] = {}
    uses: dict[Value, list[int]] = {}
    for node in reversed(seen.nodes):
        here = height.setdefault(node, 0)
        for parent in node.parents:
            if parent.parents:
                height[parent] = max(here + 1, height.get(parent, 0))
            else:
                uses.setdefault(parent, []).append(here)
    far = {leaf for leaf, at in uses.items() if len(at) > 3 and max(at) - min(at) > 3}
    return far - seen.outputs.keys()
