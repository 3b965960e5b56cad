"""The table of operations: every rule of differentiation, once.

A row says an operation's name, its float function, its partial derivatives as a function of
(output, *inputs), and how it is shown. Everything else reads the table: eager execution,
`backward()`, forward mode, gradients of gradients, the pictures and the tests.

Partials are generic in the kind of number: floats give numbers, Values give a differentiable graph.
So they are made of operators and rows alone and hold no `if` on a value: a branch is a row of its
own (`step`, `equal`, `clamp`). What a second or third derivative needs is a row like any other.
"""

import math
from collections.abc import Sequence
from functools import reduce
from typing import Any

from engine.core import numerics as f
from engine.core.node import Node
from engine.core.operation import TABLE, Operation

__all__: list[str] = []  # the rows go by TABLE; what users call is in functions.py


def rule(name: str, function: Any, partials: Any, **how: Any) -> Operation:
    row = TABLE[name] = Operation(name, function, partials, **how)
    return row


# A number written in the source: it takes no gradient, and pictures fold it into its consumer.
CONSTANT: Operation = rule("constant", lambda: 0.0, ())


def is_constant(node: Node) -> bool:
    """Tell whether a node is a number written in the source: pictures show it in its consumer."""
    return node.op is CONSTANT


# Links only the branch that was chosen, so that the other cannot poison a gradient.
where: Operation = rule("where", lambda x: x, (1.0,))

# --- arithmetic ----------------------------------------------------------------------------------
add: Operation = rule("add", lambda a, b: a + b, (1.0, 1.0), symbol="+", tex="{0} + {1}")
sub: Operation = rule("sub", lambda a, b: a - b, (1.0, -1.0), symbol="-", tex="{0} - {1}")
mul: Operation = rule(
    "mul",
    lambda a, b: a * b,
    lambda y, a, b: (b, a),
    symbol="×",
    tex=r"{0} \cdot {1}",
    finite_partials=True,
)
div: Operation = rule(
    "div",
    f.divide,
    lambda y, a, b: (div(1.0, b), -div(y, b)),
    symbol="/",
    tex=r"\frac{{{0}}}{{{1}}}",
    domain=((-3.0, 3.0), (0.1, 3.0)),
    remedy={"": "keep the divisor away from 0, e.g. with a small constant added"},
    finite_partials=lambda a, b: bool(b),
)
self_ratio: Operation = rule(  # x / x: two partials of 1/x and -1/x would overflow at tiny x
    "self_ratio",
    lambda x: f.divide(x, x),
    lambda y, x: (y - y,),
    symbol="x/x",
    tex=r"\frac{{{0}}}{{{0}}}",
)
neg: Operation = rule("neg", lambda x: -x, (-1.0,), symbol="-", tex="-{0}")
absolute: Operation = rule(
    "abs", abs, lambda y, x: (sign(x),), symbol="|x|", tex=r"\left|{0}\right|", finite_partials=True
)


def _power_partials(y: Any, x: Any, n: float) -> tuple[Any, None]:
    """The derivative n x**(n-1), where the exponent is a number.

    So it has no partial of its own, and there may be an `if` on it. (At the far ends n - 1
    would round.)
    """
    if n == 0.0 or n == 1.0:
        return n, None
    if not 1e-15 < abs(n) < 1e15:
        return power_partial(x, n, 1.0, 0.0), None
    return n * (x if n == 2.0 else power(x, n - 1.0)), None


power: Operation = rule(
    "pow",
    f.power,
    _power_partials,
    symbol="**",
    tex="{0}^{{{1}}}",
    domain=((0.1, 3.0), (-3.0, 3.0)),
    remedy={"": "a power of 0 needs an exponent >= 0, one of a negative number a whole exponent"},
    finite_partials=lambda x, n: n is not None and n >= 0.0 and n % 1.0 == 0.0,
)
xpowy: Operation = rule(
    "xpowy",
    f.power,
    lambda y, a, b: (power_partial(a, b, 1.0, 0.0), power_partial(a, b, 0.0, 1.0)),
    symbol="**",
    tex="{0}^{{{1}}}",
    domain=((0.1, 3.0), (-3.0, 3.0)),
    remedy={"": "a Value as the exponent needs a base > 0"},
)
power_partial: Operation = rule(  # j and k are numbers
    "power_partial",
    f.power_partial,
    lambda y, a, b, j, k: (
        power_partial(a, b, j + 1.0, k),
        power_partial(a, b, j, k + 1.0),
        None,
        None,
    ),
    symbol="∂(**)",
    tex=r"\partial\operatorname{{pow}}",
    domain=((0.1, 3.0), (-3.0, 3.0), (1.0, 1.0), (1.0, 1.0)),
)
hypot: Operation = rule(
    "hypot",
    math.hypot,
    lambda y, a, b: (unit(a, b), unit(b, a)),
    tex=r"\sqrt{{{0}^2 + {1}^2}}",
    domain=((-3.0, 3.0), (-3.0, 3.0)),
    finite_partials=True,
)
unit: Operation = rule(
    "unit",
    f.unit,
    lambda y, a, b: (
        div(unit(b, a) * unit(b, a), hypot(a, b)),
        -div(y * unit(b, a), hypot(a, b)),
    ),
    tex=r"\frac{{{0}}}{{\sqrt{{{0}^2 + {1}^2}}}}",
)
xdivy: Operation = rule(
    "xdivy",
    f.xdivy,
    lambda y, a, b: (xdivy(1.0, b), -xdivy(y, b)),
    symbol="/",
    tex=r"\frac{{{0}}}{{{1}}}",
    domain=((-3.0, 3.0), (0.1, 3.0)),
)

