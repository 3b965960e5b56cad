"""readme and tiny: expressions of a few dozen nodes, built and swept backward."""

from collections.abc import Callable
from typing import Any

from tests.benchmarks.harness import Contender, Effort, race
from tests.benchmarks.report import Row, rows_of
from tests.benchmarks.systems import GRADWALK, HIPS, MICROGRAD, TORCH, installed, leaf_of, load

__all__ = ["measure_readme", "measure_tiny", "readme"]

Expression = Callable[[Any, Any], Any]


def readme(a: Any, b: Any) -> Any:
    """The example of micrograd's README, to the letter: 32 nodes."""
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    return g


def tiny(a: Any, b: Any) -> Any:
    c = a + b
    d = a * b + b**3
    e = c - d
    f = e**2
    return f * 0.5


def measure_readme(effort: Effort) -> list[Row]:
    systems = installed([GRADWALK, MICROGRAD, TORCH])
    result = race([_contender(s, readme, -4.0, 2.0) for s in systems], effort)
    return rows_of("readme: build, backward", result, {MICROGRAD: 2.0, TORCH: 6.0})


def measure_tiny(effort: Effort) -> list[Row]:
    systems = installed([GRADWALK, MICROGRAD, TORCH, HIPS])
    result = race([_contender(s, tiny, -41.0, 2.0) for s in systems], effort)
    return rows_of("tiny: build, backward", result, {})


def _contender(system: str, expression: Expression, a: float, b: float) -> Contender:
    if system == HIPS:
        return _functional(expression, a, b)
    leaf = leaf_of(system)

    def run() -> tuple[Any, Any, Any]:
        x, y = leaf(a), leaf(b)
        out = expression(x, y)
        out.backward()
        return out, x, y

    def answer() -> list[float]:
        out, x, y = run()
        return [float(out.data), float(x.grad), float(y.grad)]

    return Contender(system, run, answer)


def _functional(expression: Expression, a: float, b: float) -> Contender:
    """HIPS autograd differentiates functions."""
    both = load("autograd").value_and_grad(lambda xy: expression(*xy))

    def run() -> Any:
        return both((a, b))

    def answer() -> list[float]:
        value, gradients = run()
        return [float(value), *map(float, gradients)]

    return Contender(HIPS, run, answer)
