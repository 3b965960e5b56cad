"""The rows of the table as arithmetic on vectors: which have a formula, and what it costs.

A rule answers what the row's float function answers, at all special cases too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from math import inf, nan

from engine.native.emit.function import Body
from engine.native.emit.vector import Vector, select
from engine.native.math import elementary as e
from engine.native.math.powers import hypot, pow_rule, power, power_partial
from engine.native.math.reductions import FOLDS, STEPS, fold
from engine.native.math.trigonometry import cos, sin, tan


# --- arithmetic and branches ---------------------------------------------------------------------
def _xdivy(x: Vector, y: Vector) -> Vector:
    zero = y.equals(0.0)
    pole = select(x.equals(0.0), x, x.body.constant(inf).copysign(x))
    return select(y >= 0.0, select(zero, pole, x / y), nan)


def _clamp(x: Vector, low: Vector, high: Vector) -> Vector:
    held = select(x < low, low, select(x > high, high, x))
    return select(low.is_nan() | high.is_nan(), nan, held)


def _within(x: Vector, low: Vector, high: Vector) -> Vector:
    inside = select((low < x) & (x < high), 1.0, 0.0)
    return select(x.is_nan() | low.is_nan() | high.is_nan(), nan, inside)


def _relu(x: Vector) -> Vector:
    return select(x <= 0.0, 0.0, x)


# --- activations ---------------------------------------------------------------------------------
def _silu(x: Vector) -> Vector:
    left = e.exp_negative(-abs(x), times=x) * e.reciprocal(-abs(x))
    return select(x < -760.0, -0.0, select(x >= 0.0, x * e.logistic(x), left))


def _normal_cdf(x: Vector) -> Vector:
    tail = e.normal_tail(x)
    return select(x > 0.0, 1.0 - tail, tail)


def _gelu(x: Vector) -> Vector:
    return select(x <= -40.0, -0.0, x * _normal_cdf(x))


def _gelu_tanh(x: Vector) -> Vector:
    inner = 2.0 * math.sqrt(2.0 / math.pi) * (x + 0.044715 * x * x * x)
    return select(x <= -40.0, -0.0, x * e.logistic(inner))


# --- losses of one number against a target -------------------------------------------------------
def _probable(p: Vector, y: Vector) -> Vector:
    return select((p >= 0.0) & (p <= 1.0), y, nan)


def _binary_cross_entropy(p: Vector, t: Vector) -> Vector:
    hit = select(t.equals(0.0), 0.0, 0.0 - t * e.log(p))
    miss = select(t.equals(1.0), 0.0, (1.0 - t) * e.log1p(-p))
    return _probable(p, hit - miss)


def _binary_cross_entropy_slope(p: Vector, t: Vector) -> Vector:
    miss, hit = 1.0 / (1.0 - p), -(1.0 / abs(p))
    between = (p - t) / abs(p * (1.0 - p))
    return _probable(p, select(t.equals(0.0), miss, select(t.equals(1.0), hit, between)))


def _binary_cross_entropy_with_logits(x: Vector, t: Vector) -> Vector:
    tail = e.softplus_tail(x)
    hit = select(t.equals(0.0), 0.0, t * (_relu(-x) + tail))
    return hit + select(t.equals(1.0), 0.0, (1.0 - t) * (_relu(x) + tail))


def _logit_residual(x: Vector, t: Vector) -> Vector:
    near = 0.5 * e.tanh(x, half=True) + (0.5 - t)
    # sigmoid(x) and sigmoid(-x), of one exponential
    right, left = e.logistic(x), e.logistic(x, mirrored=True)
    return select(abs(x) < 1.0, near, (1.0 - t) * right - t * left)


RULES: dict[str, Callable[..., Vector]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "self_ratio": lambda x: x / x,
    "neg": lambda x: -x,
    "abs": abs,
    "pow": pow_rule,
    "xpowy": power,
    "power_partial": power_partial,
    "hypot": hypot,
    "xdivy": _xdivy,
    "exp": e.exp,
    "expm1": e.expm1,
    "log": e.log,
    "log1p": e.log1p,
    "sqrt": lambda x: x.sqrt(),
    "rsqrt": lambda x: 1.0 / (x.sqrt() + 0.0),  # inf at -0 too
    "sin": sin,
    "cos": cos,
    "tan": tan,
    "tanh": e.tanh,
    "sech2": lambda x: 4.0 * e.logistic_slope(-2.0 * abs(x)),
    "sigmoid": e.logistic,
    "sigmoid_slope": lambda x: e.logistic_slope(-abs(x)),
    "relu": _relu,
    "leaky_relu": lambda x, slope: select(x > 0.0, x, slope * x),
    "elu": lambda x, alpha: select(x > 0.0, x, alpha * e.expm1(x)),
    "softplus": lambda x: _relu(x) + e.softplus_tail(x),
    "silu": _silu,
    "gelu": _gelu,
    "normal_cdf": _normal_cdf,
    "normal_pdf": e.normal_pdf,
    "gauss": e.gauss,
    "gelu_tanh": _gelu_tanh,
    "zero": lambda x: select(x.is_nan(), x, 0.0),
    "sign": lambda x: select(x > 0.0, 1.0, select(x < 0.0, -1.0, x)),
    "step": lambda x: select(x.is_nan(), x, select(x > 0.0, 1.0, 0.0)),
    "equal": lambda a, b: select(a.equals(b), 1.0, 0.0),
    "greater": lambda a, b: select(a > b, 1.0, 0.0),
    "greater_equal": lambda a, b: select(a >= b, 1.0, 0.0),
    "select": lambda test, a, b: select(test.equals(0.0), b, a),
    "within": _within,
    "clamp": _clamp,
    "hardtanh": _clamp,
    "binary_cross_entropy": _binary_cross_entropy,
    "binary_cross_entropy_slope": _binary_cross_entropy_slope,
    "binary_cross_entropy_with_logits": _binary_cross_entropy_with_logits,
    "logit_residual": _logit_residual,
}


# --- every operation by its name ------------------------------------------------------------------
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
