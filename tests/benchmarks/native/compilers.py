"""C and C++ to be compared with, compiled when they are asked for, and CasADi's functions: how they
are called.
"""

import ctypes
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.harness import Contender
from tests.benchmarks.native.networks import MOONS, Batch, Floats
from tests.benchmarks.systems import CPP

__all__ = ["buffered", "build", "multiply_adds", "scalar_moons"]

FLAGS = ("-O3", "-march=native", "-fPIC", "-shared")
HERE = Path(__file__).parent
POINTER = ctypes.POINTER(ctypes.c_double)


def build(source: Path, target: Path, timeout: float | None = None) -> None:
    """Compile a shared library, by gcc or by g++ as the suffix says.

    Raises:
        subprocess.TimeoutExpired: it took more than so many seconds.
    """
    compiler = "gcc" if source.suffix == ".c" else "g++"
    subprocess.run([compiler, *FLAGS, "-o", target, source], check=True, timeout=timeout)


@cache
def _library(name: str) -> ctypes.CDLL:
    with tempfile.TemporaryDirectory() as folder:
        build(HERE / f"{name}.cpp", Path(folder) / name)
        return ctypes.CDLL(str(Path(folder) / name))  # stays in memory when the file is gone


def scalar_moons(batch: Batch) -> Contender:
    """What moons.cpp does with one row after another."""
    step = _library("moons").step
    step.argtypes, step.restype = [POINTER, POINTER, ctypes.c_long, POINTER], None
    theta, rows = MOONS.theta(), batch.rows()
    out = np.empty(1 + len(theta))
    arguments = (
        theta.ctypes.data_as(POINTER),
        rows.ctypes.data_as(POINTER),
        len(rows),
        out.ctypes.data_as(POINTER),
    )

    def run() -> None:
        step(*arguments)

    def answer() -> list[float]:
        run()
        return list(out.tolist())

    return Contender(CPP, run, answer)


def buffered(system: str, function: Any, out: Floats, *arguments: Floats) -> Contender:
    """A function of CasADi's, called without copies of its arguments and of what it answers."""
    buffer, trigger = function.buffer()
    for k, argument in enumerate(arguments):
        buffer.set_arg(k, memoryview(argument))
    buffer.set_res(0, memoryview(out))

    def answer() -> list[float]:
        trigger()
        return list(out.ravel().tolist())

    return Contender(system, partial(_call, trigger, (buffer, out, arguments)), answer)


def _call(trigger: Callable[[], object], _alive: object) -> None:
    trigger()


def multiply_adds(flops: float) -> tuple[Contender, float]:
    """About so many operations at the machine's peak, and how many they are exactly."""
    library = _library("peak")
    kernel, flops_of = library.multiply_add, library.flops_of
    kernel.argtypes = [ctypes.c_long, ctypes.c_double, ctypes.c_double]
    kernel.restype = flops_of.restype = ctypes.c_double
    flops_of.argtypes = [ctypes.c_long]
    rounds = max(1000, round(flops / flops_of(1)))
    run = lambda: kernel(rounds, 0.5, 0.25)  # noqa: E731
    return Contender("peak", run, lambda: [run()]), flops_of(rounds)
