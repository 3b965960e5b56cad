"""A recorded graph as a tape: each node as one instruction, or as a few.

A row without a formula is taken apart where its float function is arithmetic and other rows
(tracing.py). So a new row needs no formula of its own.
"""

import marshal
from bisect import bisect_left
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any
from weakref import WeakValueDictionary

from engine.core.graph import topological, uncollected
from engine.core.operation import Operation
from engine.core.ops import CONSTANT
from engine.core.value import Value
from engine.native.lower.plan import Args, Tape, exactly, fold
from engine.native.lower.raising import raise_tape
from engine.native.lower.tracing import trace
from engine.native.math.rules import has_formula

# By all that a tape depends on, as long as somebody holds it.
_known: WeakValueDictionary[bytes, Tape] = WeakValueDictionary()


@uncollected()
def record_tape(
    inputs: Sequence[Value],
    parameters: Sequence[Value],
    outputs: Sequence[Value],
    exact: bool = False,
    totals: bool = False,
) -> tuple[Tape, list[Value]]:
    """The tape of everything below the outputs, raised (raising.py) unless it is to be exact; and
    the leaves that were taken for constants.
    """
    given, order, first = {*inputs, *parameters}, topological(*outputs), dict[Any, Value]()
    constants = {
        x: first.setdefault(exactly(x._data), x) for x in order if not x.parents and x not in given
    }
    # each node once, and each number
    nodes = dict.fromkeys((*inputs, *parameters, *map(constants.get, order, order)))
    number: dict[Any, int] = {x: i for i, x in enumerate(nodes)}
    number |= {x: number[one] for x, one in constants.items()}
    ops: list[Any] = [x.op for x in nodes]
    names = {op: str(op) for op in {*ops}}
    args = [tuple(map(number.__getitem__, x.parents)) for x in nodes]
    numbers = [x._data for x in first.values()]
    ends, sizes = [number[output] for output in outputs], (len(inputs), len(parameters))
    tape, key = None, b""
    if not any(op.own for op in names if op):  # what those do may change
        all_of_it = [*map(names.__getitem__, ops)], args, numbers, ends, sizes, exact, totals
        key = sha256(marshal.dumps(all_of_it, 2)).digest()
        tape = _known.get(key)
    if tape is None:
        tape = _written(ops, args, numbers, ends, sizes)
        tape = (tape if exact else raise_tape(tape, totals)).end()
        if key:
            _known[key] = tape
    return tape, [leaf for leaf in constants if leaf.op is not CONSTANT]


def _written(
    ops: Sequence[Any],
    args: Sequence[Args],
    numbers: Sequence[float],
    ends: Sequence[int],
    sizes: tuple[int, int],
) -> Tape:
    """The tape of a graph as it was written.

    Arguments:
        ops, args: of all nodes: inputs and parameters, of which there are `sizes`, then the others.
        numbers: the constants among those. ends: the outputs.
    """
    tape, recorder, constants = Tape(), _Recorder(), iter(numbers)
    at = [tape.leaf("input", i) for i in range(sizes[0])]
    at += [tape.leaf("param", i) for i in range(sizes[1])]
    plain = {op: op.name for op in {*ops} if op and _is_plain(op)}
    for op, below in zip(ops[len(at) :], args[len(at) :], strict=True):
        if below:
            given = tuple(map(at.__getitem__, below))
            name = plain.get(op)
            at.append(tape.put(name, given) if name else recorder.put(tape, op, given))
        else:
            at.append(tape.const(next(constants)))
    tape.outputs = [at[i] for i in ends]
    return tape.end()


def _is_plain(op: Operation) -> bool:
    """Whether a row is one instruction."""
    return not op.own and op.name not in IN_STEPS and has_formula(op.name)


class _Recorder:
    """Puts nodes on tapes, and remembers what the functions of their rows are made of."""

    def __init__(self) -> None:
        self._traced: dict[tuple[Operation, int], Tape | None] = {}

    def put(self, tape: Tape, op: Operation, args: Args) -> int:
        """The number of a row's result.

        A row is one instruction where it has a formula or cannot be taken apart, and several where
        it is written in smaller steps or its function is made of other rows.
        """
        if _is_plain(op):
            return tape.put(op.name, args)
        if all(arg in tape.numbers for arg in args):
            return tape.const(fold(op.function, [tape.numbers[arg] for arg in args]))
        if not op.own and op.name in IN_STEPS:
            return IN_STEPS[op.name](tape, args)
        key = op, len(args)
        if key not in self._traced:
            self._traced[key] = trace(*key, self.put)
        parts = self._traced[key]
        return tape.call(op, args) if parts is None else tape.inline(parts, args)


# --- the n-ary rows in smaller steps, as their float functions compute them ---------------------
# A sum may overflow on the way, where a float function begins again with smaller numbers: then the
# result is not finite, and an error in strict mode.
def _shifted(tape: Tape, xs: Args) -> tuple[int, int]:
    """The maximum m, and the sum of exp(x - m) over the others."""
    m = _several("maximum")(tape, tuple(sorted(xs)))
    return m, _exp_rest(tape, (m, *xs))


def _exp_rest(tape: Tape, args: Args) -> int:
    m, *xs = args
    return tape.put("rest", tuple([tape.put("exp_difference", (x, m)) for x in sorted(xs)]))


def _shifted_softmax(tape: Tape, args: Args) -> int:
    x, m, rest = args
    whole = tape.put("add", (tape.const(1.0), rest))
    return tape.put("share", (tape.put("exp_difference", (x, m)), whole))


def _shifted_log(tape: Tape, args: Args) -> int:
    x, m, rest = args
    return tape.put("log_share", (x, m, tape.put("log1p", (rest,))))


