"""Local derivatives for people to read: as numbers, and as formulas.

To get a formula, the partials of an operation are computed on stand-ins for its parents. That makes
a graph, and the graph is written as a formula.
"""

from collections.abc import Callable, Sequence
from math import nan
from typing import Any, TypeVar

from engine.core.graph import topological
from engine.core.modes import numeric_mode, recording
from engine.core.node import edges
from engine.core.operation import rows
from engine.core.ops import is_constant
from engine.core.value import Value
from engine.wording.notation import PLAIN, Term

WIDE = 64  # parents; with more of them a derivative is not written out
T = TypeVar("T")
_ieee = numeric_mode("ieee")


def tried(compute: Callable[[], T], otherwise: T) -> T:
    """What `compute` gives, or `otherwise` where an operation of the user's own raises.

    A number that is infinite or undefined raises nothing, since one can always look at a graph.
    """
    try:
        with _ieee, recording:
            return compute()
    except Exception:  # noqa: BLE001 (such an operation may raise anything)
        return otherwise


def locals_of(node: Value) -> list[float | None]:
    """The local derivatives of a node by its parents, as pictures and trees show them.

    The derivative is 0 by a branch that was not taken, and None by a number that takes no gradient.
    All are nan where the partials of an operation of the user's own raise.

    >>> locals_of(Value(2.0) * Value(3.0)), locals_of(Value(-1.0).relu())
    ([3.0, 2.0], [0.0])
    """
    left_out = 0.0 if node.op is not None and node.op.branches else None
    found: list[float | None] = [nan] * len(node.parents)
    return tried(lambda: [left_out if x is None else x for _, x in edges(node)], found)


def derivatives(node: Value, term: Callable[[Value], Term]) -> Sequence[Term | None]:
    """The local derivatives of a node as formulas, one for each parent.

    A formula is None where the operation has no derivative by that parent. The list is empty if the
    node has too many parents, or if partials of the user's own raise.

    Arguments:
        term: writes the node and each of its parents.

    >>> x, w = Value(2.0, "x"), Value(3.0, "w")
    >>> y = (x * w).tanh()
    >>> def term(node): return Term(node.label or "y", PLAIN)
    >>> [each.text for each in derivatives(x * w, term)], derivatives(x.tanh(), term)[0].text
    (['w', 'x'], 'sech2(x)')
    """
    op: Any = node.op
    if len(node.parents) > WIDE and op is not rows.dot:
        return []
    y, *stand_ins = [Value(each.data) for each in (node, *node.parents)]
    terms = {s: term(each) for s, each in zip((y, *stand_ins), (node, *node.parents), strict=True)}
    inputs = [p.data if is_constant(p) else s for s, p in zip(stand_ins, node.parents, strict=True)]
    partials: Sequence[Any] = tried(lambda: op.partials(y, *inputs), ())
    return [_read(partial, terms) for partial in partials]


def _read(partial: Any, terms: dict[Value, Term]) -> Term | None:
    if not isinstance(partial, Value):
        return None if partial is None else PLAIN.value(float(partial))
    for each in topological(partial) if partial not in terms else ():
        if each not in terms:
            below = [terms[parent] for parent in each.parents]
            made = each.op if below else None
            terms[each] = PLAIN.apply(made, below) if made else PLAIN.value(each.data)
    return terms[partial]
