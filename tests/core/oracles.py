"""The mathematics of the table once more, in mpmath at 50 digits, and the tools to compare by.

Nothing here reads a row's function or partials: an oracle that did would prove nothing. Where a row
is by its meaning the derivative of another, its oracle is mpmath's derivative of the other's.
"""

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import reject
from hypothesis import strategies as st
from mpmath import mp

from engine.core.operation import TABLE, Operation

Oracle = Callable[..., Any]

DIGITS = 50
mp.dps = DIGITS
NOISE = 1e-30  # what a difference quotient at 50 digits may give for a derivative that is 0

# Inputs that are plain numbers by a row's meaning: their partials are None.
NUMBERS: dict[str, tuple[int, ...]] = {"pow": (1,), "power_partial": (2, 3)}

# Inputs that say which of the others counts: no derivative by them is asked for.
DECISIONS: dict[str, tuple[int, ...]] = {"select": (0,), "choose": (0,)}

# Rows whose terms cancel within their domain, held to what their inputs' last bits are worth.
ILL_CONDITIONED = {"power_partial"}  # x**(y-1) (1 + y log x), near y log x = -1


def _slope(f: Oracle, *orders: int) -> Oracle:
    return lambda a, b: mp.diff(f, (a, b), orders)


def _softplus(x: Any) -> Any:
    return max(x, 0) + mp.log1p(mp.exp(-abs(x)))


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def _logsumexp(*xs: Any) -> Any:
    return mp.log(mp.fsum(map(mp.exp, xs)))


def _dot(*args: Any) -> Any:
    n = len(args) // 2
    return mp.fdot(args[:n], args[n : 2 * n]) + mp.fsum(args[2 * n :])


def _entropy(p: Any, t: Any) -> Any:
    return -t * mp.log(p) - (1 - t) * mp.log1p(-p)


def _entropy_of_logit(x: Any, t: Any) -> Any:
    return t * _softplus(-x) + (1 - t) * _softplus(x)


def _gelu_tanh(x: Any) -> Any:
    # the coefficient of the paper is the decimal 0.044715; the float next to it is what rows use
    return x / 2 * (1 + mp.tanh(mp.sqrt(2 / mp.pi) * (x + mp.mpf(0.044715) * x**3)))


ORACLES: dict[str, Oracle] = {
    "where": lambda x: x,
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "self_ratio": lambda x: x / x,
    "neg": lambda x: -x,
    "abs": lambda x: abs(x),
    "pow": lambda x, n: mp.power(x, n),
    "xpowy": lambda a, b: mp.power(a, b),
    "power_partial": lambda a, b, j, k: mp.diff(mp.power, (a, b), (int(j), int(k))),
    "hypot": lambda a, b: mp.hypot(a, b),
    "xdivy": lambda a, b: a / b,
    "exp": lambda x: mp.exp(x),
    "expm1": lambda x: mp.expm1(x),
    "log": lambda x: mp.log(x),
    "log1p": lambda x: mp.log1p(x),
    "sqrt": lambda x: mp.sqrt(x),
    "rsqrt": lambda x: 1 / mp.sqrt(x),
    "sin": lambda x: mp.sin(x),
    "cos": lambda x: mp.cos(x),
    "tan": lambda x: mp.tan(x),
    "tanh": lambda x: mp.tanh(x),
    "sech2": lambda x: mp.sech(x) ** 2,
    "sigmoid": _sigmoid,
    "sigmoid_slope": lambda x: mp.sech(x / 2) ** 2 / 4,
    "relu": lambda x: max(x, mp.zero),
    "leaky_relu": lambda x, slope: x if x > 0 else slope * x,
    "elu": lambda x, alpha: x if x > 0 else alpha * mp.expm1(x),
    "softplus": _softplus,
    "silu": lambda x: x * _sigmoid(x),
    "gelu": lambda x: x * mp.ncdf(x),
    "normal_cdf": lambda x: mp.ncdf(x),
    "normal_pdf": lambda x: mp.npdf(x),
    "gelu_tanh": _gelu_tanh,
    "zero": lambda x: mp.zero,
    "sign": lambda x: mp.sign(x),
    "step": lambda x: mp.mpf(x > 0),
    "equal": lambda a, b: mp.mpf(a == b),
    "greater": lambda a, b: mp.mpf(a > b),
    "greater_equal": lambda a, b: mp.mpf(a >= b),
    "select": lambda test, a, b: a if test else b,
    "choose": lambda index, *options: options[int(index)],
    "within": lambda x, low, high: mp.mpf(low < x < high),
    "clamp": lambda x, low, high: min(max(x, low), high),
    "binary_cross_entropy": _entropy,
    "binary_cross_entropy_slope": _slope(_entropy, 1, 0),
    "binary_cross_entropy_with_logits": _entropy_of_logit,
    "logit_residual": _slope(_entropy_of_logit, 1, 0),
    "sum": lambda *xs: mp.fsum(xs),
    "dot": _dot,
    "maximum": lambda *xs: max(xs),
    "minimum": lambda *xs: min(xs),
    "logsumexp": _logsumexp,
    "softmax": lambda x, *others: mp.exp(x - _logsumexp(x, *others)),
    "log_softmax": lambda x, *others: -mp.log1p(mp.fsum(mp.exp(o - x) for o in others)),
}


