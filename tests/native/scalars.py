"""Inputs and weights, and what programs of them are made of."""

from collections import Counter

from hypothesis import settings

from engine import Value
from engine.native.lower.instructions import record_tape

some = settings(max_examples=max(settings.default.max_examples // 2, 8))  # each compiles
XS = [Value(0.1 * i, f"x{i}") for i in range(8)]
WS = [Value(0.3 * i - 1.0, f"w{i}") for i in range(8)]
X, Y, Z, W, *_ = [*XS[:3], *WS]


def ops(*outputs: Value, exact: bool = False) -> dict[str, int]:
    """How many instructions of each operation there are."""
    tape, _ = record_tape(XS, WS, outputs, exact)
    return dict(Counter(op for op, args in zip(tape.ops, tape.args, strict=True) if args))


def products(n: int = 8) -> list[Value]:
    return [w * x for w, x in zip(WS[:n], XS[:n], strict=True)]
