"""The rows of `+`, `-`, `*`, `/`, `abs` and comparisons; all others are in engine/operations.

A row is a rule of differentiation, said once: a name, a float function, its partial derivatives as
a function of (output, *inputs), and how it is shown. Everything else reads the rows: eager
execution, `backward()`, forward mode, gradients of gradients, the pictures and the tests.

Partials are generic in the kind of number: floats give numbers, Values give a differentiable graph.
So they are made of operators and rows alone and hold no `if` on a value: a branch is a row of its
own (`sign`, `greater`). What a second or third derivative needs is a row like any other.
"""

from typing import Any

from engine.core import numerics as f
from engine.core.operation import Operation, row, rows

# A number written in the source: it takes no gradient, and pictures fold it into its consumer.
CONSTANT: Operation = row("constant", lambda: 0.0, ())


# --- arithmetic ----------------------------------------------------------------------------------
row("add", lambda a, b: a + b, (1.0, 1.0), symbol="+", tex="{0} + {1}")
row("sub", lambda a, b: a - b, (1.0, -1.0), symbol="-", tex="{0} - {1}")
row("mul", lambda a, b: a * b, lambda y, a, b: (b, a), symbol="×", tex=r"{0} \cdot {1}")
row(
    "div",
    f.divide,
    lambda y, a, b: (rows.div(1.0, b), -rows.div(y, b)),
    symbol="/",
    tex=r"\frac{{{0}}}{{{1}}}",
    domain=((-3.0, 3.0), (0.1, 3.0)),
    remedy="keep the divisor away from 0, e.g. with a small constant added",
    finite_partials=lambda a, b: bool(b),
)
row(  # x / x: two partials of 1/x and -1/x would overflow at tiny x
    "self_ratio",
    lambda x: f.divide(x, x),
    lambda y, x: (y - y,),
    symbol="x/x",
    tex=r"\frac{{{0}}}{{{0}}}",
    finite_partials=False,
)
row("neg", lambda x: -x, (-1.0,), symbol="-", tex="-{0}")
row("abs", abs, lambda y, x: (rows.sign(x),), symbol="|x|", tex=r"\left|{0}\right|")


# --- branches: piecewise constant, and what is built on them -------------------------------------
def flat(y: Any, *xs: Any) -> tuple[Any, ...]:
    """The partials of a piecewise constant function: 0 by each input, but nan by a nan."""
    return tuple(map(rows.zero, xs))


row("zero", lambda x: 0.0 if x == x else x, flat, tex=r"0 \cdot {0}", branches=True)
row("sign", lambda x: 1.0 if x > 0.0 else -1.0 if x < 0.0 else x * 0.0, flat, branches=True)
# What is decided row by row in a program (inputs.py): 1 where it holds, else 0.
row("greater", f.greater, flat, symbol=">", tex="[{0} > {1}]", branches=True)
row("greater_equal", f.greater_equal, flat, symbol="≥", tex=r"[{0} \geq {1}]", branches=True)
