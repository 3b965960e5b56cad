"""Update: the formulas of an optimiser as machine code.

`update` is called once, on vectors whose operators write instructions. The code gives the bits that
`update` gives on numbers and on arrays.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from copy import copy
from dataclasses import fields
from functools import lru_cache
from struct import Struct
from typing import Any

from engine.native.emit.function import Body, Loop
from engine.native.emit.positions import Index
from engine.native.emit.vector import Vector
from engine.native.library import compile_text, lanes
from engine.native.needs import numpy
from nn.optim.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop

# Formulas that are known to take vectors; what a class derived from these reads may change.
FORMULAS = {(kind, kind.update) for kind in (SGD, Adam, AdamW, RMSprop)}
# What code is made for: all of their settings but the rate, which is handed in.
SETTINGS: dict[type, list[str]] = {
    kind: [field.name for field in fields(kind) if field.name != "lr"] for kind, _ in FORMULAS
}
# What a call is given, 64 bits each: how many parameters there are, addresses, and then numbers:
# the rate, what gradients are divided by, and powers.
CALL = "n", "value", "total", "memory", "new", "kept"
RATE, WHOLE = 0, 1

_at: Callable[[Any], int] = ctypes.addressof
_buffer: Callable[[Any], Any] = ctypes.c_char.from_buffer
_signature = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_char_p)


class _Steps:
    """The count of steps, plus a number. Powers with it are numbers that code is called with."""

    def __init__(self, power: Callable[[float, int], Vector], more: int = 0) -> None:
        self._power, self._more = power, more

    def __add__(self, more: int) -> _Steps:
        return _Steps(self._power, self._more + more)

    def __rpow__(self, base: float) -> Vector:
        return self._power(base, self._more)


class Update:
    """Computes steps of an optimiser for all parameters, with the settings that it has now.

    Arguments:
        held: how many numbers it remembers of each parameter.
    """

    def __init__(self, optimizer: Optimizer, held: int) -> None:
        self._optimizer: Any = optimizer
        self._powers: list[tuple[float, int]] = []  # bases, and what is added to the count of steps
        self._run, self._engine = _compiled(self._text(held))
        self._pack = Struct(f"{len(CALL)}q{WHOLE + 1 + len(self._powers)}d").pack
        self._memory: tuple[Any, ...] | None = None

    def __call__(
        self, value: Any, totals: Any, whole: float, memory: tuple[Any, ...]
    ) -> tuple[Any, Any, tuple[Any, ...], float]:
        """A step by the gradients, which are totals over a whole: of the rows, say.

        Returns the new values, the gradients, what to remember until the next call, and a number
        that is finite only if all new values and gradients are.
        """
        np, optimizer, many = numpy(), self._optimizer, len(value)
        if memory is not self._memory:
            held = np.array(memory or [value])
            self._held, self._spare = [(x, _at(_buffer(x))) for x in (held, np.empty_like(held))]
        new, steps = np.empty((2, many)), optimizer.steps
        powers = [base ** (steps + more) for base, more in self._powers]
        places = _at(_buffer(value)), _at(_buffer(totals)), self._held[1], _at(_buffer(new))
        sure = self._run(self._pack(many, *places, self._spare[1], optimizer.lr, whole, *powers))
        self._held, self._spare = self._spare, self._held
        self._memory = tuple(self._held[0]) if memory else ()
        return new[0], new[1], self._memory, sure

    def _text(self, held: int) -> str:
        """The module of the function."""
        body = Body(lanes())
        stand_in: Any = copy(self._optimizer)
        for k, name in enumerate(CALL):
            body.do(f"%{name} = load {'ptr' if k else 'i64'}, ptr {body.at('%call', k)}, align 8")
        numbers, all_finite = body.at("%call", len(CALL)), body.constant(0.0)
        whole = body.fresh(f"sub i64 %n, {body.fresh(f'urem i64 %n, {body.lanes}')}")
        for start, end, step in (("0", whole, body.lanes), (whole, "%n", 1)):
            loop = Loop(body, start, end, step, [all_finite], maybe_empty=True)
            rows = [body.add(loop.i, body.times("%n", j)) for j in range(max(held, 2))]

            def read(pointer: str, at: Index, several: bool = step > 1) -> Vector:
                return body.load(pointer, at) if several else body.splat(body.scalar(pointer, at))

            stand_in.lr = read(numbers, RATE, False)
            stand_in.steps = _Steps(lambda *power: read(numbers, self._place(*power), False))
            memory = tuple([read("%memory", row) for row in rows[:held]])
            gradient = read("%total", loop.i) / read(numbers, WHOLE, False)
            value, *kept = stand_in.update(read("%value", loop.i), gradient, memory)
            found = [(value, "%new", rows[0]), (gradient, "%new", rows[1])]
            for x, pointer, at in [*found, *zip(kept, ["%kept"] * held, rows[:held], strict=True)]:
                if step > 1:
                    body.store(x, pointer, at)
                else:
                    body.store_scalar(x.lane(0), pointer, at)
            # a product is the quickest way to see that both are finite
            (all_finite,) = loop.end([loop.values[0] + value * gradient])
        add = f"@llvm.vector.reduce.fadd.v{body.lanes}f64"
        body.do(f"%sure = call double {add}(double 0.0, {body.vector} {all_finite.name})")
        body.declared.add(f"declare double {add}(double, {body.vector})")
        head = [*sorted(body.declared), "define double @run(ptr %call) {"]
        return "\n".join([*head, *body.lines, "ret double %sure", "}"])

    def _place(self, base: float, more: int) -> int:
        """Where a power lies among the numbers."""
        if (base, more) not in self._powers:
            self._powers.append((base, more))
        return WHOLE + 1 + self._powers.index((base, more))


@lru_cache(maxsize=16)
def _compiled(text: str) -> tuple[Any, Any]:
    """The function, and what keeps its code."""
    engine = compile_text(text)
    return _signature(engine.get_function_address("run")), engine
