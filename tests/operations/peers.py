"""The same functions in PyTorch and JAX, and in mpmath, which is the judge.

`PYTHONPATH=. python -m tests.operations.peers` prints each point at which values or derivatives
differ, and who is right; `--write` keeps that in tests/data/disagreements.txt.
"""

import argparse
import math
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import mpmath as mp

import engine
from engine import Value, gradient, numeric_mode, where

KEPT = Path(__file__).parents[1] / "data/disagreements.txt"
ORDINARY = (0.001, 0.1, 0.3, 0.7, 1.3, 2.2, 3.4, 7.9, 40.0)
SPECIAL = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 6.0, 800.0, 1e-200, 1e200, math.inf)
POINTS = (math.nan, *(sign * x for x in sorted(ORDINARY + SPECIAL) for sign in (-1.0, 1.0)))
ORDERS = ("value", "first derivative", "second derivative")


class Function(NamedTuple):
    """A function of one number in each of the systems; None where one of them has none."""

    ours: Callable[[Any], Any]
    torch: str | None
    jax: str | None
    exact: Callable[[Any], Any]
    kinks: tuple[float, ...] = ()  # where it, or its derivative, is not differentiable
    slopes: tuple[Callable[[Any], Any], ...] = ()  # where differences of `exact` take seconds


def _psi(order: int) -> Callable[[Any], Any]:
    return lambda x: mp.psi(order, x)


def _relu(x: Any) -> Any:
    return max(x, mp.mpf(0))


def _cut(x: Any, low: float, high: float) -> Any:
    return min(max(x, mp.mpf(low)), mp.mpf(high))


def _elu(x: Any) -> Any:
    return x if x > 0 else mp.expm1(x)


def _erfc(x: Any) -> Any:
    return mp.erfc(x) if abs(x) < 1e6 else mp.mpf(2 * (x < 0))  # mpmath takes no larger ones