# --- exponentials, logarithms, trigonometry ------------------------------------------------------
exp: Operation = rule(
    "exp",
    f.exp,
    lambda y, x: (y,),
    tex="e^{{{0}}}",
    remedy={"": "it overflows past 709.78; softmax, logsumexp, softplus and expm1 are stable"},
)
expm1: Operation = rule(
    "expm1", f.expm1, lambda y, x: (exp(x),), tex="e^{{{0}}} - 1", remedy=exp.remedy
)
log: Operation = rule(
    "log",
    f.log,
    lambda y, x: (xdivy(1.0, x),),
    tex=r"\log",
    domain=(0.1, 3.0),
    remedy={
        "": "log needs an input > 0",
        "softmax": "log_softmax(xs)[k] is stable where log(softmax(xs)[k]) is not",
        "sigmoid": "-softplus(-x) is stable where log(sigmoid(x)) is not",
        "sum": "logsumexp(xs) is stable where log(sum(exp(x) for x in xs)) is not",
    },
)
log1p: Operation = rule(
    "log1p",
    f.log1p,
    lambda y, x: (xdivy(1.0, 1.0 + x),),
    tex=r"\log(1 + {0})",
    domain=(-0.9, 3.0),
    remedy={"": "log1p needs an input > -1"},
)
sqrt: Operation = rule(
    "sqrt",
    f.sqrt,
    lambda y, x: (0.5 * rsqrt(x),),
    tex=r"\sqrt{{{0}}}",
    domain=(0.1, 3.0),
    remedy={"": "sqrt needs an input >= 0 and its derivative one > 0; hypot(a, b) is safe at 0"},
)
rsqrt: Operation = rule(
    "rsqrt",
    f.rsqrt,
    lambda y, x: (-0.5 * y * y * y,),
    tex=r"\frac{{1}}{{\sqrt{{{0}}}}}",
    domain=(0.1, 3.0),
    remedy={"": "rsqrt needs an input > 0"},
)
sin: Operation = rule("sin", f.sin, lambda y, x: (cos(x),), tex=r"\sin", finite_partials=True)
cos: Operation = rule("cos", f.cos, lambda y, x: (-sin(x),), tex=r"\cos", finite_partials=True)
tan: Operation = rule("tan", f.tan, lambda y, x: (1.0 + y * y,), tex=r"\tan", domain=(-1.4, 1.4))

