"""A module's text: each kernel as a function, and the one that calls them block by block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.native.blocks import find_blocks, find_levels
from engine.native.embedding import write_gather, write_scatter
from engine.native.emit import Body, literal
from engine.native.layout import lay_out
from engine.native.maps import Section, write_chunk, write_map
from engine.native.outers import write_outer
from engine.native.plan import Chunk, Gather, Kernel, Map, Outer, Product, Scatter, make_plan
from engine.native.products import write_product
from engine.native.tape import Tape
from engine.native.totals import find_totals

__all__ = ["Assembly", "assemble"]

KERNEL = "ptr noalias %ws, ptr noalias %theta, ptr noalias %uni, ptr noalias %out, i64 %nv, i64 %m"
RUN = (
    "ptr noalias %rows, i64 %down, i64 %right, i64 %n, ptr noalias %theta, ptr noalias %out, "
    "ptr noalias %ws"
)
CACHE = 12_000  # doubles of the workspace: what leaves room in a first-level cache's neighbour


@dataclass
class Assembly:
    """The text, and how much of a workspace it wants.

    Attributes:
        doubles: of the workspace. block: rows that are computed together.
    """

    text: str
    doubles: int
    block: int
    kernels: list[Kernel]
    keep: list[Any]


def assemble(tape: Tape, reduce: str | None, lanes: int, block: int | None = None) -> Assembly:
    """The module of a tape.

    Arguments:
        lanes: doubles in a vector. block: rows that are computed together, at most; None fits the
            workspace into the cache.
    """
    outputs = tape.outputs
    unique = list(dict.fromkeys(outputs))
    varying = [i for i in unique if tape.varying[i]]
    sinks = [(i, k) for k, i in enumerate(outputs) if tape.varying[i]] if reduce else []
    inputs = [i for i, op in enumerate(tape.ops) if op == "input"]
    totals, gone = find_totals(tape, sinks)
    levels = find_levels(tape, True)
    plan = make_plan(tape.args, levels, find_blocks(tape, levels, gone), totals, gone)
    before = make_plan(tape.args, find_levels(tape, False), [], [], set())
    layout = lay_out(plan, inputs, [] if reduce else varying)
    computed = {i for k in before for i in k.writes}
    wanted = {i for k in plan for i in k.reads}.union(unique, *[_weights(k) for k in plan])
    uniform = lay_out(before, [], sorted(computed & wanted))
    registers = 32 if lanes == 8 else 16
    stride = block or _block(layout.size, lanes)
    inner = Section(tape, layout, uniform, stride, lanes, registers)
    outer = Section(tape, uniform, uniform, lanes, lanes, registers)
    return _Writer(tape, reduce, inner, outer, plan, before).write()


def _weights(kernel: Kernel) -> list[int]:
    """The computed weights of a product."""
    if not isinstance(kernel, Product) or kernel.kind == "param":
        return []
    return [*kernel.weights.flat, *([] if kernel.bias is None else kernel.bias.flat)]


def _block(slots: int, lanes: int) -> int:
    """How many rows a block has: as many as the cache takes, in whole vectors."""
    rows = CACHE // max(slots, 1)
    step = 3 * lanes if rows >= 6 * lanes else lanes
    return max(step, min(rows // step * step, 48 * lanes))


class _Writer:
    def __init__(
        self,
        tape: Tape,
        reduce: str | None,
        inner: Section,
        outer: Section,
        plan: list[Kernel],
        before: list[Kernel],
    ) -> None:
        self.tape, self.reduce, self.inner, self.outer = tape, reduce, inner, outer
        self.plan, self.before = plan, before
        self.functions: list[str] = []
        self.declared: set[str] = set()
        self.lanes = inner.lanes

    def write(self) -> Assembly:
        before = [self.kernel(k, self.outer, f"u{i}") for i, k in enumerate(self.before)]
        steps = [self.kernel(k, self.inner, f"k{i}") for i, k in enumerate(self.plan)]
        steps.insert(0, self.rows_in())
        if not self.reduce:
            steps.append(self.rows_out())
        self.run(before, steps)
        text = "\n\n".join(["\n".join(sorted(self.declared)), *self.functions])
        inner, outer = self.inner, self.outer
        doubles = outer.layout.size * self.lanes + inner.layout.size * inner.stride
        keep = inner.keep + outer.keep
        return Assembly(text, doubles, inner.stride, [*self.before, *self.plan], keep)

    def function(self, name: str, arguments: str, body: Body, kind: str = "internal void") -> str:
        self.declared |= body.declared
        lines = [f"define {kind} @{name}({arguments}) {{", *body.lines, "}"]
        self.functions.append("\n".join(lines))
        return name

    def kernel(self, kernel: Kernel, section: Section, name: str) -> str:
        body = Body(self.lanes)
        match kernel:
            case Product():
                write_product(body, section, kernel)
            case Map():
                write_map(body, section, kernel)
            case Gather():
                write_gather(body, section, kernel)
            case Scatter():
                write_scatter(body, section, kernel)
            case Outer():
                body.do(f"%full = udiv i64 %m, {self.lanes}")
                write_outer(body, section, kernel)
            case Chunk():
                write_chunk(body, section, kernel)
        body.do("ret void")
        return self.function(name, KERNEL, body)

    # --- rows in and out -------------------------------------------------------------------------
    def rows_in(self) -> str:
        """From the caller's rows to slots; what is left of the last vector repeats the last row."""
        body, stride = Body(self.lanes), self.inner.stride
        padded = body.fresh(f"mul i64 %nv, {self.lanes}")
        last = body.fresh("sub i64 %m, 1")
        for i, op in enumerate(self.tape.ops):
            slot = self.inner.layout.slot.get(i)
            if op != "input" or slot is None:
                continue
            column = body.times(self.tape.position[i], "%right")
            for first, end in ((0, "%m"), ("%m", padded)):
                loop = body.loop(first, end, 1, maybe_empty=True)
                row = loop.i if end == "%m" else last
                x = body.scalar("%rows", body.add(body.times(row, "%down"), column))
                where = body.at("%ws", body.add(slot * stride, loop.i))
                body.do(f"store double {x}, ptr {where}, align 8")
                loop.end()
        body.do("ret void")
        return self.function(
            "rows_in",
            "ptr noalias %rows, i64 %down, i64 %right, ptr noalias %ws, i64 %nv, i64 %m",
            body,
        )

    def rows_out(self) -> str:
        body, many = Body(self.lanes), len(self.tape.outputs)
        for k, i in enumerate(self.tape.outputs):
            slot = self.inner.layout.slot.get(i)
            loop = body.loop(0, "%m", 1)
            if slot is None:
                x = self.same(body, i)
            else:
                x = body.scalar("%ws", body.add(slot * self.inner.stride, loop.i))
            where = body.at("%out", body.add(body.times(loop.i, many), k))
            body.do(f"store double {x}, ptr {where}, align 8")
            loop.end()
        body.do("ret void")
        return self.function("rows_out", KERNEL, body)

    def same(self, body: Body, i: int) -> str:
        """What is the same for all rows, as a scalar."""
        if self.tape.ops[i] == "const":
            return literal(self.tape.numbers[i])
        if self.tape.ops[i] == "param":
            return body.scalar("%theta", self.tape.position[i])
        return body.scalar("%uni", self.outer.layout.slot[i] * self.lanes)

    # --- the whole -------------------------------------------------------------------------------
    def run(self, before: Sequence[str], steps: Sequence[str]) -> None:
        """Blocks of rows, one after another; answers whether anything in `out` is not finite."""
        body, lanes, many = Body(self.lanes), self.lanes, len(self.tape.outputs)
        body.do("%uni = getelementptr inbounds i8, ptr %ws, i64 0")
        body.do(
            f"%block = getelementptr inbounds double, ptr %ws, i64 {self.outer.layout.size * lanes}"
        )
        for name in before:
            body.do(
                f"call void @{name}(ptr %uni, ptr %theta, ptr %uni, ptr %out, i64 1, i64 {lanes})"
            )
        if self.reduce:
            loop = body.loop(0, many)
            body.do(f"store double 0.0, ptr {body.at('%out', loop.i)}, align 8")
            loop.end()
        size = self.even(body)
        loop = body.loop(0, "%n", size, maybe_empty=True)
        left = body.fresh(f"sub i64 %n, {loop.i}")
        full = body.fresh(f"icmp slt i64 {left}, {size}")
        m = body.fresh(f"select i1 {full}, i64 {left}, i64 {size}")
        nv = body.fresh(f"udiv i64 {body.fresh(f'add i64 {m}, {lanes - 1}')}, {lanes}")
        rows = body.at("%rows", body.times(loop.i, "%down"))
        out = "%out" if self.reduce else body.at("%out", body.times(loop.i, many))
        for name in steps:
            if name == "rows_in":
                given = f"ptr {rows}, i64 %down, i64 %right, ptr %block, i64 {nv}, i64 {m}"
            else:
                given = f"ptr %block, ptr %theta, ptr %uni, ptr {out}, i64 {nv}, i64 {m}"
            body.do(f"call void @{name}({given})")
        loop.end()
        total: str | int = many
        if self.reduce:
            self.totals(body)
        else:
            total = body.times("%n", many)
        body.do(f"ret i64 {self.finite(body, total)}")
        self.function("run", RUN, body, "i64")

    def even(self, body: Body) -> str:
        """Rows of a block, so that all blocks have about as many, in whole vectors."""
        lanes, stride = self.lanes, self.inner.stride
        blocks = body.fresh(f"udiv i64 {body.fresh(f'add i64 %n, {stride - 1}')}, {stride}")
        some = body.fresh(f"call i64 @llvm.umax.i64(i64 {blocks}, i64 1)")
        body.declared.add("declare i64 @llvm.umax.i64(i64, i64)")
        rounded = body.fresh(f"add i64 %n, {body.fresh(f'sub i64 {some}, 1')}")
        each = body.fresh(f"udiv i64 {rounded}, {some}")
        vectors = body.fresh(f"udiv i64 {body.fresh(f'add i64 {each}, {lanes - 1}')}, {lanes}")
        return body.fresh(f"mul i64 {vectors}, {lanes}")

    def totals(self, body: Body) -> None:
        """From sums to means, and what is the same for all rows."""
        count = body.fresh("sitofp i64 %n to double")
        if self.reduce == "mean":
            loop = body.loop(0, len(self.tape.outputs))
            mean = body.fresh(f"fdiv double {body.scalar('%out', loop.i)}, {count}")
            body.do(f"store double {mean}, ptr {body.at('%out', loop.i)}, align 8")
            loop.end()
        for k, i in enumerate(self.tape.outputs):
            if not self.tape.varying[i]:
                x = self.same(body, i)
                if self.reduce == "sum":
                    x = body.fresh(f"fmul double {x}, {count}")
                body.do(f"store double {x}, ptr {body.at('%out', k)}, align 8")

    def finite(self, body: Body, total: str | int) -> str:
        """1 where any output is infinite or nan, else 0."""
        lanes = self.lanes
        whole = body.fresh(f"sub i64 {total}, {body.fresh(f'urem i64 {total}, {lanes}')}")
        loop = body.loop(0, whole, lanes, [body.constant(0.0).name], maybe_empty=True)
        x = body.load("%out", loop.i)
        (zeros,) = loop.end([body.fresh(f"fadd {body.vector} {loop.values[0]}, {(x - x).name}")])
        last = body.loop(whole, total, 1, [zeros], maybe_empty=True)
        y = body.scalar("%out", last.i)
        z = body.splat(body.fresh(f"fsub double {y}, {y}"))
        (zeros,) = last.end([body.fresh(f"fadd {body.vector} {last.values[0]}, {z.name}")])
        odd = body.fresh(f"fcmp une {body.vector} {zeros}, zeroinitializer")
        any_odd = body.fresh(f"bitcast <{lanes} x i1> {odd} to i{lanes}")
        found = body.fresh(f"icmp ne i{lanes} {any_odd}, 0")
        return body.fresh(f"zext i1 {found} to i64")
