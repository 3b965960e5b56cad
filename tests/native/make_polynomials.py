"""Makes engine/native/math/polynomials.py: `python -m tests.native.make_polynomials`.

Remez exchange at 90 digits, on a fixed grid that is dense enough to find every extremum of the
error; the coefficients are rounded to doubles at the end.
"""

from collections.abc import Callable, Iterator
from functools import reduce
from pathlib import Path
from typing import Any

import mpmath
from mpmath import mp, mpf

Function = Callable[[Any], Any]
TARGET = Path(__file__).parents[2] / "engine/native/math/polynomials.py"
HEAD = '''"""The minimax polynomials of the elementary functions: coefficients, lowest power first.

Made by tests/native/make_polynomials.py (Remez exchange), not edited by hand. The error is what
the exact coefficients would leave, relative to the function served; half an ulp is 2**-53.
"""

from __future__ import annotations
'''
DIGITS = 90


def at(coefficients: list[Any], x: Any) -> Any:
    return reduce(lambda p, c: p * x + c, reversed(coefficients))


def remez(f: Function, weight: Function, a: Any, b: Any, degree: int) -> tuple[list[Any], Any]:
    """The polynomial p that makes the greatest |weight (f - p)| on [a, b] least, and that error."""
    count = 60 * (degree + 2)
    middle, half = (a + b) / 2, (b - a) / 2
    grid = [middle - half * mpmath.cos(mp.pi * (i + mpf(1) / 2) / count) for i in range(count)]
    values, weights = [f(x) for x in grid], [weight(x) for x in grid]
    turns = [(2 * i + 1) * count // (2 * (degree + 2)) for i in range(degree + 2)]
    for _ in range(30):
        rows = [
            [((grid[i] - middle) / half) ** k for k in range(degree + 1)] + [(-1) ** n / weights[i]]
            for n, i in enumerate(turns)
        ]
        *scaled, level = mpmath.lu_solve(
            mpmath.matrix(rows), mpmath.matrix([values[i] for i in turns])
        )
        errors = [
            w * (y - at(scaled, (x - middle) / half))
            for x, y, w in zip(grid, values, weights, strict=True)
        ]
        runs: list[int] = []  # the greatest of each run of one sign
        for i, error in enumerate(errors):
            if runs and (error > 0) == (errors[runs[-1]] > 0):
                runs[-1] = i if abs(error) > abs(errors[runs[-1]]) else runs[-1]
            else:
                runs.append(i)
        while len(runs) > degree + 2:
            runs.pop(0 if abs(errors[runs[0]]) < abs(errors[runs[-1]]) else -1)
        worst = max(map(abs, errors))
        if runs == turns or len(runs) < degree + 2 or worst < abs(level) * mpf("1.0001"):
            break
        turns = runs
    return shifted(scaled, middle, half), worst


def shifted(scaled: list[Any], middle: Any, half: Any) -> list[Any]:
    """Coefficients in x of a polynomial in (x - middle) / half."""
    result = [mpf(0)]
    for c in reversed(scaled):
        raised = [mpf(0), *(r / half for r in result)]
        result = [p - middle / half * r for p, r in zip(raised, [*result, 0], strict=True)]
        result[0] += c
    return result[: len(scaled)]


def exp_rest(x: Any) -> Any:
    with mp.workdps(150):  # enough for what cancels
        return (mpmath.exp(x) - 1 - x) / x**2


def log_rest(z: Any) -> Any:
    s = mpmath.sqrt(z)
    return (2 * mpmath.atanh(s) / s - 2) / z


def log_rest_fine(z: Any) -> Any:
    return (log_rest(z) - mpf(2) / 3) / z


def sin_rest(z: Any) -> Any:
    x = mpmath.sqrt(z)
    return (mpmath.sin(x) / x - 1) / z


def cos_rest(z: Any) -> Any:
    return (mpmath.cos(mpmath.sqrt(z)) - 1 + z / 2) / z**2


def normal_tail(t: Any) -> Any:
    a = 4 * (1 + t) / (1 - t)
    return (1 + mpf(0.8) * a) * mpmath.exp(a * a / 2) * mpmath.erfc(a / mpmath.sqrt(2)) / 2


MARGIN = 1 + mpf(2) ** -20  # for a reduced argument that is rounded past the end


def polynomials() -> Iterator[tuple[str, str, Callable[[], tuple[list[Any], Any]]]]:
    """Name, meaning and how it is made, of each; the second functions are the errors' weights."""
    half = mpmath.log(2) / 2 * MARGIN
    yield (
        "EXP",
        "(exp(x) - 1 - x) / x**2 for |x| <= log(2)/2, to exp(x) - 1",
        lambda: remez(exp_rest, lambda x: x * x / mpmath.expm1(x), -half, half, 9),
    )
    top = ((mpmath.sqrt(2) - 1) / (mpmath.sqrt(2) + 1)) ** 2
    yield (
        "LOG",
        "(2 atanh(s) / s - 2) / z in z = s**2, for (1+s)/(1-s) from sqrt(1/2) to sqrt(2)",
        lambda: remez(log_rest, lambda z: z / 2, mpf(2) ** -60, top, 6),
    )
    yield (
        "LOG_FINE",
        "(LOG(z) - 2/3) / z, for a logarithm of more than 64 bits",
        lambda: remez(log_rest_fine, lambda z: z * z / 2, mpf(2) ** -40, top, 6),
    )
    quarter = (mp.pi / 4) ** 2 * MARGIN
    yield (
        "SIN",
        "(sin(x) / x - 1) / z in z = x**2, for |x| <= pi/4",
        lambda: remez(sin_rest, lambda z: z, mpf(2) ** -60, quarter, 5),
    )
    yield (
        "COS",
        "(cos(x) - 1 + z/2) / z**2 in z = x**2, for |x| <= pi/4",
        lambda: remez(cos_rest, lambda z: z * z, mpf(2) ** -40, quarter, 5),
    )
    end = mpf(39 - 4) / (39 + 4)
    yield (
        "TAIL",
        "(1 + 0.8 a) exp(a**2 / 2) P(normal > a) in t = (a-4)/(a+4), for a from 0 to 39",
        lambda: remez(normal_tail, lambda t: 1 / normal_tail(t), mpf(-1), end, 23),
    )


def block(name: str, meaning: str, make: Callable[[], tuple[list[Any], Any]]) -> str:
    """A polynomial as it stands in the file."""
    coefficients, error = make()
    lines = [f"# {meaning};", f"# error 2**{float(mpmath.log(error, 2)):.1f}", f"{name} = ("]
    return "\n".join([*lines, *(f"    {float(c)!r}," for c in coefficients), ")", ""])


def text() -> str:
    """The file."""
    with mp.workdps(DIGITS):
        blocks = [block(*each) for each in polynomials()]
    return "\n".join([HEAD, *blocks])


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
