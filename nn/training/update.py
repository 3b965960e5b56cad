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

from engine.native.emit.function import Body, loops
from engine.native.emit.positions import Index
from engine.native.emit.vector import Vector
from engine.native.library import compile_text, lanes
from engine.native.needs import numpy
from nn.optim.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop

# Formulas that are known to take vectors; what a class derived from these reads may change.
FORMULAS = {(kind, kind.update) for kind in (SGD, Adam, AdamW, RMSprop)}
CALL = "n", "numbers", "value", "gradient", "memory", "new", "kept"  # what lies there, 64 bits each

_pack = Struct(f"{len(CALL)}q").pack
_signature = ctypes.CFUNCTYPE(None, ctypes.c_char_p)


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
        self.made_for: list[Any] = self.settings()
        self._powers: list[tuple[float, int]] = []  # bases, and what is added to the count of steps
        self._run, self._engine = _compiled(self._text(held))
        self._numbers = numpy().empty(1 + len(self._powers))
        self._memory: tuple[Any, ...] | None = None

    def __call__(self, value: Any, gradient: Any, memory: tuple[Any, ...]) -> tuple[Any, Any]:
        """The new values, and what to remember until the next call."""
        np, optimizer = numpy(), self._optimizer
        if memory is not self._memory:
            self._held = np.array(memory or [value])
            self._spare = np.empty_like(self._held)
        steps, new = optimizer.steps, np.empty(len(value))
        self._numbers[:] = [optimizer.lr, *[base ** (steps + more) for base, more in self._powers]]
        arrays = self._numbers, value, gradient, self._held, new, self._spare
        places = [ctypes.addressof(ctypes.c_char.from_buffer(array)) for array in arrays]
        self._run(_pack(len(value), *places))
        self._held, self._spare = self._spare, self._held
        self._memory = tuple(self._held) if memory else ()
        return new, self._memory

    def settings(self) -> list[Any]:
        """Those that the optimiser has now, but for the rate, which is handed in."""
        names = [field.name for field in fields(self._optimizer)]
        return [getattr(self._optimizer, name) for name in names if name != "lr"]

    def _text(self, held: int) -> str:
        """The module of the function."""
        body = Body(lanes())
        stand_in: Any = copy(self._optimizer)
        for k, name in enumerate(CALL):
            body.do(f"%{name} = load {'ptr' if k else 'i64'}, ptr {body.at('%call', k)}, align 8")
        whole = body.fresh(f"sub i64 %n, {body.fresh(f'urem i64 %n, {body.lanes}')}")
        for i, step in loops(body, [(0, whole, body.lanes), (whole, "%n", 1)]):
            rows = [body.add(i, body.times("%n", j)) for j in range(held)]

            def read(pointer: str, at: Index, whole: bool = step > 1) -> Vector:
                return body.load(pointer, at) if whole else body.splat(body.scalar(pointer, at))

            stand_in.lr = read("%numbers", 0, False)
            stand_in.steps = _Steps(lambda *power: read("%numbers", self._place(*power), False))
            memory = tuple([read("%memory", row) for row in rows])
            value, *kept = stand_in.update(read("%value", i), read("%gradient", i), memory)
            held_now = [(x, "%kept", at) for x, at in zip(kept, rows, strict=True)]
            for x, pointer, at in [(value, "%new", i), *held_now]:
                if step > 1:
                    body.store(x, pointer, at)
                else:
                    body.store_scalar(x.lane(0), pointer, at)
        head = "\n".join([*sorted(body.declared), "define void @run(ptr %call) {"])
        return "\n".join([head, *body.lines, "ret void", "}"])

    def _place(self, base: float, more: int) -> int:
        """Where a power lies among the numbers."""
        if (base, more) not in self._powers:
            self._powers.append((base, more))
        return 1 + self._powers.index((base, more))


@lru_cache(maxsize=16)
def _compiled(text: str) -> tuple[Any, Any]:
    """The function, and what keeps its code."""
    engine = compile_text(text)
    return _signature(engine.get_function_address("run")), engine
