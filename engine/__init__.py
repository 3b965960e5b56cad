"""gradwalk's engine: a scalar autograd engine that you can walk through.

>>> from engine import Value
>>> x = Value(3.0, "x")
>>> y = x**2 + 1
>>> y.backward()
>>> x.grad
6.0
"""

# ruff: noqa: F403 (what these files say is public, is)
import sys as _sys
import typing as _typing

from engine.aliases import install as _install_aliases
from engine.calculus import differentiation as _differentiation
from engine.calculus.differentiation import *
from engine.compatibility import install as _install_compatibility
from engine.core.graph import topological
from engine.core.inputs import ControlFlowError
from engine.core.modes import NumericError, StaleValueError, no_grad, numeric_mode
from engine.core.value import Value
from engine.freeing import free as _free
from engine.interactive import install as _install_interactive
from engine.lazy import lazy as _lazy
from engine.operations import branching as _branching
from engine.operations import cross_entropy as _cross_entropy
from engine.operations import logarithms as _logarithms
from engine.operations import nary as _nary
from engine.operations import rectifiers as _rectifiers
from engine.operations import rounding as _rounding
from engine.operations import softmax as _softmax
from engine.operations import special as _special
from engine.operations import statistics as _statistics
from engine.operations import trigonometric as _trigonometric
from engine.operations.branching import *
from engine.operations.check import GradientError, check_gradient, check_operation
from engine.operations.cross_entropy import *
from engine.operations.logarithms import *
from engine.operations.nary import *
from engine.operations.rectifiers import *
from engine.operations.rounding import *
from engine.operations.rule import operation
from engine.operations.softmax import *
from engine.operations.special import *
from engine.operations.statistics import *
from engine.operations.trigonometric import *

if _typing.TYPE_CHECKING:
    from engine import drawing as drawing
    from engine import stepping as stepping
    from engine.native.compiled import compiled
    from engine.native.program import Program

    __version__: str

__all__ = ["ControlFlowError", "GradientError", "NumericError", "Program", "StaleValueError"]
__all__ += ["Value", "check_gradient", "check_operation", "compiled", "no_grad", "numeric_mode"]
__all__ += ["operation", "topological"]
__all__ += _differentiation.__all__
__all__ += _branching.__all__
__all__ += _cross_entropy.__all__
__all__ += _logarithms.__all__
__all__ += _nary.__all__
__all__ += _rectifiers.__all__
__all__ += _rounding.__all__
__all__ += _softmax.__all__
__all__ += _special.__all__
__all__ += _statistics.__all__
__all__ += _trigonometric.__all__

# `from engine import *` leaves Python's own functions as they are
_OURS = {"engine.operations.nary": ["sum"], "engine.operations.rounding": ["round"]}
for [_name] in _OURS.values():
    __all__.remove(_name)

_install_aliases()
_install_compatibility()
_install_interactive()
if _sys.platform == "emscripten":
    Value.__del__ = _free  # type: ignore[attr-defined]

if not _typing.TYPE_CHECKING:  # a type checker would believe that it has every name
    _IPYTHON = ["load_ipython_extension", "unload_ipython_extension"]
    _HOMES = {"engine": ["drawing", "stepping"], "engine.native": ["Program", "compiled"]}
    _HOMES |= {"engine.stepping.ipython": _IPYTHON, **_OURS}
    __getattr__, __dir__ = _lazy(__name__, _HOMES, hidden=_IPYTHON)
