"""A recorded graph as a tape: each node as one instruction, or as a few."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from engine.core.graph import topological
from engine.core.operation import Operation
from engine.core.ops import CONSTANT
from engine.core.value import Value
from engine.native.lower.tape import Args, Tape, fold
from engine.native.lower.trace import trace
from engine.native.math.formulas import has_formula

__all__ = ["record_tape"]


def record_tape(
    inputs: Sequence[Value], parameters: Sequence[Value], outputs: Sequence[Value]
) -> Tape:
    """The tape of everything below the outputs."""
    tape, recorder = Tape(), _Recorder()
    number: dict[Value, int] = {x: tape.leaf("input", i) for i, x in enumerate(inputs)}
    number |= {p: tape.leaf("param", i) for i, p in enumerate(parameters)}
    for node in topological(*outputs):
        if node in number:
            continue
        if node.parents:
            op: Any = node.op
            number[node] = recorder.put(tape, op, tuple([number[p] for p in node.parents]))
        else:
            number[node] = tape.const(node._data)
            if node.op is not CONSTANT:
                tape.frozen.append(node)
    tape.outputs = [number[output] for output in outputs]
    return tape


class _Recorder:
    """Puts nodes on tapes, and remembers what the functions of their rows are made of."""

    def __init__(self) -> None:
        self._traced: dict[tuple[Operation, int], Tape | None] = {}

    def put(self, tape: Tape, op: Operation, args: Args) -> int:
        """The number of a row's result.

        A row is one instruction where it has a formula or cannot be taken apart, and several where
        it is written in smaller steps or its function is made of other rows.
        """
        if all(arg in tape.numbers for arg in args):
            return tape.const(fold(op.function, [tape.numbers[arg] for arg in args]))
        if not op.own and op.name in IN_STEPS:
            return IN_STEPS[op.name](tape, args)
        if not op.own and has_formula(op.name):
            return tape.put(op.name, args)
        key = op, len(args)
        if key not in self._traced:
            self._traced[key] = trace(*key, self.put)
        parts = self._traced[key]
        return tape.call(op, args) if parts is None else tape.inline(parts, args)


# --- the n-ary rows in smaller steps, as their float functions compute them ---------------------
def _shifted(tape: Tape, xs: Args) -> tuple[int, Args]:
    """The maximum m and exp(x - m) for each: in one order, whoever asks."""
    m = _several("maximum")(tape, xs)
    return m, tuple([tape.put("exp_difference", (x, m)) for x in xs])


def _softmax(tape: Tape, args: Args) -> int:
    m, powers = _shifted(tape, tuple(sorted(args)))
    whole = _sum(tape, powers)
    return tape.put("share", (tape.put("exp_difference", (args[0], m)), whole))


def _logsumexp(tape: Tape, args: Args) -> int:
    m, powers = _shifted(tape, tuple(sorted(args)))
    return tape.put("add_rest", (m, tape.put("log1p", (tape.put("rest", powers),))))


def _log_softmax(tape: Tape, args: Args) -> int:
    m, powers = _shifted(tape, tuple(sorted(args)))
    rest = tape.put("log1p", (tape.put("rest", powers),))
    whole = tape.put("log", (_sum(tape, powers),))
    power = tape.put("exp_difference", (args[0], m))
    return tape.put("log_share", (args[0], m, rest, power, whole))


def _sum(tape: Tape, args: Args) -> int:
    return tape.put("add", args) if len(args) == 2 else _several("sum")(tape, args)


def _several(name: str) -> Callable[[Tape, Args], int]:
    """An instruction for two or more; one alone is its own sum or maximum."""
    return lambda tape, args: tape.put(name, args) if len(args) > 1 else args[0]


IN_STEPS: dict[str, Callable[[Tape, Args], int]] = {
    "softmax": _softmax,
    "logsumexp": _logsumexp,
    "log_softmax": _log_softmax,
    "sum": _sum,
    "maximum": _several("maximum"),
    "minimum": _several("minimum"),
}
