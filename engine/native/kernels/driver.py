"""The function that runs a program: block after block of rows, and then the totals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.native.emit.function import Body, Loop
from engine.native.emit.indexes import Index
from engine.native.emit.vector import Vector
from engine.native.kernels.io import write_same
from engine.native.kernels.section import Section

__all__ = ["KERNEL", "ROWS_IN", "RUN", "Driver"]

KERNEL = "ptr noalias %ws, ptr noalias %theta, ptr noalias %uni, ptr noalias %out, i64 %nv, i64 %m"
ROWS_IN = "ptr noalias %rows, i64 %down, i64 %right, ptr noalias %ws, i64 %nv, i64 %m"
RUN = "ptr %call"
CALL = {  # what lies there, 64 bits each
    "rows": "ptr",
    "down_bytes": "i64",
    "right_bytes": "i64",
    "n": "i64",
    "theta": "ptr",
    "out": "ptr",
    "ws": "ptr",
}


@dataclass
class Driver:
    """Calls the kernels.

    Attributes:
        same: kernels for what is the same for all rows, called once.
        rowwise: kernels for a block of rows.
        block: rows, at most.
    """

    section: Section
    reduce: str | None
    same: Sequence[str]
    rowwise: Sequence[str]
    block: int

    def write(self) -> Body:
        """Its body; it answers whether anything in `out` is not finite."""
        lanes, many = self.section.lanes, len(self.section.tape.outputs)
        body = Body(lanes)
        self.unpack(body)
        before = self.section.uniform.size * lanes
        body.do("%uni = getelementptr inbounds double, ptr %ws, i64 0")
        body.do(f"%block = getelementptr inbounds double, ptr %ws, i64 {before}")
        for name in self.same:
            arguments = f"ptr %uni, ptr %theta, ptr %uni, ptr %out, i64 1, i64 {lanes}"
            body.do(f"call void @{name}({arguments})")
        if self.reduce:
            body.do(f"call void @llvm.memset.p0.i64(ptr %out, i8 0, i64 {8 * many}, i1 false)")
            body.declared.add("declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
        blocks, m, nv = self.split(body)
        rows = body.at("%rows", body.times(blocks.i, "%down"))
        out = "%out" if self.reduce else body.at("%out", body.times(blocks.i, many))
        where = f"ptr %block, i64 {nv}, i64 {m}"
        body.do(f"call void @rows_in(ptr {rows}, i64 %down, i64 %right, {where})")
        for name in self.rowwise:
            arguments = f"ptr %block, ptr %theta, ptr %uni, ptr {out}, i64 {nv}, i64 {m}"
            body.do(f"call void @{name}({arguments})")
        blocks.end()
        odd = self.finish(body) if self.reduce else self.odd(body, body.times("%n", many))
        body.do(f"ret i64 {odd}")
        return body

    def unpack(self, body: Body) -> None:
        """What it is called with, by name."""
        for k, (name, kind) in enumerate(CALL.items()):
            body.do(f"%{name} = load {kind}, ptr {body.at('%call', k)}, align 8")
        body.do("%down = ashr i64 %down_bytes, 3")
        body.do("%right = ashr i64 %right_bytes, 3")

    def split(self, body: Body) -> tuple[Loop, str, str]:
        """A loop over all rows in blocks of about as many each, in whole vectors.

        Returns the loop, and how many rows and vectors its block has.
        """
        lanes, most = self.section.lanes, self.block
        blocks = body.fresh(f"udiv i64 {body.fresh(f'add i64 %n, {most - 1}')}, {most}")
        some = body.fresh(f"call i64 @llvm.umax.i64(i64 {blocks}, i64 1)")
        body.declared.add("declare i64 @llvm.umax.i64(i64, i64)")
        body.declared.add("declare i64 @llvm.umin.i64(i64, i64)")
        above = body.fresh(f"sub i64 {body.fresh(f'add i64 %n, {some}')}, 1")
        each = self.vectors(body, body.fresh(f"udiv i64 {above}, {some}"))
        size = body.fresh(f"mul i64 {each}, {lanes}")
        loop = Loop(body, 0, "%n", size, maybe_empty=True)
        left = body.fresh(f"sub i64 %n, {loop.i}")
        m = body.fresh(f"call i64 @llvm.umin.i64(i64 {left}, i64 {size})")
        return loop, m, self.vectors(body, m)

    def vectors(self, body: Body, rows: str) -> str:
        """How many vectors so many rows fill, the last one perhaps in part."""
        lanes = self.section.lanes
        return body.fresh(f"udiv i64 {body.fresh(f'add i64 {rows}, {lanes - 1}')}, {lanes}")

    def finish(self, body: Body) -> str:
        """From sums to means, and what is the same for all rows; the answer is that of `odd`."""
        many, count = len(self.section.tape.outputs), body.fresh("sitofp i64 %n to double")
        if self.reduce == "sum":
            write_same(body, self.section, count)
            return self.odd(body, many)
        write_same(body, self.section, None)  # divided, it is odd where it was
        odd = self.odd(body, many, count)
        write_same(body, self.section, None)
        return odd

    def odd(self, body: Body, total: Index, divisor: str | None = None) -> str:
        """1 where any output is infinite or nan, else 0; in passing they are divided."""
        lanes = self.section.lanes
        whole = body.fresh(f"sub i64 {total}, {body.fresh(f'urem i64 {total}, {lanes}')}")
        loop = Loop(body, 0, whole, lanes, [body.constant(0.0).name], maybe_empty=True)
        x = body.load("%out", loop.i)
        if divisor:
            x = x / body.splat(divisor)
            body.store(x, "%out", loop.i)
        (nans,) = loop.end([_nans(x, loop).name])
        last = Loop(body, whole, total, 1, [nans], maybe_empty=True)
        y = body.scalar("%out", last.i)
        if divisor:
            y = body.fresh(f"fdiv double {y}, {divisor}")
            body.store_scalar(y, "%out", last.i)
        (nans,) = last.end([_nans(body.splat(y), last).name])
        odd = body.fresh(f"fcmp une {body.vector} {nans}, zeroinitializer")
        any_odd = body.fresh(f"bitcast <{lanes} x i1> {odd} to i{lanes}")
        found = body.fresh(f"icmp ne i{lanes} {any_odd}, 0")
        return body.fresh(f"zext i1 {found} to i64")


def _nans(x: Vector, loop: Loop) -> Vector:
    """What the loop carries, a nan where x is not finite and all zeros elsewhere.

    Bits are put together, and not added up: so the next turn need not wait for this one.
    """
    (carried,) = loop.values
    return (Vector(x.body, carried).bits() | (x - x).bits()).number()
