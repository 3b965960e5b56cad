"""Branches that are not taken, in derivatives that are graphs.

A recorded derivative has to be right for every row of a program, and each row takes its own
branches of a `where`, a `choose`, a `maximum`, a `clamp` or a `relu`. What a row leaves out hands
on exactly nothing. A product with 0 says that as well, unless the other factor may be infinite or
nan: there the product stands in a `select` behind the condition under which a row comes to it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isfinite
from typing import Any

from engine.core.inputs import is_open
from engine.core.node import Node
from engine.core.operation import rows
from engine.core.ops import is_constant

__all__ = ["Conditions"]

ALWAYS = None  # the condition of what every row comes to


class Conditions:
    """For each node of a sweep, backwards or forwards, the condition under which a row comes to it.

    A condition is a Value, 0 or not, or ALWAYS.

    Arguments:
        order: all nodes, parents first.
        begin: the nodes that the sweep begins at, with the gradient or the tangent of each.
    """

    def __init__(self, order: Sequence[Any], begin: Mapping[Any, Any]) -> None:
        self._always = set(begin)  # nodes that every row comes to
        self._of: dict[Any, dict[Any, None]] = {}  # the conditions of the others: one of them holds
        self._open: set[Any] = set()  # nodes with no number yet: the rows of a program bring it
        self._infinite: set[Any] = set()  # nodes with an edge whose derivative may not be finite
        wild: set[Any] = set()  # nodes whose own number may not be finite
        for node in order:
            if (not self._open.isdisjoint(node.parents)) if node.parents else is_open(node):
                self._open.add(node)
            bad = node not in self._open and not isfinite(node._data)
            if bad or not (wild.isdisjoint(node.parents) and _is_finite(node)):
                wild.add(node)
                if node.parents and not node.op.constant_partials:
                    self._infinite.add(node)
        self._closed = not self._open
        # nodes whose gradient or tangent may not be finite
        self._hot = {node for node, number in begin.items() if not isfinite(_number(number))}
        self._made: dict[Any, Any] = {}  # one node for each meaning, so that much is in common
        self._families: dict[Any, tuple[Any, Any, range]] = {}  # conditions of which one holds
        self._strict: set[Any] = set()  # conditions that have a `where` in them
        self._beyond: set[Any] = set()  # nodes that are more than a term of a sum

    def terms(
        self, node: Any, edges: Sequence[tuple[int, Any, Any]], moved: Mapping[Any, Any]
    ) -> list[tuple[Any, Any]]:
        """What each edge of a node carries on, as two factors.

        Arguments:
            node: the upper end of the edges.
            edges: the position of each lower end, it, and the derivative by it.
            moved: the gradient of the node, or, forwards, the tangents of the lower ends.
        """
        op, backwards, infinite = node.op, node in moved, node in self._infinite
        parents = [parent for _, parent, _ in edges]
        sources, targets = ([node], parents) if backwards else (parents, [node])
        factors = [(moved[node if backwards else parent], local) for _, parent, local in edges]
        if not op.constant_partials:
            self._beyond.update(targets)
        hot = not self._hot.isdisjoint(sources) or (
            self._closed and not all(isfinite(_number(moved[source])) for source in sources)
        )
        if hot or infinite:
            self._hot.update(targets)
        if not op.branches and self._always.issuperset(sources):
            self._always.update(targets)
            return factors
        conditions = [*map(self._condition, sources)] * (len(edges) if backwards else 1)
        if op.branches:
            conditions = [
                self._enter(condition, node, i, local)
                for condition, (i, _, local) in zip(conditions, edges, strict=True)
            ]
        for condition, target in zip(
            conditions, parents if backwards else targets * len(edges), strict=True
        ):
            if condition is ALWAYS:
                self._always.add(target)
            elif target.parents:
                self._of.setdefault(target, {})[condition] = None
        if op.constant_partials:
            return factors
        if op.branches:
            guard = infinite or hot or not backwards  # forwards it costs nothing
        else:
            guard = infinite or not self._is_product(node)
        bare = not guard and op in (rows.dot, rows.mul)  # whose partials are finite as its parents
        for k, (condition, (move, local)) in enumerate(zip(conditions, factors, strict=True)):
            strict = condition in self._strict
            if condition is ALWAYS or (bare and not strict):
                continue
            number = local.__class__ is float
            bad = (number or self._closed) and not isfinite(_number(local))
            if bad or ((guard or strict) and (op.branches or not number)):
                handed = move if op is rows.select else move * local
                factors[k] = rows.select(condition, handed, 0.0), 1.0
        return factors

    def _condition(self, node: Any) -> Any:
        if node in self._always:
            return ALWAYS
        found = self._of[node]
        if len(found) > 1:
            found = self._of[node] = {self._join(found): None}
        return next(iter(found))

    def _is_product(self, node: Any) -> bool:
        """Whether a node is a product of vectors or part of one, to be kept as it is for its speed:
        that an overflow or an infinite input of a program makes a nan there, it does not see.
        """
        return node.op.expand is not None or (node.op is rows.mul and node not in self._beyond)

    def _enter(self, outer: Any, node: Any, i: int, local: Any) -> Any:
        """The condition of one branch of a node that has a condition itself."""
        if local.__class__ is float:
            return outer
        of = node.parents[0] if node.op is rows.select else node  # one test, the same conditions
        taken = self._once((ALWAYS, of, i), lambda: local)
        inner = taken
        if outer is not ALWAYS:  # both hold; a nan does, which a product would pass on
            inner = self._once((outer, of, i), rows.select, outer, taken, 0.0)
        if outer in self._strict or node.op is rows.select:
            self._strict.add(inner)
        if node.op in _FAMILIES and inner is not outer:
            branches = range(_FAMILIES[node.op], len(node.parents))
            self._families.setdefault(inner, (outer, of, branches))
        return inner

    def _join(self, conditions: Iterable[Any]) -> Any:
        """The condition that any of these holds."""
        found, waiting = dict.fromkeys(conditions), [*conditions]
        while waiting and ALWAYS not in found:
            outer, of, branches = self._families.get(waiting.pop(), (ALWAYS, None, range(0)))
            if not 0 < len(branches) <= len(found):
                continue
            family = {self._made.get((outer, of, i)): None for i in branches}
            if family.keys() <= found.keys():  # all branches: wherever there is one
                found = {each: None for each in found if each not in family} | {outer: None}
                waiting = [*found]
        if ALWAYS in found:
            return ALWAYS
        left = tuple(found)
        joined = left[0] if len(left) == 1 else self._once(left, _any, *left)
        if not self._strict.isdisjoint(left):
            self._strict.add(joined)
        return joined

    def _once(self, key: Any, make: Callable[..., Any], *args: Any) -> Any:
        if key not in self._made:
            self._made[key] = make(*args)
        return self._made[key]


# Rows of whose branches at least one is always taken, and where the branches begin.
_FAMILIES = {rows.select: 1, rows.choose: 1, rows.maximum: 0, rows.minimum: 0}


def _is_finite(node: Any) -> bool:
    """Whether finite inputs give finite numbers, those of the source being what they are."""
    if not node.parents:
        return True
    finite = node.op.finite_partials
    if callable(finite):
        finite = finite(*[each._data if is_constant(each) else None for each in node.parents])
    return bool(finite)


def _number(moved: Any) -> float:
    return moved._data if isinstance(moved, Node) else moved


def _any(*conditions: Any) -> Any:
    return rows.step(rows.sum(*conditions))
