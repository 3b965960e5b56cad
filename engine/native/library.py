"""From a tape to machine code of this process: assembled, compiled by LLVM, kept by structure."""

from __future__ import annotations

import ctypes
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from struct import Struct
from time import perf_counter
from typing import Any

from engine.core.graph import uncollected
from engine.forks import fork_safe_lock
from engine.native import disk
from engine.native.emit.function import Body
from engine.native.kernels import driver, interpreted, outers, products, section
from engine.native.lower import plan
from engine.native.lower.lowering import lower
from engine.native.lower.plan import Args, Tape
from engine.native.math.rules import has_formula
from engine.native.needs import llvm, numpy

# --- a module's text: each kernel as a function, and the one that calls them ----------------------
CACHE = 32_000  # doubles: half of a cache of the second level
LARGE = 2_000  # weights
LINE = 8  # doubles in a line of the cache


@dataclass
class Assembly:
    """The text, and how much of a workspace it wants.

    Attributes:
        calls: the functions that a program calls, and the numbers that each call is given; the last
            are `run`, which calls the others, and `runs`.
        doubles: of the workspace. block: rows that run at once, at most.
        flops: additions and multiplications of a row.
        keep: what calls are given addresses of, and the tape: it is known as long as its code is.
    """

    text: str
    calls: list[tuple[str, list[int]]]
    doubles: int
    block: int
    kernels: list[plan.Kernel]
    flops: int
    keep: list[Any]


def assemble(tape: Tape, reduce: str | None, size: int, alone: bool = False) -> Assembly:
    """The module of a tape, for vectors of so many doubles; of a row `alone`, vectors run along
    lists, and slots are a double each.
    """
    lowered = lower(tape, reduce, alone)
    lanes, rows, stride = 1, 1, 1
    if not alone:
        lanes, rows = size, _block(lowered.layout.size, size, lowered.kernels)
        stride = _apart(rows)
    registers = 32 if size == 8 else 16
    inner = section.Section(tape, lowered.layout, lowered.uniform, stride, lanes, size, registers)
    outer = section.Section(tape, lowered.uniform, lowered.uniform, lanes, lanes, size, registers)
    module = _Module(lanes, size)
    module.add("pinned", driver.KERNEL, driver.write_pinned, outer.of())
    module.kernels("u", outer, lowered.once)
    once = len(module.calls)
    module.add("rows_in", driver.ROWS_IN, driver.write_rows_in, inner.of())
    module.kernels("k", inner, lowered.kernels)
    if not reduce:
        module.add("rows_out", driver.KERNEL, driver.write_rows_out, inner.of())
    run = driver.Driver(reduce, once, len(module.calls) - once, rows, inner.of())
    module.add("run", driver.RUN, run.write, run.section, lanes=size)
    module.add("runs", driver.RUNS, driver.write_runs, run.section)
    return Assembly(
        module.text(),
        module.calls,
        driver.HEAD + lowered.uniform.size * lanes + lowered.layout.size * inner.stride,
        rows,
        [*lowered.once, *lowered.kernels],
        _flops(lowered.kernels, tape.args),
        [*inner.keep, *outer.keep, tape],
    )


