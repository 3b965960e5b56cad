"""Dotted paths of earlier layouts, under which pickles name classes and functions.

Importing such a path gives a module that finds each name where it is today. Nothing of today's is
loaded before a name is asked for.
"""

import importlib
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import ModuleType

# Where the names of a module are by now; of several modules, in the first one that has the name.
MOVED = {
    "engine.calculus": "engine.calculus.differentiation",
    "engine.check": "engine.operations.check",
    "engine.core.functions": "engine",
    "engine.core.nary": "engine",
    "engine.custom": "engine.operations.rule",
    "engine.decisions": "engine.core.inputs",
    "engine.functions": "engine",
    "engine.graph": "engine.core.graph engine.core.copies",
    "engine.modes": "engine.core.modes",
    "engine.nary": "engine",
    "engine.node": "engine.core.node engine.core.operation",
    "engine.stepping.step": "engine.stepping.steps",
    "engine.value": "engine.core.value",
    "nn.activations": "nn.models.activations",
    "nn.answers": "nn.evaluation.programs",
    "nn.checkpoint": "nn.checkpoint.model",
    "nn.estimators": "nn.interop.sklearn",
    "nn.evaluation": "nn.evaluation.measure",
    "nn.files": "nn.checkpoint.files",
    "nn.gradients": "nn.optim.gradients",
    "nn.history": "nn.training.history",
    "nn.interop": "nn.interop.torch nn.interop.onnx",
    "nn.layers": "nn.models.layers",
    "nn.metrics": "nn.evaluation.metrics",
    "nn.module": "nn.models.module",
    "nn.optim": "nn.optim.optimizers",
    "nn.schedules": "nn.optim.schedules",
    "nn.weights": "nn.training.data",
}


def moved(name: str) -> Callable[[str], object]:
    """A `__getattr__` for the module of that name, which finds what has moved out of it."""

    def find(attribute: str) -> object:
        for home in MOVED[name].split():
            if not attribute.startswith("__") and hasattr(importlib.import_module(home), attribute):
                return getattr(sys.modules[home], attribute)
        raise AttributeError(f"module {name!r} has no attribute {attribute!r}")

    return find


class _Finder:
    """Finds the modules of `MOVED` that are no files any more; the last of all finders to be asked.

    It is its own loader.
    """

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        return ModuleSpec(name, self) if name in MOVED else None  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> None:
        """Take an ordinary one."""

    def exec_module(self, module: ModuleType) -> None:
        module.__getattr__ = moved(module.__name__)  # type: ignore[method-assign]


def install() -> None:
    """Make the paths of earlier layouts importable."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())
