"""Which operations have a formula, how it is written, and what it costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from engine.native.emit.function import Body
from engine.native.emit.vector import Vector
from engine.native.math.reductions import FOLDS, STEPS, fold
from engine.native.math.rules import RULES

__all__ = ["CHEAP", "cost", "has_formula", "write"]

CHEAP = 12  # instructions; those of more are worth a loop of their own
_FORMULAS: dict[str, Callable[..., Vector]] = RULES | STEPS


def has_formula(op: str) -> bool:
    """Whether an operation is written as instructions on vectors."""
    return op in _FORMULAS or op in FOLDS


def write(op: str, args: Sequence[Vector]) -> Vector:
    """An operation's result, as instructions in the body of its arguments."""
    if op not in FOLDS:
        return _FORMULAS[op](*args)
    name, ordered = fold(op, args)
    return FOLDS[name].write(ordered)


@cache
def cost(op: str, constants: tuple[float | None, ...]) -> int:
    """How many instructions a formula takes.

    Arguments:
        constants: for each argument the number that it is, or None where it is not known.
    """
    body = Body(2)
    args = [
        Vector(body, f"%x{i}") if number is None else body.constant(number)
        for i, number in enumerate(constants)
    ]
    write(op, args)
    return len(body.lines) + sum(text.count("\n") for text in body.declared)
