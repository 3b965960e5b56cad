"""The compiler, `engine.Program`, against those who compile or vectorise: the group `native`.

networks.py and wild_graph.py say what is computed, steps.py, makemore.py, transformer.py, wild.py,
small.py and training.py how each system does it, compilers.py brings C++ and the machine's peak,
layers.py and compiling.py measure, plot.py draws.
"""

from collections.abc import Callable

from tests.benchmarks.harness import Effort
from tests.benchmarks.native.compiling import measure_compiling
from tests.benchmarks.native.layers import (
    measure_digits,
    measure_mnist,
    measure_native_moons,
    measure_tanh,
)
from tests.benchmarks.native.makemore import measure_makemore
from tests.benchmarks.native.small import measure_calls, measure_tiny_rows
from tests.benchmarks.native.training import measure_fit
from tests.benchmarks.native.transformer import measure_transformer
from tests.benchmarks.native.wild import measure_wild
from tests.benchmarks.report import Row

__all__ = ["NATIVE"]

NATIVE: dict[str, Callable[[Effort], list[Row]]] = {
    "native-moons": measure_native_moons,
    "native-tanh": measure_tanh,
    "native-digits": measure_digits,
    "native-mnist": measure_mnist,
    "native-makemore": measure_makemore,
    "native-gpt": measure_transformer,
    "native-wild": measure_wild,
    "native-tiny": measure_tiny_rows,
    "native-call": measure_calls,
    "native-compile": measure_compiling,
    "native-fit": measure_fit,
}
