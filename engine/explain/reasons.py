"""Why a gradient is zero, tiny or not finite: what the graph itself can tell. And which operations
are activations, and how steep they are, which is found out by trying them; so an operation of the
user's own is recognised as well as one of the engine's.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import exp, inf, isfinite, log
from typing import Any, NamedTuple

from engine.core.node import edges
from engine.core.operation import Operation, rows
from engine.core.origins import name_of
from engine.core.value import Value, is_constant
from engine.explain.paths import Link, Path, PathSums, broken_edges
from engine.source.text import bare
from engine.wording.names import Names, called, counted, number, shorten
from engine.wording.notation import ATOM, PLAIN, RELATION, WIDE, Term, derivatives, tried

FLAT = 1e-3  # of the steepest slope: tanh is as flat as this from |x| = 4.2 on, sigmoid from 8.3
FAR = 50.0  # at this input, an activation that gets flat is flat
TINY = 1e-6  # a local derivative below it lets next to nothing through
CANCELLED = 1e-3  # of the sum of the paths' sizes
MOST = 5  # reasons of a kind
LONGEST = 40  # characters of a derivative's formula
# what one calls an operation where it is flat
CALLED = {"relu": "a dead ReLU", "tanh": "saturated", "sigmoid": "saturated"}
CALLED |= {"softmax": "saturated", "clamp": "outside of its bounds"}


WIDTH = 24  # of a name, in columns


class Words:
    """Writes values and derivatives, under the same names throughout an explanation.

    Arguments:
        nodes: the graph, parents before their consumers, where it is known.
    """

    def __init__(self, nodes: Sequence[Value] = ()) -> None:
        self.names: Names = Names(nodes)

    def call(self, node: Value) -> str:
        """The name of a value."""
        return self.names.of(node, WIDTH)

    def term(self, node: Value) -> Term:
        """A value within a formula: its name, or its number where it is a leaf without one."""
        if is_constant(node) or not (node.parents or name_of(node)):
            return PLAIN.value(node.data)
        name = self.call(node)
        inside = bare(name)
        return Term(inside, PLAIN, ATOM if inside == name else RELATION)

    def equation(self, node: Value) -> str:
        """What a value is called and how it was computed, which its expression says alone."""
        made = self.made(node)
        name = self.names.of(node)
        alone = self.names.says_how(node) and name == called(node)
        return made if alone else f"{self.call(node)} = {made}"

    def made(self, node: Value) -> str:
        """How a value was computed."""
        if node.op is None or not node.parents:
            return number(node.data)
        if len(node.parents) > WIDE:
            return f"{node.op} of {len(node.parents):,} values"
        return shorten(PLAIN.apply(node.op, [self.term(p) for p in node.parents]).text, 60)

    def formula(self, edge: Link) -> str:
        """The local derivative of an edge as a formula; "" if there is none."""
        found = derivatives(edge.node, self.term)
        term = found[edge.position] if found else None
        return term.text if term else ""

    def derivative(self, edge: Link) -> str:
        """The local derivative of an edge: as a formula if that is short, and as a number."""
        formula, digits = self.formula(edge), number(edge.local)
        shown = f"{formula} = " if formula not in ("", digits) and len(formula) <= LONGEST else ""
        return f"d {self.call(edge.node)} / d {self.call(edge.parent)} = {shown}{digits}"


def reasons(found: PathSums, value: Value, path: Path, alive: int, words: Words) -> Iterator[str]:
    """Sentences on why a gradient is zero, tiny or not finite. An ordinary gradient has none.

    Arguments:
        path: the largest path, or () if there is none.
        alive: how many paths have no factor of 0.
    """
    if value not in found.gradient:
        yield from _unconnected(found, value, words)
        return
    gradient, size = found.gradient[value], found.size[value]
    between = found.between(value)
    if not isfinite(gradient):
        yield from _not_finite(found, between, words)
    elif not alive:
        # the first factor of 0 on each path
        zeros = [e for e in found.links if e.local == 0.0 and e.parent in between]
        shut = [edge for edge in zeros if found.best[edge.node] > -inf]
        yield from (_flat(edge, words) for edge in shut[:MOST])
        if len(shut) > MOST:
            yield f"and {counted(len(shut) - MOST, 'more factor')} of 0"
    elif abs(gradient) < CANCELLED * size:
        yield f"the paths cancel: their sizes add up to {number(size)}"
    if alive and path:
        small = [edge for edge in path if abs(edge.local) < TINY]
        yield from (_flat(edge, words) for edge in small[:MOST])
        logs = found.best[value]
        if not small and abs(gradient) < TINY and logs < log(TINY) and len(path) > 1:
            yield (
                f"it vanishes: the {len(path):,} factors of the largest path are "
                f"{number(exp(logs / len(path)))} in the mean, and their product "
                f"is about 1e{logs / log(10):.0f}"
            )


def _flat(edge: Link, words: Words) -> str:
    """Why the local derivative of an edge is 0 or close to 0."""
    node, parent = edge.node, edge.parent
    x = words.call(parent)
    at, made = f"{x} = {number(parent.data)}", words.equation(node)
    other = [p for p in node.parents if p is not parent and p.data == node.data]
    if words.formula(edge) in {words.term(p).text for p in node.parents}:  # as in a product
        why = f"a factor of {number(edge.local)} in {made}"
    elif other and not edge.local:
        why = f"{made} is {words.term(other[0]).text}, and not {at}"
    else:
        kind = CALLED.get(node.op.symbol) if node.op else None
        why = f"{made} is flat at {at}{f' ({kind})' if kind else ''}"
    return f"{words.derivative(edge)}: {why}"


def _unconnected(found: PathSums, value: Value, words: Words) -> Iterator[str]:
    """Why no path leads to a value: it did not go into the output, but a copy of it may have."""
    output, own = words.call(found.order[0]), words.call(value)
    yield f"{own} did not go into {output}: it is none of the {len(found.order):,} values below it"
    leaves = [node for node in found.order if not node.parents]
    if value.label and any(leaf.label == value.label for leaf in leaves):
        own = called(value)
        yield f"another leaf is called {own} there; a copy, such as .detach() makes, is a new leaf"
    elif any(leaf.data == value.data for leaf in leaves):
        there = f"the number {number(value.data)} is there, which may have been {own} once"
        yield f"{there}: float(), .data and .detach() end a graph"
    if any(n.op is rows.where for n in found.order):
        yield "where() links only the branch that was taken"


def _not_finite(found: PathSums, between: set[Value], words: Words) -> Iterator[str]:
    """The first value and the first edge that are not finite."""
    for node in reversed(found.order):
        if not isfinite(node.data):
            first = f"{words.equation(node)} = {number(node.data)} is the first value"
            yield f"{first} that is not finite{_parents(node, words)}{remedy(node, '; ')}"
            break
    for edge in broken_edges(found.order[0]):
        parent = edge.node.parents[edge.position]
        if parent in between:
            node, slope = edge.node, f"d {words.call(edge.node)} / d {words.call(parent)}"
            step = f"{slope} = {number(edge.local)}, times {number(edge.upstream)} from above"
            through = f"{words.equation(node)}{_parents(node, words)}{remedy(node, '; ')}"
            yield f"the first step that is not finite: {step}, through {through}"
            break


def _parents(node: Value, words: Words) -> str:
    named = {words.term(p).text: p for p in node.parents[:MOST] if not is_constant(p)}
    shown = [f"{text} = {number(p.data)}" for text, p in named.items() if text != number(p.data)]
    return f" ({', '.join(shown)})" if shown else ""


def remedy(node: Value, before: str = "") -> str:
    """The advice of the operation that made a node, with a text before it; "" if it has none."""
    advice = node.op.advice(node.parents, node._data) if node.op else ""
    return advice and before + advice


# --- activations ---------------------------------------------------------------------------------
class Shape(NamedTuple):
    """The shape of an activation: its steepest slope, and whether only one of its ends is flat."""

    top: float
    half: bool


def shape(node: Value) -> Shape | None:
    """The shape of the activation that made a node; None if the operation is no activation.

    An activation takes one input, besides numbers in the source. Far out it is not much steeper
    than in the middle, and it is flat at one end or at both. That holds for tanh, sigmoid, relu,
    elu, gelu and clamp, but not for exp, log, sin, sqrt or a product.

    >>> x = Value(1.0)
    >>> shape(x.tanh()), shape(x.relu()), shape(x.exp())
    (Shape(top=1.0, half=False), Shape(top=1.0, half=True), None)
    """
    numbers = tuple([p.data if is_constant(p) else None for p in node.parents])
    return _probe(node.op, numbers) if node.op is not None and numbers.count(None) == 1 else None


@lru_cache(maxsize=1024)
def _probe(op: Operation, numbers: tuple[float | None, ...]) -> Shape | None:
    at = numbers.index(None)
    domain: Any = op.domain
    low, high = domain if not isinstance(domain[0], Sequence) else domain[min(at, len(domain) - 1)]

    def slope(x: float) -> float:
        _, local = [*edges(op(*[Value(x if n is None else n) for n in numbers]))][at]
        return abs(local or 0.0)

    ends: list[float] = tried(lambda: [slope(-FAR), slope(FAR)], [])
    top = tried(lambda: max(slope(low + (high - low) * i / 32) for i in range(33)), 0.0)
    flat = [end < FLAT * top for end in ends]
    if not (isfinite(top) and top > 0.0 and any(flat) and max(ends) <= 2.0 * top):
        return None
    return Shape(top, not all(flat))
