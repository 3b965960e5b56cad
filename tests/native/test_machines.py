"""The code of a layer for other machines than this one: emitted, and read."""

import re
from collections.abc import Iterator

import llvmlite.binding as llvm
import pytest

from engine import gradient, inputs
from engine.native.assembly import assemble
from engine.native.lower.instructions import record_tape
from nn import MLP

SPILLED = r"vmov\w+\s+%[xyz]mm\d+, [-\d]*\(%rsp\)"
# By the doubles in a vector: a machine, its fused product of vectors, and a vector on its stack.
MACHINES = {
    2: ("aarch64-unknown-linux-gnu", "neoverse-n1", "", r"fmla\s+v\d+\.2d", r"st[rp]\s+q.*\[sp"),
    4: ("x86_64-unknown-linux-gnu", "haswell", "", r"vfmadd\d+pd.*%ymm", SPILLED),
    8: ("x86_64-unknown-linux-gnu", "x86-64", "+avx512f", r"vfmadd\d+pd.*%zmm", SPILLED),
}


def assembly(lanes: int) -> str:
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    triple, cpu, features, *_ = MACHINES[lanes]
    model = MLP(16, [32, 32, 1], rng=7)
    xs = inputs(*[f"x{i}" for i in range(16)])
    loss, leaves = model(xs) ** 2, model.parameters()
    tape, _ = record_tape(xs, leaves, [loss, *gradient(loss, leaves)], totals=True)
    module = llvm.parse_assembly(assemble(tape, "mean", lanes).text())
    machine = llvm.Target.from_triple(triple).create_target_machine(cpu, features, opt=1)
    text: str = machine.emit_assembly(module)
    return text


def loops(text: str) -> Iterator[str]:
    """Straight pieces of code that end in a jump back to their beginning."""
    for label, body in re.findall(r"^(\.L\w+):\n((?:\s.*\n)+)", text, re.MULTILINE):
        back = re.search(rf"^\s+(?:j\w+|b\.\w+)\s+{re.escape(label)}$", body, re.MULTILINE)
        if back:
            yield body[: back.start()]


@pytest.mark.parametrize("lanes", MACHINES)
def test_sums_of_products_stay_in_registers(lanes: int) -> None:
    *_, fused, spilled = MACHINES[lanes]
    inner = [body for body in loops(assembly(lanes)) if len(re.findall(fused, body)) >= 8]
    assert len(inner) >= 4  # two layers forwards, one backwards, and their weights
    assert [body for body in inner if re.search(spilled, body)] == []
