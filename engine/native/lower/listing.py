"""A lowered program, to be read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from engine.core.value import Value
from engine.native.lower import plan
from engine.native.lower.plan import Tape
from engine.native.needs import numpy

FEW = 4  # matrices that are named where they are multiplied as one
SHOWN = 8  # instructions of a chunk, and operands of an instruction; the others are "..."


@dataclass
class Listing:
    """Writes kernels, a few lines each; v12 is the twelfth instruction."""

    tape: Tape
    inputs: Sequence[str]
    parameters: Sequence[Value]

    def write(self, kernels: Sequence[plan.Kernel]) -> str:
        """All of them, and first what was raised from formulas written by hand."""
        found = self.tape.raised.most_common()
        raised = ", ".join(f"{op} ({many})" for op, many in found)
        lines = [f"raised: {raised}"] if raised else []
        if self.tape.raised.keys() - {"dot", "sum"}:
            lines.append("(finite, too, where a step on the way overflows as it was written)")
        return "\n".join(lines + [line for kernel in kernels for line in self._lines(kernel)])

    def _lines(self, kernel: plan.Kernel) -> Iterator[str]:
        np = numpy()
        match kernel:
            case plan.Product():
                name = self._matrix(kernel.weights) if kernel.kind == "param" else "computed"
                rows, columns = kernel.weights.shape
                down, right = [abs(np.diff(kernel.weights, axis=k)).max(initial=0) for k in (0, 1)]
                turned = 0 < down < right
                weights = f"{name}{'.T' if turned else ''} ({rows} x {columns})"
                bias = "" if kernel.bias is None else " + bias"
                more = f", and {kernel.times - 1} more such" if kernel.times > 1 else ""
                ys, xs = self._list(kernel.ys[:rows]), self._list(kernel.xs[:columns])
                yield f"{ys} = {weights} @ {xs}{bias}{more}"
                yield from (f"  {self._step(step)}" for step in kernel.steps)
            case plan.Map():
                yield from map(self._step, kernel.steps)
            case plan.Gather():
                many, size = kernel.positions.T.shape
                table = f"{self._matrix(kernel.positions)} ({many} x {size})"
                yield f"{self._list(kernel.ys)} = row {self._name(kernel.index)} of {table}"
            case plan.Scatter():
                table = f"totals ({len(kernel.a)} x {kernel.into.shape[1]})"
                yield f"{table} at {self._name(kernel.index)} += {self._list(kernel.a)}"
            case plan.Outer():
                a, b = next(kernel.pairs)
                other = "" if b == (plan.ONE,) else f" outer {self._list(b)}"
                more = f", and {kernel.times - 1} more such" if kernel.times > 1 else ""
                yield f"totals ({len(a)} x {len(b)}) += {self._list(a)}{other}{more}"
            case plan.Chunk():
                for i in kernel.ids[:SHOWN]:
                    operands = self._list(self.tape.args[i])[1:-1]
                    yield f"{self._name(i)} = {self.tape.ops[i]}({operands})"
                interpreted = isinstance(kernel, plan.Interpreted)
                if interpreted or len(kernel.ids) > SHOWN:
                    how = ", interpreted: the program has too many such" if interpreted else ""
                    yield f"... ({len(kernel.ids)} instructions in all{how})"

    def _matrix(self, at: Any) -> str:
        """What labels such as W[0][1] and L0.N0.w1 begin with, if that is one name or a few."""
        labels = [self.parameters[k].label or "" for k in at.flat]
        names = dict.fromkeys([re.split(r"[\[.]", label)[0] for label in labels])
        if len(names) > FEW or not all(names):
            return "params"
        return f"[{', '.join(names)}]" if len(names) > 1 else names.popitem()[0]

    def _step(self, step: plan.Apply) -> str:
        operands = [
            self._name(column[0]) if len(set(column)) == 1 else self._list(column)
            for column in step.columns
        ]
        return f"{self._list(step.ids)} = {step.op}({', '.join(operands)})"

    def _list(self, ids: Sequence[int]) -> str:
        """All names; a few and "..."; or the first and the last, where they are in order."""
        if len(ids) > 3 and len({b - a for a, b in pairwise(ids)}) == 1:
            return f"[{self._name(ids[0])} .. {self._name(ids[-1])}]"
        names = [self._name(i) for i in ids[:SHOWN]]
        return f"[{', '.join(names + ['...'] * (len(ids) > SHOWN))}]"

    def _name(self, i: int) -> str:
        match self.tape.ops[i]:
            case "const":
                return f"{self.tape.numbers[i]:.6g}"
            case "input":
                return self.inputs[self.tape.position[i]]
            case "param":
                position = self.tape.position[i]
                return self.parameters[position].label or f"p{position}"
        return f"v{i}"
