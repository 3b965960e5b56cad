"""A random graph of elementary operations with sharing, in which there are no layers to find.

It is a list of instructions that any system can follow: with its numbers, its arrays, its symbols.
The interval of every result is known beforehand, so that values and gradients stay finite whatever
the inputs are.
"""

import math
import operator
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["BOX", "FUNCTIONS", "INPUTS", "Instruction", "follow", "wild"]

Interval = tuple[float, float]
Instruction = tuple[str, tuple[int, ...]]

INPUTS = 16
BOX = (-2.0, 2.0)  # where the inputs are
LOOSE = 200  # about how many results nothing has used yet, at any time
LIMIT = 8.0  # on the size of a result
PATIENCE = 100  # how often operands are drawn for an operation before it makes way for another

OPERATORS = {name: getattr(operator, name) for name in ("add", "sub", "mul", "truediv")}
FUNCTIONS = ("exp", "log", "sqrt", "tanh", "sin", "cos")
CHOICES = (*OPERATORS, *OPERATORS, *FUNCTIONS)  # arithmetic is the more frequent


def wild(size: int, seed: int = 7) -> list[Instruction]:
    """So many instructions; their operands count the inputs first, then the results so far.

    The last ones add up what was still loose, so that everything takes part in the value.
    """
    rng = random.Random(seed)
    intervals, loose = [BOX] * INPUTS, list(range(INPUTS))
    made: list[Instruction] = []

    def operand() -> int:
        if len(loose) > LOOSE or rng.random() < 0.4:
            return rng.choice(loose)
        return rng.randrange(len(intervals))

    def record(name: str, operands: tuple[int, ...], interval: Interval) -> None:
        loose[:] = [i for i in loose if i not in operands] + [len(intervals)]
        intervals.append(interval)
        made.append((name, operands))

    while len(made) + len(loose) - 1 < size:
        name = rng.choice(CHOICES)
        for _ in range(PATIENCE):
            operands = tuple(operand() for _ in range(2 if name in OPERATORS else 1))
            interval = _interval(name, *(intervals[i] for i in operands))
            if interval is not None and max(map(abs, interval)) <= LIMIT:
                record(name, operands, interval)
                break
    while len(loose) > 1:
        record("add", (loose[0], loose[1]), (0.0, 0.0))
    return made


def _interval(name: str, a: Interval, b: Interval = (1.0, 1.0)) -> Interval | None:
    """Where a result lies; None where it would be near a pole or the end of a domain."""
    if name in ("sin", "cos"):
        return -1.0, 1.0
    if name in FUNCTIONS:
        safe = a[0] >= 0.2 if name in ("log", "sqrt") else a[1] <= 3.0
        return (getattr(math, name)(a[0]), getattr(math, name)(a[1])) if safe else None
    if name == "truediv" and b[0] < 0.5:
        return None
    corners = [OPERATORS[name](x, y) for x in a for y in b]
    return min(corners), max(corners)


def follow(
    graph: Sequence[Instruction], inputs: Sequence[Any], functions: Mapping[str, Callable[..., Any]]
) -> Any:
    """The graph's value for inputs of any kind; functions are that kind's exp, log, ..."""
    known = {**OPERATORS, **functions}
    values = list(inputs)
    for name, operands in graph:
        values.append(known[name](*[values[i] for i in operands]))
    return values[-1]
