"""The two sweeps that carry graphs instead of numbers: a pull backwards and a push forwards."""

from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from math import isfinite
from typing import Any

from engine.calculus.conditions import ALWAYS, NOTHING, Conditions, Edge, Term
from engine.core.graph import check_fresh, reverse_order, topological, uncollected
from engine.core.modes import MODE, NumericError, numeric_mode
from engine.core.node import Node
from engine.core.nonfinite import call_of, describe_call, made_at, remedy
from engine.core.operation import rows
from engine.core.ops import CONSTANT

Pole = tuple[Node, int, float]  # a node, the position of a parent, and the derivative by it
_ieee = numeric_mode("ieee")


@uncollected()
def pullback(seeds: Mapping[Any, Any], inputs: Sequence[Any]) -> list[Any]:
    """The reverse sweep on Values: for each input the sum over outputs of seed times derivative.

    The gradient of a node is one `dot`, of its consumers' gradients with their local derivatives.
    Only nodes between the outputs and the inputs are visited. What is a plain number stays one.
    """
    order = topological(*seeds)
    check_fresh(order)
    with _ieee:  # what is infinite may be left out by a branch further up
        gradient, poles = _pulled(order, seeds, inputs)
    _check_derivatives([*gradient.values()], order, poles)
    return [gradient.get(node, 0.0) for node in inputs]


def _pulled(
    order: Sequence[Any], seeds: Mapping[Any, Any], inputs: Sequence[Any]
) -> tuple[dict[Any, Any], list[Pole]]:
    """The gradient of each node that is visited, and the poles on the way."""
    between = set(inputs)
    for node in order:
        if not between.isdisjoint(node.parents):
            between.add(node)
    branching = any(node.op.branches for node in order if node.parents and node in between)
    conditions = Conditions(order, seeds) if branching else None
    rank = _rank(order, *seeds) if conditions and conditions.closed and len(seeds) == 1 else {}
    terms = defaultdict[Any, list[Term]](list)
    terms |= {node: [(seed, 1.0, node, ALWAYS)] for node, seed in seeds.items() if node in between}
    gradient, shared, poles = dict[Any, Any](), dict[Any, Any](), list[Pole]()
    waiting = [*order]
    while waiting:
        node = waiting.pop()
        if (found := terms.pop(node, None)) is None:  # nothing is handed on to it
            continue
        if rank and len(found) > 1:
            found.sort(key=lambda term: rank.get(term[2], -1))
        upstream = gradient[node] = _dot(found)
        if not (parents := node.parents) or between.isdisjoint(parents):
            continue
        if node.op is rows.mul:
            a, b = [each._data if each.op is CONSTANT else each for each in parents]
            handed = [(upstream, b, node, ALWAYS), (upstream, a, node, ALWAYS)]
            handed = conditions.product(node, handed) if conditions else handed
            for parent, term in zip(parents, handed, strict=True):
                if parent in between:
                    terms[parent].append(term)
            continue
        if node.op is rows.add and not rank and not (conditions and conditions.alone(node)):
            edges, inner = _whole_sum(node, waiting, terms, between)
            gradient |= dict.fromkeys(inner, upstream)
        else:
            edges = _wanted_partials(node, between, poles, shared)
        if conditions:
            handed = conditions.terms(node, edges, {node: upstream})
        else:
            handed = [(upstream, local, node, ALWAYS) for _, _, local in edges]
        for (_, parent, _), term in zip(edges, handed, strict=True):
            terms[parent].append(term)
    return gradient, poles


def _whole_sum(
    node: Any, waiting: list[Any], terms: Container[Any], between: Container[Any]
) -> tuple[list[Edge], list[Any]]:
    """The edges of a sum that is many additions, each read by the next one alone; and those others.

    They are next in line, so a sweep that takes them together comes to the rest in the same order.
    """
    add, read, outer, inner = rows.add, set[Any](), list[Any](), list[Any]()
    while True:
        first, *others = [each for each in node.parents if each in between]
        outer += others
        read.update(others)
        if first.op is not add or first is not waiting[-1] or first in terms or first in read:
            return [(0, each, 1.0) for each in (*outer, first)], inner
        node = waiting.pop()
        inner.append(node)


def _rank(order: Sequence[Any], root: Any) -> dict[Any, int]:
    """Each node by when backward() comes to it, in a graph where the sweep here has another order:
    backward() visits what is taken alone. Else nothing.
    """
    wanted = reverse_order(root)
    taken = set(wanted)
    if [node for node in reversed(order) if node in taken] == wanted:
        return {}
    return {node: k for k, node in enumerate(wanted)}


