"""The systems that are compared, and which of them are here. FP64, one thread (JAX takes its own).

A system that computes more of the workloads (a compiler, say) is one more name here, and one more
entry in the workloads that it takes part in.
"""

import importlib
import shutil
import sys
from collections.abc import Iterable
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

__all__ = [
    "CASADI",
    "CASADI_C",
    "CPP",
    "GRADWALK",
    "HIPS",
    "JAX",
    "MICROGRAD",
    "TORCH",
    "TORCHVIZ",
    "VIZ",
    "installed",
    "leaf_of",
    "load",
    "versions",
]

GRADWALK, MICROGRAD, TORCH, HIPS = "gradwalk", "micrograd", "PyTorch eager", "HIPS autograd"
TORCHVIZ, VIZ = "torchviz", "micrograd-viz"
JAX, CASADI, CASADI_C, CPP = "JAX jit", "CasADi VM", "CasADi's C", "scalar C++ -O3"

# The module that each one is imported from; the peers are the extra `bench`.
MODULES = {
    GRADWALK: "engine",
    MICROGRAD: "micrograd",
    TORCH: "torch",
    HIPS: "autograd",
    JAX: "jax",
    CASADI: "casadi",
}
DRAWERS = {TORCHVIZ: "torchviz", VIZ: "micrograd.visualize"}
COMPILERS = {CPP: "g++", CASADI_C: "gcc"}


def installed(systems: Iterable[str]) -> list[str]:
    """Those of the systems that are here; says what installs the others."""
    here = [system for system in systems if _here(system)]
    if missing := [system for system in systems if system not in here]:
        print(f'  without {", ".join(missing)}: pip install -e ".[bench]"', file=sys.stderr)
    return here


def _here(system: str) -> bool:
    if system in COMPILERS:
        return shutil.which(COMPILERS[system]) is not None
    return _found({**MODULES, **DRAWERS}[system])


def _found(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # not even the package that it is in
        return False


def load(module: str) -> Any:
    """A peer's module, which is untyped here; on one thread (JAX on as many as it takes), FP64."""
    loaded = importlib.import_module(module)
    if module == "torch":
        loaded.set_num_threads(1)
    if module == "jax":
        loaded.config.update("jax_enable_x64", True)
    return loaded


def leaf_of(system: str) -> Any:
    """How a system makes a number to differentiate by.

    These three share micrograd's language from there on: operators, relu(), backward(), .grad.
    """
    if system in (TORCH, TORCHVIZ):
        torch = load("torch")
        return partial(torch.tensor, dtype=torch.float64, requires_grad=True)
    return load("engine" if system == GRADWALK else "micrograd.engine").Value


def versions() -> str:
    """The releases that a table was measured with."""
    peers = [m for s, m in MODULES.items() if s != GRADWALK and find_spec(m) is not None]
    python = "Python " + ".".join(map(str, sys.version_info[:3]))
    return ", ".join([python, *(f"{peer} {version(peer)}" for peer in peers)])