# --- activations ---------------------------------------------------------------------------------
tanh: Operation = rule(
    "tanh", math.tanh, lambda y, x: (sech2(x),), tex=r"\tanh", finite_partials=True
)
sech2: Operation = rule(
    "sech2",
    f.sech2,
    lambda y, x: (-2.0 * y * tanh(x),),
    tex=r"\operatorname{{sech}}^2",
    finite_partials=True,
)
sigmoid: Operation = rule(
    "sigmoid", f.sigmoid, lambda y, x: (sigmoid_slope(x),), tex=r"\sigma", finite_partials=True
)
sigmoid_slope: Operation = rule(
    "sigmoid_slope",
    f.sigmoid_slope,
    lambda y, x: (-y * tanh(0.5 * x),),
    tex=r"\sigma'",
    finite_partials=True,
)
relu: Operation = rule("relu", f.relu, lambda y, x: (step(x),), branches=True)
leaky_relu: Operation = rule(
    "leaky_relu",
    f.leaky_relu,
    lambda y, x, slope: (slope + (1.0 - slope) * step(x), -relu(-x)),
    domain=((-3.0, 3.0), (0.01, 0.5)),
    finite_partials=True,
)
elu: Operation = rule(
    "elu",
    f.elu,
    lambda y, x, alpha: (
        step(x) + (1.0 - step(x)) * alpha * exp(-relu(-x)),
        expm1(-relu(-x)),
    ),
    domain=((-3.0, 3.0), (0.5, 2.0)),
)
softplus: Operation = rule("softplus", f.softplus, lambda y, x: (sigmoid(x),), finite_partials=True)
# Past the clamped range the second term is 0 in floats, and inf * 0 would make it a nan.
silu: Operation = rule(
    "silu",
    f.silu,
    lambda y, x: (sigmoid(x) + clamp(x, -800.0, 800.0) * sigmoid_slope(x),),
    domain=(-1.0, 3.0),
    finite_partials=True,
)
gelu: Operation = rule(
    "gelu",
    f.gelu,
    lambda y, x: (normal_cdf(x) + clamp(x, -40.0, 40.0) * normal_pdf(x),),
    domain=(-0.5, 3.0),
    finite_partials=True,
)
normal_cdf: Operation = rule(
    "normal_cdf",
    f.normal_cdf,
    lambda y, x: (normal_pdf(x),),
    tex=r"\Phi",
    domain=(-1.0, 3.0),
    finite_partials=True,
)
normal_pdf: Operation = rule(
    "normal_pdf",
    f.normal_pdf,
    lambda y, x: (-clamp(x, -40.0, 40.0) * y,),
    tex=r"\varphi",
    finite_partials=True,
)


def _gelu_tanh_partial(y: Any, x: Any) -> tuple[Any]:
    c = clamp(x, -30.0, 30.0)
    inner = 2.0 * f.SQRT_2_PI * (c + 0.044715 * c * c * c)
    return (
        sigmoid(inner) + c * sigmoid_slope(inner) * (2.0 * f.SQRT_2_PI * (1.0 + 0.134145 * c * c)),
    )


gelu_tanh: Operation = rule(
    "gelu_tanh", f.gelu_tanh, _gelu_tanh_partial, domain=(-0.5, 3.0), finite_partials=True
)

# --- branches: piecewise constant, and what is built on them -------------------------------------
zero: Operation = rule("zero", f.zero, lambda y, x: (zero(x),), tex=r"0 \cdot {0}", branches=True)
sign: Operation = rule("sign", f.sign, lambda y, x: (zero(x),), branches=True)
step: Operation = rule("step", f.step, lambda y, x: (zero(x),), tex=r"[{0} > 0]", branches=True)
equal: Operation = rule(
    "equal",
    f.equal,
    lambda y, a, b: (zero(a), zero(b)),
    symbol="=",
    tex="[{0} = {1}]",
    branches=True,
)
# What is decided row by row in a program (inputs.py): 1 where it holds, else 0.
greater: Operation = rule(
    "greater",
    f.greater,
    lambda y, a, b: (zero(a), zero(b)),
    symbol=">",
    tex="[{0} > {1}]",
    branches=True,
)
greater_equal: Operation = rule(
    "greater_equal",
    f.greater_equal,
    greater.partials,
    symbol="≥",
    tex=r"[{0} \geq {1}]",
    branches=True,
)
_DECIDED = ((1.0, 1.0), (-3.0, 3.0), (-3.0, 3.0))
select: Operation = rule(
    "select",
    f.select,
    lambda y, t, a, b: (None, t, 1.0 - t),
    domain=_DECIDED,
    branches=True,
)
choose: Operation = rule(
    "choose",
    f.choose,
    lambda y, i, *xs: (None, *[equal(i, float(k)) for k in range(len(xs))]),
    domain=_DECIDED,
    remedy={"": "the index is a whole number that counts the options from 0"},
    branches=True,
)
within: Operation = rule(
    "within",
    f.within,
    lambda y, x, low, high: (zero(x), zero(low), zero(high)),
    branches=True,
)
clamp: Operation = rule(
    "clamp",
    f.clamp,
    lambda y, x, low, high: (
        within(x, low, high),
        step(low - x),
        step(x - high) * (1.0 - step(low - x)),  # where the bounds cross, the lower one wins
    ),
    domain=((-3.0, 3.0), (-2.0, -1.0), (1.0, 2.0)),
    branches=True,
)

