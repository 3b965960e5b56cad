"""Branches that are not taken: of a recorded `where` or `choose` each row takes one, and the
others must not reach its gradient, not even as 0 times an infinite derivative.
"""

from collections.abc import Callable, Iterable, Iterator
from math import isfinite
from typing import Any

from engine.core import ops
from engine.core.node import Node

__all__ = ["BRANCHES", "Gates", "reached"]

BRANCHES = {ops.select, ops.choose}  # rows whose other inputs are as good as not there


def reached(order: list[Node]) -> list[Node]:
    """What a gradient comes to, of nodes in order from the root: not what lies in branches of
    `select` and `choose` alone that were not taken.
    """
    found = {order[0]}
    for node in order:
        if node in found:
            parents = node.parents
            if node.op is ops.select:
                parents = parents[0], parents[1 if parents[0]._data else 2]
            elif node.op is ops.choose and isfinite(node._data):
                parents = parents[0], parents[1 + int(parents[0]._data)]
            found.update(parents)
    return [node for node in order if node in found]


class Gates:
    """For each node what is 1 where a row takes one of the branches of `select` that it lies in,
    else 0; None for nodes that every row needs. The options of `choose` have none: below a loss
    that picks a class, each would be in the way of all that is computed.
    """

    def __init__(self, roots: Iterable[Any]) -> None:
        self._of: dict[Any, dict[Any, None]] = {root: {None: None} for root in roots}
        self._made: dict[Any, Any] = {}  # one node for each meaning, so that much is in common
        self._entered: dict[Any, tuple[Any, Any, int]] = {}  # behind which gate, and which branch

    def terms(
        self, node: Any, upstream: Any, edges: Iterable[tuple[int, Any, Any]]
    ) -> Iterator[tuple[Any, tuple[Any, Any]]]:
        """The parents and what each receives: nothing, in rows that do not come here."""
        gate = self._join(tuple(self._of.pop(node)))
        for i, parent, local in edges:
            inner = gate
            if node.op is ops.select and i:
                inner = self._enter(gate, node.parents[0], i, local)
            self._of.setdefault(parent, {})[inner] = None
            if inner is not gate:  # 0 times an infinity would be a nan
                yield parent, (ops.select(inner, upstream, 0.0), 1.0)
            elif gate is not None:
                yield parent, (ops.select(gate, upstream * local, 0.0), 1.0)
            else:
                yield parent, (upstream, local)

    def _join(self, gates: tuple[Any, ...]) -> Any:
        """Where any of them is open."""
        found = set(gates)
        waiting = list(gates)
        while waiting and None not in found:
            gate = waiting.pop()
            outer, test, i = self._entered.get(gate, (None, None, 0))
            both = {gate, self._made.get((outer, test, 3 - i))}
            if i and both <= found:  # both branches: wherever there is one
                found = (found - both) | {outer}
                waiting.append(outer)
        if None in found:
            return None
        left = [gate for gate in gates if gate in found] + [g for g in found if g not in gates]
        return left[0] if len(left) == 1 else self._once(tuple(left), _any, *left)

    def _enter(self, gate: Any, test: Any, i: int, local: Any) -> Any:
        """The gate of a branch behind a gate."""
        taken = self._once((None, test, i), lambda: local)
        inner = taken
        if gate is not None and gate is not taken:
            inner = self._once((gate, test, i), ops.mul, gate, taken)
        if inner is not gate:
            self._entered.setdefault(inner, (None if inner is taken else gate, test, i))
        return inner

    def _once(self, key: Any, make: Callable[..., Any], *args: Any) -> Any:
        if key not in self._made:
            self._made[key] = make(*args)
        return self._made[key]


def _any(*gates: Any) -> Any:
    return ops.step(ops.total(*gates))