def _block(slots: int, lanes: int, kernels: Sequence[plan.Kernel]) -> int:
    """How many rows a block has, in whole vectors: as many as the cache takes; more where large
    matrices of weights would otherwise be read again for few rows, or a table of instructions.
    """
    weights = max([k.weights.size for k in kernels if isinstance(k, plan.Product)], default=0)
    least = 64 if weights >= LARGE else 3 * lanes
    if any(isinstance(kernel, plan.Interpreted) for kernel in kernels):
        least = 8 * lanes if 8 * lanes * slots < 4 * CACHE else least
    rows = max(CACHE // max(slots, 1), least)
    step = 3 * lanes if rows >= 12 * lanes and least < 64 else lanes
    return min(rows // step * step, 48 * lanes)


def _apart(block: int) -> int:
    """How far slots are apart: an odd number of cache lines, or those of neighbouring slots would
    all want the same few places in the cache.
    """
    lines = -(-block // LINE)
    return (lines + 1 - lines % 2) * LINE


def _flops(kernels: Sequence[plan.Kernel], args: Sequence[Args]) -> int:
    """Additions and multiplications of one row."""
    total = 0
    for kernel in kernels:
        match kernel:
            case plan.Product():
                total += 2 * kernel.weights.shape[1] * len(kernel.ys)
            case plan.Outer():
                total += 2 * len(kernel.a) * kernel.into.shape[1]
            case plan.Scatter():
                total += len(kernel.a)
            case plan.Chunk():
                total += sum(max(len(args[i]) - 1, 1) for i in kernel.ids)
        if isinstance(kernel, plan.Map):
            total += sum(len(step.columns[-1]) for step in kernel.steps)
    return total


WRITERS: dict[type[Any], Callable[[Body, section.Section, Any], None]] = {
    plan.Product: products.write_product,
    plan.Map: section.write_map,
    plan.Reduction: products.write_reduction,
    plan.Gather: section.write_gather,
    plan.Scatter: section.write_scatter,
    plan.Outer: outers.write_outer,
    plan.Chunk: section.write_chunk,
    plan.Interpreted: interpreted.write_interpreted,
}


class _Module:
    """Functions, each text once, and the calls of them."""

    def __init__(self, lanes: int, size: int) -> None:
        self.lanes, self.size = lanes, size
        self.functions: dict[tuple[str, str], str] = {}
        self.calls: list[tuple[str, list[int]]] = []
        self.declared: set[str] = set()

    def text(self) -> str:
        named = [f"define {kind} @{name}{rest}" for (kind, rest), name in self.functions.items()]
        return "\n\n".join(["\n".join(sorted(self.declared)), *named])

    def kernels(self, stem: str, shared: section.Section, kernels: Sequence[plan.Kernel]) -> None:
        """Calls of kernels. Those of which there are several of one form share a function."""
        found = [shared.of(kernel, interpreted.encode) for kernel in kernels]
        many, known = Counter([own.form for own in found]), dict[Any, str]()
        for own, kernel in zip(found, kernels, strict=True):
            if own.form in known:
                self.calls.append((known[own.form], own.numbers))
                continue
            name, write, fixed = f"{stem}{len(known)}", WRITERS[type(kernel)], many[own.form] == 1
            lanes = self.lanes_of(kernel)
            known[own.form] = self.add(
                name, driver.KERNEL, write, own, kernel, fixed=fixed, lanes=lanes
            )

    def lanes_of(self, kernel: plan.Kernel) -> int:
        """How many doubles a vector of its code holds: of a row alone, no more than its lists."""
        match kernel:
            case plan.Product():
                many = len(kernel.weights)
            case plan.Outer():
                many = 1 if kernel.b == (plan.ONE,) else kernel.into.shape[1]
            case plan.Map() if type(kernel) is plan.Map:
                called = any(not has_formula(step.op) for step in kernel.steps)
                many = 1 if called else len(kernel.steps[0].ids)
            case _:
                many = 1
        return max(self.lanes, 1 << min(self.size, many).bit_length() - 1)

    def add(
        self,
        name: str,
        arguments: str,
        write: Callable[..., str | None],
        own: section.Section,
        *given: Any,
        fixed: bool = True,
        lanes: int = 0,
    ) -> str:
        """A function and a call of it; the answer is its name. `write` writes its body, and answers
        the number that it returns, if any.
        """
        body = Body(lanes or self.lanes, fixed)
        answer = write(body, own, *given)
        body.do(f"ret i64 {answer}" if answer else "ret void")
        self.declared |= body.declared
        text = "\n".join([f"({arguments}) {{", *body.text(), "}"])
        name = self.functions.setdefault(("i64" if answer else "void", text), name)
        self.calls.append((name, own.numbers))
        return name


# --- machine code, through LLVM -------------------------------------------------------------------
_llvm_lock = fork_safe_lock()  # LLVM's global state: one compilation at a time


def lanes() -> int:
    """How many doubles this machine's vectors hold."""
    features = llvm().get_host_cpu_features()
    if features.get("avx512f"):
        return 8
    return 4 if features.get("avx") else 2


def compile_text(text: str, fast: bool = True) -> Any:
    """LLVM's engine with the machine code of a module, which lives as long as the engine does.

    Whatever the text holds addresses of has to be kept alive as long.

    Arguments:
        fast: False takes a third of the time to compile, and two or three times as long to run. The
            results are the same to the bit. (More than LLVM's level 1 takes longer and gives no
            faster loops: they are written as they should be.)
    """
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
# additions and multiplications after which fast code has saved the time that it takes to compile
WORTH = 4e8

pack = Struct("7qd").pack  # of what `run` is given: ctypes would take long over each argument
_signature = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_char_p)
_several = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_char_p, ctypes.c_int64)
_kept: OrderedDict[Any, tuple[Assembly, Any, bool]] = OrderedDict()  # and whether it is fast
_lock = fork_safe_lock()


class Compiled:
    """Machine code for a tape, and workspaces for its calls.

    Attributes:
        run: the function. runs: it, as often as there are calls.
        good_for: so many rows; for more, `compiled_tape` gives faster code.
        seconds: that it took to compile; 0 where it was compiled before.
    """

    def __init__(
        self, assembly: Assembly, engine: Any, fast: bool, reduce: str | None, seconds: float
    ) -> None:
        self.assembly, self.reduce, self.seconds = assembly, reduce, seconds
        self.good_for = inf if fast else WORTH / max(assembly.flops, 1)
        self._engine = engine
        at = {name: engine.get_function_address(name) for name, _ in assembly.calls}
        numbers = numpy().array([x for _, given in assembly.calls for x in given], "int64")
        table, place = [], numbers.ctypes.data
        for name, given in assembly.calls:
            table += [at[name], place]
            place += 8 * len(given)
        self._table = numpy().array(table, "int64"), numbers
        self.run: Any = _signature(table[-4])
        self.runs: Any = _several(table[-2])
        # workspaces that no call has just now: who calls takes one, and puts it back
        self.idle: deque[tuple[int, Any]] = deque()

    def workspace(self) -> tuple[int, Any]:
        """The address of a new workspace, and what keeps it."""
        space = numpy().empty(self.assembly.doubles + 8)
        place = (space.ctypes.data + 63) // 64 * 64
        ctypes.c_int64.from_address(place).value = self._table[0].ctypes.data
        return place, space

    @contextmanager
    def space(self) -> Iterator[int]:
        """The address of a workspace that no other call has meanwhile."""
        try:
            space = self.idle.pop()
        except IndexError:  # all are in use
            space = self.workspace()
        yield space[0]
        self.idle.append(space)


@uncollected()
def compiled_tape(tape: Tape, reduce: str | None, rows: float, alone: bool = False) -> Compiled:
    """Code for a tape, good for so many rows: compiled now, or taken from what was before."""
    start, seconds = perf_counter(), 0.0
    key = tape.key, reduce, alone
    known = _kept.get(key)
    assembly = known[0] if known else assemble(tape, reduce, lanes(), alone)
    fast = rows > WORTH / max(assembly.flops, 1)
    if known is None or known[2] < fast:
        known = assembly, compile_text(assembly.text, fast), fast
        seconds = perf_counter() - start
    with _lock:
        _kept.pop(key, None)
        _kept[key] = known  # the last to go
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return Compiled(*known, reduce, seconds)