def _log_softmax_at(tape: Tape, args: Args) -> int:
    return _shifted_log(tape, (tape.put("choose", args), *_shifted(tape, args[1:])))


def _logsumexp(tape: Tape, args: Args) -> int:
    m, rest = _shifted(tape, args)
    return tape.put("add_rest", (m, tape.put("log1p", (rest,))))


def _prod(tape: Tape, args: Args) -> int:
    """By significands and exponents, for what is multiplied may overflow on the way."""
    return tape.put("scaled", _product(tape, tuple(sorted(args))))


def _product(tape: Tape, xs: Args) -> Args:
    """The significand and the exponent of a product.

    It is parted where the numbers of its factors differ first in their bits. So products of almost
    the same factors, as the partials of one are, have most parts in common.
    """
    if len(xs) == 1:
        return tape.put("significand", xs), tape.put("exponent", xs)
    bit = (xs[0] ^ xs[-1]).bit_length() - 1
    middle = bisect_left(xs, xs[-1] >> bit << bit) if bit >= 0 else len(xs) // 2
    (a, m), (b, n) = [_product(tape, part) for part in (xs[:middle], xs[middle:])]
    x, power = tape.put("mul", (a, b)), tape.put("add", (m, n))
    if len(xs) <= 1000:
        return x, power
    rest, more = _product(tape, (x,))
    return rest, tape.put("add", (power, more))


def _sum(tape: Tape, args: Args) -> int:
    return tape.put("add", args) if len(args) == 2 else _several("sum")(tape, tuple(sorted(args)))


def _mean(tape: Tape, xs: Args) -> int:
    return tape.put("div", (_sum(tape, xs), tape.const(float(len(xs)))))


def _deviations(tape: Tape, xs: Args) -> Args:
    """The difference of each from the mean, less what the mean was rounded off."""
    m, many = _mean(tape, xs), tape.const(float(len(xs)))
    rest = tape.put("div", (_sum(tape, (*xs, *[tape.put("neg", (m,))] * len(xs))), many))
    return tuple([tape.put("sub", (tape.put("sub", (x, m)), rest)) for x in xs])


def _freedom(tape: Tape, args: Args) -> int:
    """How many numbers there are, less the correction that comes before them."""
    return tape.put("sub", (tape.const(len(args) - 1.0), args[0]))


def _var(tape: Tape, args: Args) -> int:
    squares = tuple([tape.put("mul", (d, d)) for d in _deviations(tape, args[1:])])
    return tape.put("div", (_sum(tape, squares), _freedom(tape, args)))


def _length(tape: Tape, xs: Args) -> tuple[int, Args, int]:
    """The largest size; each number as a share of that, so that no square overflows or vanishes;
    and the length of the shares.
    """
    sizes = [tape.put("abs", (x,)) for x in xs]
    top = _several("maximum")(tape, tuple(sorted(sizes)))
    shares = []
    for x, size in zip(xs, sizes, strict=True):  # of infinities and of zeros too
        share, sign = tape.put("div", (x, top)), tape.put("sign", (x,))
        shares.append(tape.put("select", (tape.put("equal", (size, top)), sign, share)))
    squares = tuple([tape.put("mul", (x, x)) for x in shares])
    return top, tuple(shares), tape.put("sqrt", (_sum(tape, squares),))


def _norm(tape: Tape, xs: Args) -> int:
    top, _, length = _length(tape, xs)
    return tape.put("mul", (top, length))


def _direction(tape: Tape, xs: Args) -> int:
    _, shares, length = _length(tape, xs)
    return tape.put("xdivy", (shares[0], length))


def _of_deviations(op: str, function: Callable[[Tape, Args], int]) -> Callable[[Tape, Args], int]:
    """A function of deviations over the root of how many are free."""

    def step(tape: Tape, args: Args) -> int:
        found = function(tape, _deviations(tape, args[1:]))
        return tape.put(op, (found, tape.put("sqrt", (_freedom(tape, args),))))

    return step


def _several(name: str) -> Callable[[Tape, Args], int]:
    """An instruction for two or more; one alone is its own maximum."""
    return lambda tape, xs: tape.put(name, xs) if len(xs) > 1 else xs[0]


def _dot_where(tape: Tape, args: Args) -> int:
    n, one, zero = len(args) // 3, tape.const(1.0), tape.const(0.0)
    ups, downs = list[int](), list[int]()
    for test, up, down in zip(args[:n], args[n : 2 * n], args[2 * n :], strict=True):
        if test != one:
            up, down = tape.put("select", (test, tape.put("mul", (up, down)), zero)), one
        ups.append(up)
        downs.append(down)
    return tape.put("dot", (*ups, *downs))


IN_STEPS: dict[str, Callable[[Tape, Args], int]] = {
    "exp_rest": _exp_rest,
    "shifted_softmax": _shifted_softmax,
    "shifted_log_softmax": _shifted_log,
    "softmax": lambda tape, xs: _shifted_softmax(tape, (xs[0], *_shifted(tape, xs))),
    "log_softmax": lambda tape, xs: _shifted_log(tape, (xs[0], *_shifted(tape, xs))),
    "log_softmax_at": _log_softmax_at,
    "logsumexp": _logsumexp,
    "prod": _prod,
    "sum": _sum,
    "mean": _mean,
    "dot_where": _dot_where,
    "deviation": lambda tape, xs: _deviations(tape, xs)[0],
    "var": _var,
    "std": _of_deviations("div", _norm),
    "std_slope": _of_deviations("div", _direction),
    "norm": _norm,
    "direction": _direction,
    "maximum": _several("maximum"),
    "minimum": _several("minimum"),
}
