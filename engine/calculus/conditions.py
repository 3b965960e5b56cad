"""Branches that are not taken, in derivatives that are graphs.

A recorded derivative has to be right for every row of a program, and each row takes its own
branches of a `where`, a `choose`, a `maximum`, a `clamp` or a `relu`. What a row leaves out hands
on exactly nothing. A product with 0 says that as well, unless the other factor may be infinite or
nan: there the product stands in a `select` behind the condition under which a row comes to it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import compress
from math import isfinite
from typing import Any

from engine.core.inputs import is_open
from engine.core.node import Node
from engine.core.operation import rows
from engine.core.value import fresh_constant, is_constant
from engine.operations import branching as _branching  # noqa: F401 (its rows)
from engine.operations import nary as _nary  # noqa: F401 (its rows)

ALWAYS = None  # the condition of what every row comes to
NOTHING = fresh_constant(0.0)  # the other branch of our own selects; in others, the condition is
# kept everywhere below, since that is how rows with a nan among their inputs are left out
# two factors, the node at the upper end of the edge, and the condition they stand behind
Term = tuple[Any, Any, Any, Any]
Edge = tuple[int, Any, Any]  # the position of the lower end, it, and the derivative by it


class Conditions:
    """For each node of a sweep, backwards or forwards, the condition under which a row comes to it.

    A condition is a Value, 0 or not, or ALWAYS. Where a graph has all its numbers, a product stands
    behind its condition if they say so; else, and for other numbers, the table says it.

    Arguments:
        order: all nodes, parents first.
        begin: the nodes that the sweep begins at, with the gradient or the tangent of each.
    """

    def __init__(self, order: Sequence[Any], begin: Mapping[Any, Any]) -> None:
        self._always = set(begin)  # nodes that every row comes to
        # the conditions of the others: one, or a dictionary of which one holds
        self._of: dict[Any, Any] = {}
        self._open: set[Any] = set()  # nodes with no number yet: the rows of a program bring it
        self._poles: set[Any] = set()  # nodes with an edge whose derivative may not be finite
        nonfinite: set[Any] = set()  # nodes whose own number may not be finite
        for node in order:
            parents = node.parents
            if (not self._open.isdisjoint(parents)) if parents else is_open(node):
                self._open.add(node)
            elif not isfinite(node._data):
                nonfinite.add(node)
            sound = node not in nonfinite and nonfinite.isdisjoint(parents)
            if not parents or (sound and _is_finite(node)):
                continue
            nonfinite.add(node)
            if not node.op.constant_partials:
                self._poles.add(node)
        self.closed: bool = not self._open
        self._given = set(order)
        self._finite = self._given - nonfinite if nonfinite else self._given
        self._bent: dict[Any, bool] = {}  # rows whose second derivatives may not be finite
        # nodes whose gradient or tangent, or a derivative of it, may not be finite
        self._unbounded = {node for node, number in begin.items() if not isfinite(_number(number))}
        self._made: dict[Any, Any] = {}  # one node for each meaning, so that much is in common
        self._alternatives: dict[Any, tuple[Any, Any, range]] = {}  # conditions of which one holds
        self._from_users: set[Any] = set()  # conditions with a `where` of the user in them
        self._beyond: set[Any] = set()  # nodes that are more than one term of a sum

    def terms(self, node: Any, edges: Sequence[Edge], moved: Mapping[Any, Any]) -> list[Term]:
        """What each edge of a node carries on.

        Arguments:
            node: the upper end of the edges.
            edges: the position of each lower end, it, and the derivative by it.
            moved: the gradient of the node, or, forwards, the tangents of the lower ends.
        """
        op, backwards, constant = node.op, node in moved, node.op.constant_partials
        parents = [parent for _, parent, _ in edges]
        sources, targets = ([node], parents) if backwards else (parents, [node])
        moves = [moved[each] for each in sources]
        each = moves * len(edges) if backwards else moves
        terms = [(m, local, node, ALWAYS) for m, (_, _, local) in zip(each, edges, strict=True)]
        poles = [False] * len(edges)
        if not constant and node in self._poles:
            poles = [local not in self._finite for _, _, local in edges]
        infinite = self.closed and not all(map(isfinite, map(_number, moves)))
        infinite = infinite or not self._unbounded.isdisjoint(sources)
        if infinite or (not constant and self._bends(op, edges)):
            self._unbounded.update(targets)
        elif True in poles:
            self._unbounded.update([*compress(parents, poles)] if backwards else targets)
        if not (constant or op is rows.sum) or self.alone(node):
            self._beyond.update(targets)
        if not op.branches and self._always.issuperset(sources):
            self._always.update(targets)
            return terms
        conditions = [*map(self._condition, sources)]
        if backwards:
            conditions *= len(edges)
        if op.branches:
            outside = zip(conditions, edges, strict=True)
            conditions = [self._enter(outer, node, i, local) for outer, (i, _, local) in outside]
            # forwards, where it costs nothing
            poles = [infinite or node in self._poles or not backwards] * len(edges)
        elif not self._is_product(node):
            poles = [True] * len(edges)
        if backwards and not op.branches:
            self._reached(targets, conditions[0])
        else:
            for condition, target in zip(conditions, targets * len(edges), strict=False):
                self._reached([target], condition)
        return self._gated(op, poles, conditions, terms)

    def product(self, node: Any, terms: list[Term]) -> list[Term]:
        """What a product of two, of which there are many, hands backwards: as `terms` would answer.

        Arguments:
            terms: the same, behind no conditions.
        """
        parents, condition, poles = node.parents, self._condition(node), [node in self._beyond] * 2
        infinite = node in self._unbounded or (self.closed and not isfinite(_number(terms[0][0])))
        if node in self._poles and (condition is not ALWAYS or not infinite):
            found = [other not in self._finite for other in parents[::-1]]
            self._unbounded.update(compress(parents, found))
            poles = poles if poles[0] else found
        if infinite:
            self._unbounded.update(parents)
        self._beyond.update(parents)
        self._reached(parents, condition)
        if condition is ALWAYS:
            return terms
        return self._gated(node.op, poles, [condition] * 2, terms)

    def _gated(
        self, op: Any, guards: Sequence[bool], conditions: Sequence[Any], terms: list[Term]
    ) -> list[Term]:
        """Terms, behind their conditions where a product with 0 would not do."""
        closed, users = self.closed, self._from_users
        if op.constant_partials or (
            op in _PRODUCTS and not any(guards) and users.isdisjoint(conditions)
        ):  # the derivatives of a product are its parents, which are finite
            return terms
        gated = []
        for condition, guard, term in zip(conditions, guards, terms, strict=True):
            move, local, node, _ = term
            number = local.__class__ is float
            bad = (number or closed) and not isfinite(_number(local))
            wanted = (guard or condition in users) and (op.branches or not number)
            if condition is not ALWAYS and (bad or wanted):
                term = move, 1.0 if op in _TAKEN else local, node, condition
            gated.append(term)
        return gated

    def alone(self, node: Any) -> bool:
        """Whether a node is more than a term of a sum, and so is what it is made of."""
        return node in self._beyond and sum([bool(each.parents) for each in node.parents]) < 2

    def _reached(self, nodes: Sequence[Any], condition: Any) -> None:
        """Note that a row comes to nodes under a condition."""
        if condition is ALWAYS:
            self._always.update(nodes)
            return
        for node in nodes:
            known = self._of.setdefault(node, condition) if node.parents else condition
            if known.__class__ is dict:
                known[condition] = None
            elif known is not condition:
                self._of[node] = {known: None, condition: None}

    def _condition(self, node: Any) -> Any:
        if node in self._always:
            return ALWAYS
        found = self._of[node]
        if found.__class__ is dict:
            found = self._of[node] = self._join(found)
        return found

    def _bends(self, op: Any, edges: Iterable[Edge]) -> bool:
        """Whether a derivative of a row's derivatives may not be finite."""
        if op not in self._bent:
            stack, seen = [local for _, _, local in edges if isinstance(local, Node)], set()
            self._bent[op] = False
            while stack and not self._bent[op]:
                node = stack.pop()
                if node not in seen and node not in self._given:
                    seen.add(node)
                    self._bent[op] = not _is_finite(node)
                    stack += node.parents
        return self._bent[op]

    def _is_product(self, node: Any) -> bool:
        """Whether a node is a product of vectors, part of one, or made of as many parents.

        It is kept as it is for its speed: an overflow that the table does not speak of, or a row
        of a program with an infinite input, makes a nan there even in a branch that is left out.
        """
        return node.op.expand is not None or (node.op is rows.mul and node not in self._beyond)

    def _enter(self, outer: Any, node: Any, i: int, local: Any) -> Any:
        """The condition of one branch of a node that has a condition itself."""
        if local.__class__ is float:
            return outer
        of = ("select", node.parents[0]) if node.op is rows.select else node  # one for each test
        if node.op is rows.dot_where:
            local = node.parents[i % (len(node.parents) // 3)]
            of, i = ("select", local), 1
            if is_constant(local):
                return outer
        inner = taken = self._once((ALWAYS, of, i), lambda: local)
        if outer is not ALWAYS:  # both hold; a nan does, which a product would pass on
            inner = self._once((outer, of, i), lambda: rows.select(outer, taken, 0.0))
        if outer in self._from_users or (node.op is rows.select and node.parents[2] is not NOTHING):
            self._from_users.add(inner)
        if node.op in _ALTERNATIVES and inner is not outer:
            branches = range(_ALTERNATIVES[node.op], len(node.parents))
            self._alternatives.setdefault(inner, (outer, of, branches))
        return inner

    def _join(self, conditions: Iterable[Any]) -> Any:
        """The condition that any of these holds."""
        found, waiting = dict.fromkeys(conditions), [*conditions]
        while waiting and ALWAYS not in found:
            outer, of, branches = self._alternatives.get(waiting.pop(), (ALWAYS, None, range(0)))
            if not 0 < len(branches) <= len(found):
                continue
            siblings = {self._made.get((outer, of, i)): None for i in branches}
            if siblings.keys() <= found.keys():  # all branches: wherever there is one
                found = {each: None for each in found if each not in siblings} | {outer: None}
                waiting = [*found]
        if ALWAYS in found:
            return ALWAYS
        left = tuple(found)
        joined = left[0] if len(left) == 1 else self._once(left, lambda: rows.step(rows.sum(*left)))
        if not self._from_users.isdisjoint(left):
            self._from_users.add(joined)
        return joined

    def _once(self, key: Any, make: Callable[[], Any]) -> Any:
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]


_PRODUCTS = (rows.mul, rows.dot)
_TAKEN = (rows.select, rows.choose)  # whose derivatives are 1 where they are not 0
# Rows of whose branches at least one is always taken, and where the branches begin.
_ALTERNATIVES = {rows.select: 1, rows.choose: 1, rows.maximum: 0, rows.minimum: 0}


def _is_finite(node: Any) -> bool:
    """Whether finite inputs give finite numbers, those of the source being what they are."""
    finite = node.op.finite_partials if node.parents else True
    if finite is not True and callable(finite):
        finite = finite(*[each._data if is_constant(each) else None for each in node.parents])
    return bool(finite)


def _number(moved: Any) -> float:
    return moved._data if isinstance(moved, Node) else moved
