"""One formula on Vector, compiled and run over arrays; and doubles at which to look at it."""

import ctypes
import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
from numpy.typing import NDArray

from engine.native.emit.function import Body, Loop
from engine.native.emit.vector import Vector
from engine.native.library import compile_text, lanes

Array = NDArray[np.float64]
SPECIALS = [0.0, 5e-324, 2.0**-1022, 1e-300, 1e-17, 0.5, 1.0, 1.5, 2.0, 3.0, 40.0, 745.13, 1e17]
SPECIALS += [2.0**53 + 2, 1.7976931348623157e308, math.inf]
SPECIALS = [*SPECIALS, *(-x for x in SPECIALS), math.nan]


class Compiled:
    """A formula as a function of arrays."""

    def __init__(self, formula: Callable[..., Vector], inputs: int) -> None:
        self.source, self.inputs = source(formula, inputs), inputs
        self.code = compile_text(self.source)
        kinds = [ctypes.c_void_p] * (inputs + 1)
        self.run = ctypes.CFUNCTYPE(None, *kinds, ctypes.c_int64)(
            self.code.get_function_address("run")
        )

    def __call__(self, *columns: Any) -> Array:
        columns = np.broadcast_arrays(*(np.asarray(c, dtype=np.float64) for c in columns))
        n, width = len(columns[0]), lanes()
        padded = [np.append(c, np.zeros(-n % width)) for c in columns]
        out = np.empty(len(padded[0]))
        if n:
            self.run(out.ctypes.data, *(c.ctypes.data for c in padded), len(out))
        return out[:n]


def source(formula: Callable[..., Vector], inputs: int) -> str:
    body = Body(lanes())
    loop = Loop(body, 0, "%n", body.lanes)
    loaded = [body.load(f"%x{i}", loop.i) for i in range(inputs)]
    body.store(formula(*loaded), "%out", loop.i)
    loop.end()
    body.do("ret void")
    pointers = ", ".join(["ptr %out", *(f"ptr %x{i}" for i in range(inputs))])
    head = f"define void @run({pointers}, i64 %n) {{"
    return "\n".join([*sorted(body.declared), head, *body.lines, "}"])


def doubles(n: int, seed: int = 0) -> Array:
    """Random bit patterns: every exponent, both signs, subnormal numbers, infinities, nans."""
    return np.random.default_rng(seed).integers(0, 2**64, n, dtype=np.uint64).view(np.float64)


def borders(low: int = -1074, high: int = 1023) -> Array:
    """Each power of two with its two neighbours, of both signs."""
    powers = np.ldexp(1.0, np.arange(low, high + 1))
    around = [powers, np.nextafter(powers, 0.0), np.nextafter(powers, np.inf)]
    return np.concatenate([*around, *(-a for a in around)])


def error(got: float, exact: Any) -> float:
    """How far a result is from the exact one, in units in its last place; inf where it is wrong."""
    want = float(exact)
    if math.isnan(want) or math.isinf(want) or math.isinf(got) or math.isnan(got):
        return 0.0 if got == want or (got != got and want != want) else math.inf
    if got == 0.0 and want == 0.0:
        return 0.0 if abs(exact) < 2.0**-1074 else 1.0
    return float(abs(mpmath.mpf(got) - exact) / math.ulp(want))


def worst(
    got: Array, exact: Callable[..., Any], *columns: Array
) -> tuple[float, tuple[float, ...]]:
    """The greatest error, and the inputs that have it."""
    found = (0.0, (math.nan,))
    with mpmath.workprec(140):
        for y, *xs in zip(got.tolist(), *(c.tolist() for c in columns), strict=True):
            found = max(found, (error(y, exact(*xs)), tuple(xs)), key=lambda f: f[0])
    return found