WHOLE = tuple(x for x in POINTS if x % 1.0 == 0.0)
SCALE, ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717
FUNCTIONS = {
    "abs": Function(abs, "torch.abs", "jnp.abs", abs, (0.0,)),
    "acos": Function(engine.acos, "torch.acos", "jnp.arccos", mp.acos, (-1.0, 1.0)),
    "acosh": Function(engine.acosh, "torch.acosh", "jnp.arccosh", mp.acosh, (1.0,)),
    "asin": Function(engine.asin, "torch.asin", "jnp.arcsin", mp.asin, (-1.0, 1.0)),
    "asinh": Function(engine.asinh, "torch.asinh", "jnp.arcsinh", mp.asinh),
    "atan": Function(engine.atan, "torch.atan", "jnp.arctan", mp.atan),
    "atanh": Function(engine.atanh, "torch.atanh", "jnp.arctanh", mp.atanh, (-1.0, 1.0)),
    "cbrt": Function(engine.cbrt, None, "jnp.cbrt", lambda x: mp.sign(x) * mp.cbrt(abs(x)), (0.0,)),
    "ceil": Function(engine.ceil, "torch.ceil", "jnp.ceil", mp.ceil, WHOLE),
    "cos": Function(engine.cos, "torch.cos", "jnp.cos", mp.cos),
    "cosh": Function(engine.cosh, "torch.cosh", "jnp.cosh", mp.cosh),
    "digamma": Function(
        engine.digamma, "torch.digamma", "jsp.digamma", mp.digamma, (), (_psi(1), _psi(2))
    ),
    "elu": Function(engine.elu, "F.elu", "jnn.elu", _elu, (0.0,)),
    "erf": Function(
        engine.erf, "torch.erf", "jsp.erf", lambda x: 1 - _erfc(x) if abs(x) > 1e6 else mp.erf(x)
    ),
    "erfc": Function(engine.erfc, "torch.erfc", "jsp.erfc", _erfc),
    "exp": Function(engine.exp, "torch.exp", "jnp.exp", mp.exp),
    "exp2": Function(engine.exp2, "torch.exp2", "jnp.exp2", lambda x: mp.mpf(2) ** x),
    "expm1": Function(engine.expm1, "torch.expm1", "jnp.expm1", mp.expm1),
    "floor": Function(engine.floor, "torch.floor", "jnp.floor", mp.floor, WHOLE),
    "gelu": Function(engine.gelu, "F.gelu", "exact_gelu", lambda x: x * _erfc(-x / mp.sqrt(2)) / 2),
    "hardtanh": Function(
        engine.hardtanh, "F.hardtanh", "jnn.hard_tanh", lambda x: _cut(x, -1, 1), (-1.0, 1.0)
    ),
    "leaky_relu": Function(
        engine.leaky_relu, "F.leaky_relu", "jnn.leaky_relu", lambda x: max(x, 0.01 * x), (0.0,)
    ),
    "lgamma": Function(
        engine.lgamma,
        *("torch.lgamma", "jsp.gammaln", lambda x: mp.re(mp.loggamma(x)), (), (_psi(0), _psi(1))),
    ),
    "log": Function(engine.log, "torch.log", "jnp.log", mp.log, (0.0,)),
    "log10": Function(engine.log10, "torch.log10", "jnp.log10", mp.log10, (0.0,)),
    "log1p": Function(engine.log1p, "torch.log1p", "jnp.log1p", mp.log1p, (-1.0,)),
    "log2": Function(engine.log2, "torch.log2", "jnp.log2", lambda x: mp.log(x, 2), (0.0,)),
    "log_sigmoid": Function(
        lambda x: -engine.softplus(-x),
        *("F.logsigmoid", "jnn.log_sigmoid", lambda x: -mp.log1p(mp.exp(-x))),
    ),
    "logit": Function(
        engine.logit, "torch.logit", "jsp.logit", lambda x: mp.log(x / (1 - x)), (0.0, 1.0)
    ),
    "mish": Function(engine.mish, "F.mish", "jnn.mish", lambda x: x * mp.tanh(mp.log1p(mp.exp(x)))),
    "neg": Function(lambda x: -x, "torch.neg", "jnp.negative", lambda x: -x),
    "normal_cdf": Function(
        lambda x: engine.erfc(x * -math.sqrt(0.5)) * 0.5,
        *("torch.special.ndtr", "jss.norm.cdf", lambda x: _erfc(-x / mp.sqrt(2)) / 2),
    ),
    "reciprocal": Function(
        lambda x: 1.0 / x, "torch.reciprocal", "jnp.reciprocal", lambda x: 1 / x
    ),
    "relu": Function(engine.relu, "F.relu", "jnn.relu", _relu, (0.0,)),
    "relu6": Function(
        lambda x: engine.clamp(x, 0.0, 6.0),
        *("F.relu6", "jnn.relu6", lambda x: _cut(x, 0, 6), (0.0, 6.0)),
    ),
    "round": Function(engine.round, "torch.round", "jnp.round", mp.nint, (-1.5, -0.5, 0.5, 1.5)),
    "rsqrt": Function(lambda x: x**-0.5, "torch.rsqrt", "lax.rsqrt", lambda x: 1 / mp.sqrt(x)),
    "selu": Function(
        engine.selu,
        *("F.selu", "jnn.selu", lambda x: SCALE * (x if x > 0 else ALPHA * mp.expm1(x)), (0.0,)),
    ),
    "sigmoid": Function(
        engine.sigmoid, "torch.sigmoid", "jnn.sigmoid", lambda x: 1 / (1 + mp.exp(-x))
    ),
    "sign": Function(engine.sign, "torch.sign", "jnp.sign", mp.sign, (0.0,)),
    "silu": Function(engine.silu, "F.silu", "jnn.silu", lambda x: x / (1 + mp.exp(-x))),
    "sin": Function(engine.sin, "torch.sin", "jnp.sin", mp.sin),
    "sinc": Function(
        lambda x: where(engine.equal(x, 0.0), 1.0, engine.sin(math.pi * x) / (math.pi * x)),
        *("torch.sinc", "jnp.sinc", mp.sincpi),
    ),
    "sinh": Function(engine.sinh, "torch.sinh", "jnp.sinh", mp.sinh),
    "softplus": Function(
        engine.softplus, "F.softplus", "jnn.softplus", lambda x: mp.log1p(mp.exp(x))
    ),
    "softsign": Function(
        engine.softsign, "F.softsign", "jnn.soft_sign", lambda x: x / (1 + abs(x)), (0.0,)
    ),
    "sqrt": Function(engine.sqrt, "torch.sqrt", "jnp.sqrt", mp.sqrt, (0.0,)),
    "square": Function(engine.square, "torch.square", "jnp.square", lambda x: x * x),
    "tan": Function(engine.tan, "torch.tan", "jnp.tan", mp.tan),
    "tanh": Function(engine.tanh, "torch.tanh", "jnp.tanh", mp.tanh),
    "tanhshrink": Function(
        lambda x: x - engine.tanh(x), "F.tanhshrink", None, lambda x: x - mp.tanh(x)
    ),
    "trunc": Function(
        engine.trunc, "torch.trunc", "jnp.trunc", lambda x: mp.sign(x) * mp.floor(abs(x)), WHOLE
    ),
}


class Disagreement(NamedTuple):
    """A number in which two systems differ; `right` is by mpmath, or why it says nothing."""

    function: str
    order: int
    x: float
    ours: float
    peer: str
    theirs: float
    right: str


