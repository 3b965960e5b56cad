"""A tape lowered: its kernels in order, and the slots in which their results are kept."""

from __future__ import annotations

from dataclasses import dataclass

from engine.native.lower.blocks import find_blocks, find_levels
from engine.native.lower.plan import Interpreted, Kernel, Product, make_plan
from engine.native.lower.storage import Layout, lay_out
from engine.native.lower.tape import Tape
from engine.native.lower.totals import find_totals

__all__ = ["Lowered", "lower"]


@dataclass(frozen=True)
class Lowered:
    """What is to be written.

    Attributes:
        once: kernels of what is the same for all rows, run once. uniform: the slots of that.
        kernels: those of what varies, run for each block of rows. layout: the slots of that.
    """

    once: list[Kernel]
    uniform: Layout
    kernels: list[Kernel]
    layout: Layout


def lower(tape: Tape, reduce: str | None) -> Lowered:
    """The kernels of a tape; where it is reduced, totals over rows are kernels of their own."""
    sinks = [(i, k) for k, i in enumerate(tape.outputs) if tape.varying[i]] if reduce else []
    totals, gone = find_totals(tape, sinks)
    levels = find_levels(tape, True)
    blocks = find_blocks(tape, levels, gone)
    kernels = make_plan(tape.ops, tape.args, levels, blocks, totals, gone)
    once = make_plan(tape.ops, tape.args, find_levels(tape, False), [], [], set())
    inputs = [i for i, op in enumerate(tape.ops) if op == "input"]
    unique = list(dict.fromkeys(tape.outputs))
    layout = lay_out(kernels, inputs, [] if reduce else [i for i in unique if tape.varying[i]])
    computed = {i for k in once for i in k.writes}
    wanted = {i for k in kernels for i in k.reads}.union(unique, *map(_weights, kernels))
    interpreted = [k for k in (*kernels, *once) if isinstance(k, Interpreted)]
    read = {i for k in interpreted for i in k.reads if not tape.varying[i]}
    pinned = sorted(read - computed)  # leaves: what is interpreted reads slots alone
    return Lowered(
        once, lay_out(once, pinned, [*pinned, *sorted(computed & wanted)]), kernels, layout
    )


def _weights(kernel: Kernel) -> list[int]:
    """The computed weights of a product."""
    if not isinstance(kernel, Product) or kernel.kind == "param":
        return []
    return [*kernel.weights.flat, *([] if kernel.bias is None else kernel.bias.flat)]
