"""A recorded graph as a flat program: instructions in order, each one once.

Nodes that compute the same from the same are one instruction; what depends on constants alone is a
constant; the softmax family is written in smaller steps, which its members share.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from engine.core.graph import topological
from engine.core.operation import TABLE, Operation
from engine.core.ops import CONSTANT
from engine.core.value import Value
from engine.native.math.reductions import NARY
from engine.native.math.rules import RULES

__all__ = ["Tape", "record_tape"]

Args = tuple[int, ...]
# The engine's own rows: a user's operation may have the name of a step below ("share").
ROWS = {name: row for name, row in TABLE.items() if not row.own}


class Tape:
    """Instructions by number: `ops[i]` on the results of `args[i]`.

    The leaves are `input` and `param` (whose place among the inputs and the parameters is in
    `position`) and `const` (whose number is in `numbers`).
    """

    def __init__(self) -> None:
        self.ops: list[str] = []
        self.args: list[Args] = []
        self.position: dict[int, int] = {}
        self.numbers: dict[int, float] = {}
        self.varying: list[bool] = []  # from row to row; else the same for all rows of a call
        self.outputs: list[int] = []
        self.frozen: list[Value] = []  # leaves that were taken for constants
        self.own: dict[str, Operation] = {}  # rows that native code knows nothing of
        self._known: dict[Any, int] = {}

    def leaf(self, op: str, position: int) -> int:
        """An input or a parameter."""
        number = self._put(op, (), op == "input", shared=False)
        self.position[number] = position
        return number

    def const(self, number: float) -> int:
        """A constant: the same number is the same instruction, but -0.0 is not 0.0."""
        key = number if number == number and number else repr(number)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._put("const", (), False, shared=False)
            self.numbers[known] = number
        return known

    def put(self, op: str, args: Args) -> int:
        """The instruction of a row of the table (or of a step of an expansion)."""
        if op == "mul":  # exactly its other factor
            for one, other in (args, args[::-1]):
                if self.numbers.get(one) == 1.0:
                    return other
        row = self.own.get(op) or ROWS.get(op)
        if row is not None and all(arg in self.numbers for arg in args):
            return self.const(fold(row.function, [self.numbers[arg] for arg in args]))
        varying = self.varying
        return self._put(op, args, any(varying[arg] for arg in args))

    def _put(self, op: str, args: Args, varying: bool, shared: bool = True) -> int:
        key = (op, args)
        known = self._known.get(key) if shared else None
        if known is None:
            known = len(self.ops)
            if shared:
                self._known[key] = known
            self.ops.append(op)
            self.args.append(args)
            self.varying.append(varying)
        return known

    def name(self, op: Operation) -> str:
        """Of an instruction. An own operation may be replaced by another of the same name."""
        name = op.name
        if ROWS.get(name) is op and (name in RULES or name in NARY or name in EXPANSIONS):
            return name
        name += f"@{id(op)}"
        self.own[name] = op
        return name

    def structure(self) -> tuple[Any, ...]:
        """What two programs have to share to share their code."""
        numbers = tuple((i, x.hex()) for i, x in self.numbers.items())
        positions = tuple(self.position.items())
        return tuple(self.ops), tuple(self.args), numbers, positions, tuple(self.outputs)


def fold(function: Callable[..., float], numbers: Sequence[float]) -> float:
    """A row's function on numbers, as a Value computes it."""
    try:
        return function(*numbers)
    except (ValueError, ZeroDivisionError):
        return float("nan")
    except OverflowError:
        return float("inf")


def record_tape(
    inputs: Sequence[Value], parameters: Sequence[Value], outputs: Sequence[Value]
) -> tuple[Tape, dict[Value, int]]:
    """The tape of everything below the outputs, and each node's number in it."""
    tape = Tape()
    number: dict[Value, int] = {x: tape.leaf("input", i) for i, x in enumerate(inputs)}
    number |= {p: tape.leaf("param", i) for i, p in enumerate(parameters)}
    for node in topological(*outputs):
        if node in number:
            continue
        if not node.parents:
            number[node] = tape.const(node._data)
            if node.op is not CONSTANT:
                tape.frozen.append(node)
            continue
        op: Any = node.op
        args = tuple([number[parent] for parent in node.parents])
        name = tape.name(op)
        expand = EXPANSIONS.get(name)
        number[node] = expand(tape, args) if expand else tape.put(name, args)
    tape.outputs = [number[output] for output in outputs]
    return tape, number


# --- the n-ary rows in smaller steps, as numerics.py computes them -------------------------------
def _shifted(tape: Tape, xs: Args) -> tuple[int, Args]:
    """The maximum m and exp(x - m) for each: in one order, whoever asks."""
    m = tape.put("maximum", xs)
    return m, tuple([tape.put("exp_difference", (x, m)) for x in xs])


def _softmax(tape: Tape, args: Args) -> int:
    xs = tuple(sorted(args))
    m, powers = _shifted(tape, xs)
    whole = tape.put("sum", powers)
    return tape.put("share", (tape.put("exp_difference", (args[0], m)), whole))


def _logsumexp(tape: Tape, args: Args) -> int:
    m, powers = _shifted(tape, tuple(sorted(args)))
    return tape.put("add_rest", (m, tape.put("log1p", (tape.put("rest", powers),))))


def _log_softmax(tape: Tape, args: Args) -> int:
    m, powers = _shifted(tape, tuple(sorted(args)))
    rest = tape.put("log1p", (tape.put("rest", powers),))
    whole = tape.put("log", (tape.put("sum", powers),))
    power = tape.put("exp_difference", (args[0], m))
    return tape.put("log_share", (args[0], m, rest, power, whole))


def _where(tape: Tape, args: Args) -> int:
    return args[0]


def _fold_pairs(name: str) -> Callable[[Tape, Args], int]:
    def expand(tape: Tape, args: Args) -> int:
        return tape.put(name, args) if len(args) > 1 else args[0]

    return expand


EXPANSIONS: dict[str, Callable[[Tape, Args], int]] = {
    "where": _where,
    "softmax": _softmax,
    "logsumexp": _logsumexp,
    "log_softmax": _log_softmax,
    "sum": _fold_pairs("sum"),
    "maximum": _fold_pairs("maximum"),
    "minimum": _fold_pairs("minimum"),
}
