"""From a tape to a module's text: each kernel as a function, and the one that calls them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from engine.native.emit.function import Body
from engine.native.kernels import driver, interpreted, outers, products, section
from engine.native.lower import plan
from engine.native.lower.lowering import lower
from engine.native.lower.plan import Args, Tape
from engine.native.math.rules import has_formula

CACHE = 32_000  # doubles: half of a cache of the second level
LARGE = 2_000  # weights
LINE = 8  # doubles in a line of the cache
# additions and multiplications after which fast code has saved the time that it takes to compile;
# more of lean loops, which are slower by a third or so, and often there already
WORTH, LEAN_WORTH = 4e8, 6e9


Function = tuple[str, set[str], bool]  # text, declarations that it needs, whether to optimise it


@dataclass
class Assembly:
    """The functions, and how much of a workspace they want.

    Attributes:
        functions: by their names.
        good_for: about so many rows; for more, faster ones are worth the time to compile.
        lean: they are given all sizes with each call, so that programs of any sizes share them.
        shared: others may well have some of them.
        calls: the functions that a program calls, and the numbers that each call is given; the last
            are `run`, which calls the others, and `runs`.
        doubles: of the workspace. block: rows that run at once, at most.
        flops: additions and multiplications of a row.
        keep: what calls are given addresses of, and the tape: it is known as long as its code is.
    """

    functions: dict[str, Function]
    good_for: float
    lean: bool
    shared: bool
    calls: list[tuple[str, list[int]]]
    doubles: int
    block: int
    kernels: list[plan.Kernel]
    flops: int
    keep: list[Any]

    def text(self, names: Iterable[str] | None = None) -> str:
        """The module of the functions of these names, or of all."""
        found = [(name, *self.functions[name][:2]) for name in names or self.functions]
        declared = "\n".join(sorted(set().union(*[needs for *_, needs in found])))
        texts = [f"define {text.replace('(', f'@{name}(', 1)}" for name, text, _ in found]
        return "\n\n".join([declared, *texts])


def assemble(
    tape: Tape, reduce: str | None, size: int, rows: float = inf, alone: bool = False
) -> Assembly:
    """The functions of a tape, for vectors of so many doubles and about so many rows; of a row
    `alone`, vectors run along lists, and slots are a double each.
    """
    lowered = lower(tape, reduce, alone)
    flops = _flops(lowered.kernels, tape.args)
    lean, good_for = _effort(lowered.kernels, flops, rows)
    layout, uniform = lowered.layout, lowered.uniform
    lanes, block, stride = 1, 1, 1
    if not alone:
        lanes, block = size, _block(layout.size, size, lowered.kernels)
        stride = _apart(block + lean * lanes)  # lean code takes vectors in pairs
    machine = lanes, size, 32 if size == 8 else 16, lean
    inner = section.Section(tape, layout, uniform, stride, *machine)
    outer = section.Section(tape, uniform, uniform, lanes, *machine)
    # programs for sequences of other lengths can have the same functions; to the others it is worth
    # a few percent that numbers are written out
    fixed = all(k.times == 1 for k in lowered.kernels if isinstance(k, plan.Outer | plan.Product))
    ends = replace(inner, lean=lean or not fixed)  # where the caller's rows and results come in
    module = _Module(lanes, size, lean, fixed)
    module.add("pinned", driver.KERNEL, driver.write_pinned, outer.of())
    module.kernels("u", outer, lowered.once)
    once = len(module.calls)
    module.add("rows_in", driver.ROWS_IN, driver.write_rows_in, ends.of())
    module.kernels("k", inner, lowered.kernels)
    if not reduce:
        module.add("rows_out", driver.KERNEL, driver.write_rows_out, ends.of())
    run = driver.Driver(reduce, once, len(module.calls) - once, block, ends.of())
    module.add("run", driver.RUN, run.write, run.section, lanes=size)
    module.add("runs", driver.RUNS, driver.write_runs, run.section)
    return Assembly(
        module.functions,
        good_for,
        lean,
        lean or not fixed,
        module.calls,
        driver.HEAD + uniform.size * lanes + layout.size * stride,
        block,
        [*lowered.once, *lowered.kernels],
        flops,
        [*inner.keep, *outer.keep, tape],
    )


def _effort(kernels: Sequence[plan.Kernel], flops: int, rows: float) -> tuple[bool, float]:
    """Whether code for so many rows is lean, and for how many rows it is good."""
    straight = sum(len(k.args[i]) for k in kernels if isinstance(k, plan.Chunk) for i in k.ids)
    good_for = min(LEAN_WORTH / max(flops, 1), WORTH / max(straight, 1))
    return (True, good_for) if rows <= good_for else (False, inf)


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

    def __init__(self, lanes: int, size: int, lean: bool, fixed: bool) -> None:
        self.lanes, self.size, self.lean, self.fixed = lanes, size, lean, fixed
        self.functions: dict[str, Function] = {}
        self.calls: list[tuple[str, list[int]]] = []
        self._names: dict[str, str] = {}

    def kernels(self, stem: str, shared: section.Section, kernels: Sequence[plan.Kernel]) -> None:
        """Calls of kernels. Those of which there are several of one form share a function."""
        found = [shared.of(kernel, interpreted.encode) for kernel in kernels]
        many, known = Counter([own.form for own in found]), dict[Any, str]()
        for own, kernel in zip(found, kernels, strict=True):
            if own.form in known:
                self.calls.append((known[own.form], own.numbers))
                continue
            name, write = f"{stem}{len(known)}", WRITERS[type(kernel)]
            spread = isinstance(kernel, plan.Outer | plan.Product)
            fixed = many[own.form] == 1 and (self.fixed or not spread)
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
        fixed: bool | None = None,
        lanes: int = 0,
    ) -> str:
        """A function and a call of it; the answer is its name. `write` writes its body, and answers
        the number that it returns, if any.
        """
        fixed = (self.fixed if fixed is None else fixed) and not self.lean
        body = Body(lanes or self.lanes, fixed, self.lean)
        answer = write(body, own, *given)
        body.do(f"ret i64 {answer}" if answer else "ret void")
        head = f"{'i64' if answer else 'void'} ({arguments}) {{"
        text = "\n".join([head, *body.text(), "}"])
        name = self._names.setdefault(text, name)
        optimised = not self.lean or write is not section.write_chunk
        self.functions[name] = text, body.declared, optimised
        self.calls.append((name, own.numbers))
        return name