@uncollected()
def pushforward(outputs: Sequence[Any], tangents: Mapping[Any, Any]) -> list[Any]:
    """The forward sweep on Values: how each output moves when the nodes move by their tangents."""
    order = topological(*outputs)
    check_fresh(order)
    with _ieee:
        moved, poles = _pushed(order, tangents)
    results = [moved.get(node, 0.0) for node in outputs]
    _check_derivatives(results, order, poles)
    return results


def _pushed(order: Sequence[Any], tangents: Mapping[Any, Any]) -> tuple[dict[Any, Any], list[Pole]]:
    """The tangent of each node that moves, and the poles on the way."""
    moved, conditions = dict[Any, Any](tangents), Conditions(order, tangents)
    poles, shared = list[Pole](), dict[Any, Any]()
    for node in order:
        if node in moved or not any(parent in moved for parent in node.parents):
            continue
        if edges := _wanted_partials(node, moved, poles, shared):
            moved[node] = _dot(conditions.terms(node, edges, moved))
    return moved, poles


def _wanted_partials(
    node: Any, wanted: Container[Any], poles: list[Pole], shared: dict[Any, Any]
) -> list[Edge]:
    """The wanted parents to which something is handed on, each with its position and the local
    derivative, as a Value.

    Constants stay numbers, so that they fold. Derivatives that are not wanted may be undefined;
    those that are, and are not finite between finite numbers, are added to the poles.
    """
    op, parents = node.op, node.parents
    given = [p._data if p.op is CONSTANT else p for p in parents]
    # those of a choice are of the index alone: many look one up
    key = (op, given[0], len(given)) if op is rows.choose else node
    found = op.constant_partials or shared.get(key) or op.partials(node, *given)
    if key is not node:
        shared[key] = found
    pairs = enumerate(zip(parents, found, strict=True))
    edges = [(i, parent, local) for i, (parent, local) in pairs if parent in wanted]
    if op.constant_partials:
        return edges
    if op.branches:  # a test, an index, or what is never taken
        edges = [each for each in edges if isinstance(each[2], Node) or each[2]]
    finite = all(map(isfinite, [each._data for each in parents]))
    for i, _, local in edges:
        if local is None:
            got = f"input {i} of {op} is a number, which takes no gradient"
            raise TypeError(f"{got}; make it a Value")
        if finite and not isfinite(number := local._data if isinstance(local, Node) else local):
            poles.append((node, i, number))
    return edges


def _dot(terms: list[Term]) -> Any:
    """The sum of products from left to right, in one node; without one where a factor is 1."""
    if len(terms) > 1:
        ups, downs, _, tests = zip(*terms, strict=True)
        if {*tests} == {ALWAYS}:
            return rows.dot(*ups, *downs)
        return rows.dot_where(*[1.0 if test is ALWAYS else test for test in tests], *ups, *downs)
    ((up, down, _, test),) = terms
    if down.__class__ is float and abs(down) == 1.0:
        product = up if down == 1.0 else -up
    elif up.__class__ is float and up == 1.0:
        product = down
    else:
        product = up * down
    return product if test is ALWAYS else rows.select(test, product, NOTHING)


def _check_derivatives(results: Sequence[Any], order: list[Any], poles: list[Pole]) -> None:
    """In strict mode, raise NumericError where finite numbers gave a derivative of inf or nan.

    Arguments:
        results: the derivatives, as Values and numbers.
        order: the nodes that were differentiated.
        poles: of them, those with a local derivative that is not finite: the position, and it.
    """
    numbers = [each._data if isinstance(each, Node) else each for each in results]
    if all(map(isfinite, numbers)) or MODE.get() != "strict":
        return
    if not all(isfinite(node._data) for node in order if not node.parents):
        return  # handed on, not made here
    for node, i, local in poles:
        op: Any = node.op
        where = f"{call_of(op, node.parents)}{made_at(node)} by input {i}"
        advice = remedy(op, node.parents, node._data)
        raise NumericError(f"the derivative of {where} is {local}: {advice}")
    for node in topological(*[each for each in results if isinstance(each, Node)]):
        if not isfinite(node._data) and all(isfinite(parent._data) for parent in node.parents):
            raise NumericError(f"on the way to a derivative {describe_call(node)}")
    raise NumericError("a derivative overflows on the way; scale the numbers")
