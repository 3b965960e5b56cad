"""Text of LLVM IR to machine code in this process, through llvmlite."""

from __future__ import annotations

from typing import Any

from engine.forks import fork_safe_lock
from engine.native.needs import llvm

__all__ = ["Code", "compile_text", "lanes"]

_lock = fork_safe_lock()  # LLVM's global state: one compilation at a time


def _machine(effort: int) -> Any:
    """The target machine: this one, with all that it can do. Whoever compiles for it owns it."""
    binding = llvm()
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    return binding.Target.from_default_triple().create_target_machine(
        cpu=binding.get_host_cpu_name(),
        features=binding.get_host_cpu_features().flatten(),
        opt=effort,
        jit=True,
    )


def lanes() -> int:
    """How many doubles this machine's vectors hold."""
    features = llvm().get_host_cpu_features()
    if features.get("avx512f"):
        return 8
    return 4 if features.get("avx") else 2


class Code:
    """Machine code that lives as long as this object does."""

    def __init__(self, engine: Any, keep: Any) -> None:
        self._engine, self._keep = engine, keep

    def address(self, function: str) -> int:
        """Where a function begins."""
        found: int = self._engine.get_function_address(function)
        return found


def compile_text(text: str, keep: Any = None, fast: bool = True) -> Code:
    """Machine code for a module's text.

    Arguments:
        fast: False takes a third of the time to compile, and two or three times as long to run. The
            results are the same to the bit. (More than LLVM's level 1 takes longer and gives no
            faster loops: they are written as they should be.)
        keep: whatever the text holds addresses of, kept alive as long as the code.
    """
    with _lock:
        module = llvm().parse_assembly(text)
        engine = llvm().create_mcjit_compiler(module, _machine(int(fast)))
        engine.finalize_object()
    return Code(engine, keep)