# --- losses of one number against a target -------------------------------------------------------
binary_cross_entropy: Operation = rule(
    "binary_cross_entropy",
    f.binary_cross_entropy,
    lambda y, p, t: (binary_cross_entropy_slope(p, t), log1p(-p) - log(p)),
    domain=((0.1, 0.9), (0.0, 1.0)),
    remedy={
        "": "it needs a probability strictly between 0 and 1",
        "sigmoid": "binary_cross_entropy_with_logits(x, t) is stable, without the sigmoid",
    },
)
binary_cross_entropy_slope: Operation = rule(
    "binary_cross_entropy_slope",
    f.binary_cross_entropy_slope,
    lambda y, p, t: (
        xdivy(xdivy(t, p), p) + xdivy(xdivy(1.0 - t, 1.0 - p), 1.0 - p),
        -xdivy(1.0, p) - xdivy(1.0, 1.0 - p),
    ),
    domain=((0.1, 0.4), (0.5, 1.0)),
)
binary_cross_entropy_with_logits: Operation = rule(
    "binary_cross_entropy_with_logits",
    f.binary_cross_entropy_with_logits,
    lambda y, x, t: (logit_residual(x, t), -x),
    domain=((-3.0, 3.0), (0.0, 1.0)),
    finite_partials=True,
)
logit_residual: Operation = rule(
    "logit_residual",
    f.logit_residual,
    lambda y, x, t: (sigmoid_slope(x), -1.0),
    domain=((0.5, 3.0), (0.0, 0.5)),
    finite_partials=True,
)


# --- any number of inputs: one node, however many -----------------------------------------------
def _shares(xs: Sequence[Any]) -> list[Any]:
    """softmax of all: a node for each, but on floats all at once."""
    if any(isinstance(x, Node) for x in xs):
        return [softmax(x, *xs[:i], *xs[i + 1 :]) for i, x in enumerate(xs)]
    return f.shares(xs)


def _ties(y: Any, *xs: Any) -> list[Any]:
    hits = [equal(x, y) for x in xs]
    return [div(hit, total(*hits)) for hit in hits]  # of a nan, nan


def _softmax_partials(y: Any, *xs: Any) -> tuple[Any, ...]:
    _, *others = _shares(xs)
    return y * total(*others), *(-y * share for share in others)


def _log_softmax_partials(y: Any, *xs: Any) -> tuple[Any, ...]:
    _, *others = _shares(xs)
    return total(*others), *(-share for share in others)


def _dot_partials(y: Any, *args: Any) -> tuple[Any, ...]:
    n = len(args) // 2
    return args[n : 2 * n] + args[:n] + (1.0,) * (len(args) % 2)


def _expand_dot(*args: Any) -> Any:
    n = len(args) // 2
    return reduce(lambda a, b: a + b, [*map(mul, args[:n], args[n : 2 * n]), *args[2 * n :]])


def _expand_logsumexp(*xs: Any) -> Any:
    top = maximum(*xs)
    return top + log(reduce(lambda a, b: a + b, [exp(x - top) for x in xs]))


total: Operation = rule(
    "sum",
    f.total,
    lambda y, *xs: (1.0,) * len(xs),
    symbol="Σ",
    domain=(0.1, 3.0),
    expand=lambda *xs: reduce(lambda a, b: a + b, xs),
)
dot: Operation = rule(
    "dot",
    f.dot,
    _dot_partials,
    symbol="·",
    domain=(0.1, 3.0),
    expand=_expand_dot,
    finite_partials=True,
)
maximum: Operation = rule(
    "maximum",
    f.maximum,
    _ties,
    symbol="max",
    tex=r"\max",
    expand=lambda *xs: reduce(maximum, xs),
    branches=True,
)
minimum: Operation = rule(
    "minimum",
    f.minimum,
    _ties,
    symbol="min",
    tex=r"\min",
    expand=lambda *xs: reduce(minimum, xs),
    branches=True,
)
logsumexp: Operation = rule(
    "logsumexp",
    f.logsumexp,
    lambda y, *xs: _shares(xs),
    tex=r"\operatorname{{logsumexp}}",
    domain=(0.0, 3.0),
    expand=_expand_logsumexp,
    finite_partials=True,
)
softmax: Operation = rule(
    "softmax",
    f.softmax,
    _softmax_partials,
    tex=r"\operatorname{{softmax}}",
    expand=lambda x, *o: exp(x - logsumexp(x, *o)),
    finite_partials=True,
)
log_softmax: Operation = rule(
    "log_softmax",
    f.log_softmax,
    _log_softmax_partials,
    tex=r"\operatorname{{log\_softmax}}",
    expand=lambda x, *o: x - logsumexp(x, *o),
    finite_partials=True,
)