def close(a: float, b: float) -> bool:
    """Equal up to what careful formulas may round, or both nan."""
    return a == b or (a != a and b != b) or abs(a - b) <= 1e-10 * abs(b) + 1e-300


def ours(function: Function, x: float) -> tuple[float, float, float]:
    """The value and two derivatives, in ieee mode."""
    with numeric_mode("ieee"):
        at = Value(x)
        y = function.ours(at)
        first = gradient(y, at)
        return float(y), float(first), float(gradient(first, at))


def pytorch(function: Function, x: float) -> tuple[float, float, float]:
    """The same by PyTorch's autograd."""
    import torch
    import torch.nn.functional

    names = {"torch": torch, "F": torch.nn.functional}
    at = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    y = eval(function.torch or "", names)(at)
    found = [y.item()]
    for _ in range(2):
        (y,) = torch.autograd.grad(y, at, create_graph=True, allow_unused=True)
        y = at * 0.0 if y is None or not y.requires_grad else y
        found.append(0.0 if y is None else y.item())
    return found[0], found[1], found[2]


def jax(function: Function) -> list[tuple[float, float, float]]:
    """The same by JAX, at all points at once."""
    import jax
    from jax import lax, nn, numpy, scipy

    jax.config.update("jax_enable_x64", True)
    names: dict[str, Any] = {"jnp": numpy, "jnn": nn, "jsp": scipy.special, "jss": scipy.stats}
    names |= {"lax": lax, "exact_gelu": lambda x: nn.gelu(x, approximate=False)}
    f = eval(function.jax or "", names)
    kinds = f, jax.grad(f), jax.grad(jax.grad(f))
    columns = [jax.vmap(kind)(numpy.array(POINTS)).tolist() for kind in kinds]
    return list(zip(*columns, strict=True))


def judged(function: Function, order: int, x: float) -> float | str:
    """The number that is right by mpmath, or why it has none."""
    if not math.isfinite(x):
        return "no finite point"
    if order and x in function.kinks:
        return "kink or border"
    usual = x == 0.0 or 1e-3 <= abs(x) <= 1e3
    with mp.workdps(60 if usual else 420):  # so that a step is small beside x, and x beside it
        try:
            at = mp.mpf(x)
            found = function.exact(at)
            if mp.im(found):  # outside of the domain, where there is no derivative either
                return math.nan
            if order and function.slopes:
                found = function.slopes[order - 1](at)
            elif order:
                found = mp.re(mp.diff(function.exact, at, order))
            left_over = order and usual and abs(x) < 100.0 and abs(found) < 1e-40
            return 0.0 if left_over else float(mp.re(found))  # where differences cancel
        except (ValueError, ZeroDivisionError):
            return "pole"


def disagreements() -> Iterator[Disagreement]:
    """Each number that differs from that of a peer."""
    for name, function in FUNCTIONS.items():
        mine = [ours(function, x) for x in POINTS]
        peers = {}
        if function.torch:
            peers["PyTorch"] = [pytorch(function, x) for x in POINTS]
        if function.jax:
            peers["JAX"] = jax(function)
        for peer, theirs in peers.items():
            for x, us, them in zip(POINTS, mine, theirs, strict=True):
                for order, (a, b) in enumerate(zip(us, them, strict=True)):
                    if not close(a, b):
                        right = judged(function, order, x)
                        yield Disagreement(name, order, x, a, peer, b, _who(right, a, b, peer))


def _who(right: float | str, a: float, b: float, peer: str) -> str:
    if isinstance(right, str):
        return right
    return {(True, False): "gradwalk", (False, True): peer}.get(
        (close(a, right), close(b, right)), f"neither: {right!r}"
    )


def lines(found: list[Disagreement]) -> list[str]:
    """The table: a line for each."""
    head = ["function", "at", "of the", "gradwalk", "peer", "its answer", "right by mpmath"]
    rows = [
        [
            d.function,
            f"{d.x:g}",
            ORDERS[d.order],
            f"{d.ours:.12g}",
            d.peer,
            f"{d.theirs:.12g}",
            d.right,
        ]
        for d in found
    ]
    return ["\t".join(row) for row in [head, *rows]]


def main() -> None:
    """Print or keep the table, and print how many there are of each kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"keep the table in {KEPT}")
    found = list(disagreements())
    if parser.parse_args().write:
        KEPT.write_text("\n".join(lines(found)) + "\n", encoding="utf-8")
    else:
        print("\n".join(lines(found)))
    for key, some in groupby(sorted((d.peer, d.right.partition(":")[0]) for d in found)):
        print(*key, len(list(some)), sep="\t")


if __name__ == "__main__":
    main()
