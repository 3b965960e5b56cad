"""Branches that are not taken, in gradients that are graphs.

A recorded gradient has to be right for every row of a program, and each row takes its own branches
of a `where`, a `choose`, a `maximum`, a `clamp` or a `relu`. What a row does not come to hands on
exactly nothing. A product with 0 says that as well, unless the other factor may be infinite or nan:
there the product stands in a `select` behind the condition under which a row comes to the node.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

from engine.core.node import Node
from engine.core.operation import rows
from engine.core.ops import is_constant
from engine.operations import branching as _branching  # noqa: F401 (its rows)

__all__ = ["Conditions"]

ALWAYS = None  # the condition of what every row comes to


class Conditions:
    """For each node of a reverse sweep the condition under which a row comes to it.

    A condition is a Value, 0 or not, or ALWAYS. It is only kept where it matters: where the table
    says that a derivative below can be infinite, and below a `where` everywhere, since that is how
    rows with a nan among their inputs are left out.

    Arguments:
        order: all nodes, parents first. between: those that the sweep visits.
        seeds: the nodes that it begins at, with the gradient of each.
    """

    def __init__(
        self, order: Sequence[Any], between: Collection[Any], seeds: Mapping[Any, Any]
    ) -> None:
        self._infinite: set[Any] = set()  # nodes with an edge whose derivative may not be finite
        self._matters: set[Any] = set()  # they, and what lies between them and the roots
        wild: set[Any] = set()  # nodes whose own number may not be finite
        for node in order:
            if not node.parents:
                continue
            if not wild.isdisjoint(node.parents) or not _is_finite(node):
                wild.add(node)
                if not node.op.constant_partials:
                    self._infinite.add(node)
            matters = node in self._infinite or not self._matters.isdisjoint(node.parents)
            if matters and node in between:
                self._matters.add(node)
        self._of: dict[Any, dict[Any, None]] = {root: {ALWAYS: None} for root in seeds}
        # nodes whose gradient may not be finite
        self._hot = {root for root, seed in seeds.items() if not isfinite(_number(seed))}
        self._made: dict[Any, Any] = {}  # one node for each meaning, so that much is in common
        self._families: dict[Any, tuple[Any, Any, range]] = {}  # conditions of which one holds
        self._strict: set[Any] = set()  # conditions that have a `where` in them

    def terms(
        self, node: Any, upstream: Any, edges: Iterable[tuple[int, Any, Any]]
    ) -> Iterator[tuple[Any, tuple[Any, Any]]]:
        """The parents of a node and what each receives, as two factors."""
        condition = self._join(self._of.pop(node, {ALWAYS: None}))
        hot, strict = node in self._hot, condition in self._strict or node.op is rows.select
        for i, parent, local in edges:
            inner, guard = condition, node in self._infinite or strict
            if node.op.branches:
                guard = hot or strict
                if guard or parent in self._matters:
                    inner = self._enter(condition, node, i, local)
            if inner is not ALWAYS and strict:
                self._strict.add(inner)
            self._of.setdefault(parent, {})[inner] = None
            if hot or node in self._infinite:
                self._hot.add(parent)
            if guard and inner is not ALWAYS and not (node.op.constant_partials):
                handed = upstream if node.op is rows.select else upstream * local
                yield parent, (rows.select(inner, handed, 0.0), 1.0)
            else:
                yield parent, (upstream, local)

    def _enter(self, outer: Any, node: Any, i: int, local: Any) -> Any:
        """The condition of one branch of a node that has a condition itself."""
        if local.__class__ is float:
            return outer
        of = node.parents[0] if node.op is rows.select else node  # one test, the same conditions
        taken = self._once((ALWAYS, of, i), lambda: local)
        inner = taken
        if outer is not ALWAYS:  # both hold; a nan does, which a product would pass on
            inner = self._once((outer, of, i), rows.select, outer, taken, 0.0)
        if node.op in _FAMILIES and inner is not outer:
            branches = range(_FAMILIES[node.op], len(node.parents))
            self._families.setdefault(inner, (outer, of, branches))
        return inner

    def _join(self, conditions: dict[Any, None]) -> Any:
        """The condition that any of these holds."""
        found, waiting = conditions, [*conditions]
        while waiting and ALWAYS not in found:
            outer, of, branches = self._families.get(waiting.pop(), (ALWAYS, None, range(0)))
            family = {self._made.get((outer, of, i)): None for i in branches}
            if family and family.keys() <= found.keys():  # all branches: wherever there is one
                found = {each: None for each in found if each not in family} | {outer: None}
                waiting.append(outer)
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
    finite = node.op.finite_partials
    if callable(finite):
        finite = finite(*[each._data if is_constant(each) else None for each in node.parents])
    return bool(finite)


def _number(seed: Any) -> float:
    return seed._data if isinstance(seed, Node) else seed


def _any(*conditions: Any) -> Any:
    return rows.step(rows.sum(*conditions))