# --- drawing inputs ------------------------------------------------------------------------------
def intervals(row: Operation, count: int = 1) -> list[tuple[float, float]]:
    """The interval of each input; of `count` inputs, where a row takes any number."""
    oracle = ORACLES[row.name]  # a row without one is found out here
    each: Any = row.domain
    if isinstance(each[0], (int, float)):
        arity = count if row.expand else len(inspect.signature(oracle).parameters)
        each = [each] * arity
    return list(each)


def points(row: Operation) -> st.SearchStrategy[list[float]]:
    """Inputs of a row within its domain: one to five for a row that takes any number."""
    if row.expand is not None:
        return st.lists(_floats_in(*intervals(row)), min_size=1, max_size=5)
    return st.tuples(*(_floats_in(each) for each in intervals(row))).map(list)


def _floats_in(interval: Any) -> st.SearchStrategy[float]:
    # mpmath differentiates with steps of about 1e-54, and a row may bend like 1/x**2 near 0
    return st.floats(*interval).map(lambda x: x if abs(x) > 1e-6 else 0.0)


def asked(row: Operation, count: int) -> list[int]:
    """The positions of the inputs by which a derivative of the row can be asked for."""
    return [i for i in range(count) if i not in NUMBERS.get(row.name, DECISIONS.get(row.name, ()))]


# --- comparing -----------------------------------------------------------------------------------
def exact(f: Oracle, xs: Sequence[float]) -> Any:
    """The oracle at floats; what it cannot answer (0/0) is not asked."""
    try:
        return f(*map(mp.mpf, xs))
    except ZeroDivisionError:
        reject()


def ulps(got: float, want: Any) -> float:
    """How many units in the last place a float is away from a number at 50 digits."""
    return float(abs(got - want) / math.ulp(float(want)))


def wiggle(f: Oracle, xs: Sequence[float]) -> Any:
    """How far f moves when each input moves by an ulp: no float algorithm can be held to less where
    terms cancel (silu' near its zero).
    """
    here = exact(f, xs)
    moved = ([*xs[:i], x + math.ulp(x), *xs[i + 1 :]] for i, x in enumerate(xs))
    return mp.fsum(abs(exact(f, each) - here) for each in moved)


def close(got: float, f: Oracle, xs: Sequence[float], rtol: float, atol: float = NOISE) -> bool:
    want = exact(f, xs)
    off = abs(got - want)
    return bool(off <= rtol * abs(want) + atol) or bool(off <= 2 * wiggle(f, xs))


def slope_on(side: int, f: Oracle, i: int) -> Oracle:
    """The derivative of an oracle by input i from the right (1) or from the left (-1)."""
    return lambda *xs: mp.diff(lambda t: f(*xs[:i], t, *xs[i + 1 :]), xs[i], direction=side)


def sides(f: Oracle, i: int, xs: Sequence[float]) -> tuple[Any, Any]:
    """The derivatives by input i from the left and from the right: apart at a kink or a jump."""
    return exact(slope_on(-1, f, i), xs), exact(slope_on(1, f, i), xs)


def agree(left: Any, right: Any) -> bool:
    return bool(abs(left - right) <= 1e-25 * (1 + abs(left)))


def curvature(f: Oracle, i: int, j: int) -> Oracle:
    """The second derivative of an oracle by inputs i and j."""

    def answer(*xs: Any) -> Any:
        orders = [0] * len(xs)
        orders[i] += 1
        orders[j] += 1
        return mp.diff(f, xs, tuple(orders))

    return answer


# The rows that are held against these; rows of engine/operations have tests of their own.
ROWS = {name: TABLE[name] for name in ORACLES}
