"""Finds out which operations are activations, and how steep they are, by trying them out.

In this way an operation of the user's own is recognised as well as one of the engine's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from typing import Any

from engine.core.node import edges
from engine.core.operation import Operation
from engine.core.ops import is_constant
from engine.core.value import Value
from engine.wording.notation import tried

FLAT = 1e-3  # of the steepest slope: tanh is as flat as this from |x| = 4.2 on, sigmoid from 8.3
FAR = 50.0  # at this input, an activation that gets flat is flat


@dataclass(frozen=True, slots=True)
class Shape:
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
