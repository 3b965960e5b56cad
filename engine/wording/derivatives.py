"""Formulas of local derivatives.

The partials of an operation, given stand-ins for its inputs, make a graph: that is the formula.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from engine.core import ops
from engine.core.graph import topological
from engine.core.modes import numeric_mode, recording
from engine.core.operation import Operation
from engine.core.ops import is_constant
from engine.core.value import Value
from engine.wording.notation import PLAIN, Term

__all__ = ["WIDE", "derivatives", "tried"]

WIDE = 64  # parents; with more of them a derivative is not written out
T = TypeVar("T")


def tried(compute: Callable[[], T], otherwise: T) -> T:
    """What `compute` gives; `otherwise` where an operation of the user's own raises.

    Nothing raises for being infinite or undefined: to look at a graph is always possible.
    """
    try:
        with numeric_mode("ieee"), recording:
            return compute()
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError):
        return otherwise


def derivatives(node: Value, term: Callable[[Value], Term]) -> Sequence[Term | None]:
    """The local derivatives of a node as formulas, one for each parent, or none at all.

    A formula is None where the operation has no derivative by that parent. There are none at all
    where the node has too many parents, and where partials of the user's own raise.

    Arguments:
        term: how the node and each of its parents is written.

    >>> x, w = Value(2.0, "x"), Value(3.0, "w")
    >>> y = (x * w).tanh()
    >>> def term(node): return Term(node.label or "y", PLAIN)
    >>> [each.text for each in derivatives(x * w, term)], derivatives(x.tanh(), term)[0].text
    (['w', 'x'], 'sech2(x)')
    """
    op: Any = node.op
    if len(node.parents) > WIDE and op is not ops.dot:
        return []
    numbers = tuple([p.data if is_constant(p) else None for p in node.parents])
    if op.numeric is op.partials and not op.slopes:  # of the user's own, which may look at numbers
        stand_ins, partials = _graphs(op, numbers, (node.data, *[p.data for p in node.parents]))
    else:
        stand_ins, partials = _known(op, numbers)
    terms = {
        s: term(each)
        for s, each in zip(stand_ins, (node, *node.parents), strict=True)
        if s is not None
    }
    return [_read(partial, terms) for partial in partials]


@lru_cache(maxsize=1024)
def _known(op: Operation, numbers: tuple[float | None, ...]) -> Any:
    return _graphs(op, numbers, (1.0,) * (len(numbers) + 1))


def _graphs(op: Operation, numbers: tuple[float | None, ...], data: tuple[float, ...]) -> Any:
    """Stand-ins for a node and its parents (None for a number), and its partials of them."""
    y, *xs = [Value(x) for x in data]
    stand_ins = [y, *(x if n is None else None for x, n in zip(xs, numbers, strict=True))]
    inputs = [x if n is None else n for x, n in zip(xs, numbers, strict=True)]
    partials: Sequence[Any] = tried(lambda: op.partials(y, *inputs), ())
    return stand_ins, partials


def _read(partial: Any, terms: dict[Value, Term]) -> Term | None:
    if not isinstance(partial, Value):
        return None if partial is None else PLAIN.value(float(partial))
    for each in topological(partial) if partial not in terms else ():
        if each not in terms:
            below = [terms[parent] for parent in each.parents]
            made = each.op if below else None
            terms[each] = PLAIN.apply(made, below) if made else PLAIN.value(each.data)
    return terms[partial]
