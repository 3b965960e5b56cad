"""Machine code of this process: compiled by LLVM, kept by structure."""

from __future__ import annotations

import ctypes
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from struct import Struct
from time import perf_counter
from typing import Any, TypeVar

from engine.core.graph import uncollected
from engine.forks import fork_safe_lock, in_forked_child
from engine.native import disk
from engine.native.assembly import Assembly, assemble
from engine.native.emit.scalar import c_function, surfaced
from engine.native.lower.plan import Tape
from engine.native.needs import llvm, numpy
from engine.native.team import Pace

Answer = TypeVar("Answer")

# --- machine code, through LLVM -------------------------------------------------------------------
_llvm_lock = fork_safe_lock()  # LLVM's global state: one compilation at a time


@cache
def _compiler() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "gradwalk")


in_forked_child(_compiler.cache_clear)  # a child has none of its parent's threads


def _apart(task: Callable[[], Answer]) -> Answer:
    """What a task of LLVM returns, done in a thread to which Ctrl-C does not come: where it breaks
    llvmlite off, memory may be freed twice.
    """
    try:
        future = _compiler().submit(task)
    except RuntimeError:  # Python is about to exit, and starts no thread any more
        return task()
    return future.result()


@cache
def lanes() -> int:
    """How many doubles this machine's vectors hold."""
    features = _apart(lambda: llvm().get_host_cpu_features())
    if features.get("avx512f"):
        return 8
    return 4 if features.get("avx") else 2


Code = dict[str, tuple[int, Any]]  # functions by name: their addresses, and what keeps them


def compile_text(text: str, fast: bool = True) -> Any:
    """LLVM's engine with the machine code of a module, which lives as long as the engine does.

    Whatever the text holds addresses of has to be kept alive as long.

    Arguments:
        fast: False takes a third of the time to compile, and two or three times as long to run. The
            results are the same to the bit. (More than LLVM's level 1 takes longer and gives no
            faster loops: they are written as they should be.)
    """
    return _apart(partial(_compile, text, fast))


def _compile(text: str, fast: bool) -> Any:
    binding = llvm()
    with _llvm_lock:
        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
        cpu, features = binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()
        machine = binding.Target.from_default_triple().create_target_machine(
            cpu=cpu, features=features, opt=int(fast), jit=True
        )
        engine = binding.create_mcjit_compiler(binding.parse_assembly(text), machine)
        disk.keep(engine, text, cpu, features, fast, binding.llvm_version_info)
        engine.finalize_object()
    return engine


# --- programs that were compiled before -----------------------------------------------------------
KEPT = 64  # programs whose code stays although nobody holds them

# of what `run` is given: ctypes would take long over each argument
pack: Callable[..., bytes] = Struct("7qd").pack
_signature = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_char_p)
_several = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_char_p, ctypes.c_int64)
_kept: OrderedDict[Any, tuple[Assembly, Code]] = OrderedDict()
# functions by their text, and whether it was optimised
_shared: OrderedDict[tuple[str, bool], tuple[int, Any]] = OrderedDict()
_lock = fork_safe_lock()


class Compiled:
    """Machine code for a tape, and workspaces for its calls.

    Attributes:
        run: the function. runs: it, as often as there are calls.
        pace: whether helpers pay; None where it calls Python, which has its contexts.
        seconds: that it took to compile; 0 where it was compiled before.
    """

    def __init__(self, assembly: Assembly, code: Code, reduce: str | None, seconds: float) -> None:
        self.assembly: Assembly = assembly
        self.reduce: str | None = reduce
        self.seconds: float = seconds
        self._code = code
        numbers = numpy().array([x for _, given in assembly.calls for x in given], "int64")
        table, place = [], numbers.ctypes.data
        for name, given in assembly.calls:
            table += [code[name][0], place]
            place += 8 * len(given)
        self._table = numpy().array(table, "int64"), numbers
        self.run: Any = _signature(table[-4])
        self._head = [self._table[0].ctypes.data, table[-3], table[-4]]  # see driver.Driver
        self.runs: Any = _several(table[-2])
        self.pace: Pace | None = Pace()
        # workspaces that no call has just now: who calls takes one, and puts it back
        self.idle: deque[tuple[int, Any]] = deque()

    def workspace(self) -> tuple[int, Any]:
        """The address of a new workspace, and what keeps it."""
        space = numpy().zeros(self.assembly.doubles + 8)
        place = (space.ctypes.data + 63) // 64 * 64
        (ctypes.c_int64 * 3).from_address(place)[:] = self._head
        return place, space

    def take(self) -> tuple[int, Any]:
        """A workspace that no other call has meanwhile; whoever takes it puts it back."""
        try:
            return self.idle.pop()
        except IndexError:  # all are in use
            return self.workspace()


@uncollected()
def compiled_tape(tape: Tape, reduce: str | None, rows: float, alone: bool = False) -> Compiled:
    """Code for a tape, good for so many rows: compiled now, or taken from what was before."""
    start, seconds = perf_counter(), 0.0
    key = tape.key, reduce, alone
    known = _kept.get(key)
    if known is None or rows > known[0].good_for:
        assembly = assemble(tape, reduce, lanes(), rows, alone)
        known = assembly, _code(assembly)
        seconds = perf_counter() - start
    with _lock:
        _keep(_kept, {key: known}, KEPT)
    made = Compiled(*known, reduce, seconds)
    if "power_partial" in tape.ops or not all(map(c_function, tape.called.values())):
        made.run, made.runs, made.pace = surfaced(made.run), surfaced(made.runs), None
    return made


def _code(assembly: Assembly) -> Code:
    """The functions of a program: those of earlier ones, and those that are compiled now."""
    functions = assembly.functions
    texts = {name: (text, fast) for name, (text, _, fast) in functions.items()}
    found = {name: known for name, text in texts.items() if (known := _shared.get(text))}
    for fast in (False, True):
        if missing := [k for k in functions if k not in found and functions[k][2] == fast]:
            engine = compile_text(assembly.text(missing), fast)
            found |= {name: (engine.get_function_address(name), engine) for name in missing}
    if assembly.shared:
        with _lock:
            _keep(_shared, {text: found[name] for name, text in texts.items()}, 4 * KEPT)
    return found


def _keep(held: OrderedDict[Any, Any], new: dict[Any, Any], most: int) -> None:
    """Keep what was used last."""
    for key, item in new.items():
        held[key] = item
        held.move_to_end(key)
    while len(held) > most:
        held.popitem(last=False)
