"""compiled: a function of scalars, run natively over numbers or whole arrays of them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from engine.containers import table
from engine.core.graph import topological
from engine.core.modes import recording, recording_program
from engine.core.ops import CONSTANT
from engine.core.value import Value, constant
from engine.native.needs import numpy
from engine.native.program import Program
from engine.operations.branching import inputs


class compiled:
    """A function of scalars, recorded at its first call and from then on run as machine code.

    Arguments:
        function: takes a fixed number of Values and gives a Value, or a list or tuple of them. It
            is called once: what it decides with `if`, it decides for all calls, and on Values it
            cannot (ControlFlowError); `where` records a decision. For a method, write
            `self.f = compiled(self.f)` in `__init__`.

    Called with numbers it gives a float (or a list of them), called with arrays, which broadcast,
    it gives arrays. Leaves that the function takes from elsewhere, such as a model's parameters,
    are read anew at every call. `program` is the Program, after the first call.

    >>> from engine import sqrt
    >>> @compiled
    ... def length(x, y):
    ...     return sqrt(x * x + y * y)
    >>> length(3.0, 4.0)
    5.0
    >>> length([3.0, 6.0], [4.0, 8.0]).tolist()
    [5.0, 10.0]
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        functools.update_wrapper(self, function)
        self._signature = inspect.signature(function)
        self._names = _names(self._signature)
        self._single = False
        self._program: Program | None = None

    @property
    def program(self) -> Program:
        """The Program, compiled now where it was not before."""
        if self._program is None:
            leaves = inputs(*self._names)
            with recording, recording_program:
                given = dict(zip(self._names, leaves, strict=True))
                bound = inspect.BoundArguments(self._signature, given)
                found = self.function(*bound.args, **bound.kwargs)
            self._single = isinstance(found, Value) or not isinstance(found, list | tuple)
            outputs = [constant(each) for each in ([found] if self._single else found)]
            held = set(leaves)
            parameters = [
                node
                for node in topological(*outputs)
                if not node.parents and node.op is not CONSTANT and node not in held
            ]
            self._program = Program(leaves, outputs, parameters)
        return self._program

    def __get__(self, instance: object, owner: type) -> compiled:
        """Itself as an attribute of a class; a TypeError as a method of an instance."""
        if instance is None:
            return self
        raise TypeError(
            f"{self._name} is compiled and cannot be a method: it is recorded once, and what it "
            f"reads of one {owner.__name__} would answer for all; leave out @compiled and write "
            f"self.{self._name} = compiled(self.{self._name}) in __init__"
        )

    @property
    def _name(self) -> str:
        return getattr(self.function, "__name__", repr(self.function))

    def __call__(self, *numbers: Any, **named: Any) -> Any:
        """The function's answer, for one number each or for arrays."""
        program, np = self.program, numpy()
        if named or len(numbers) != len(self._names):
            try:
                bound = self._signature.bind(*numbers, **named)
            except TypeError as error:
                raise TypeError(
                    f"{self._name} takes {len(self._names)} numbers ({', '.join(self._names)}), "
                    f"got {len(numbers) + len(named)}: {error}"
                ) from None
            bound.apply_defaults()
            numbers = tuple(bound.arguments.values())
        given = zip(self._names, numbers, strict=True)
        arrays = [np.asarray(table(f"numbers {name}", x)) for name, x in given]
        columns = np.broadcast_arrays(*arrays)
        shape = columns[0].shape
        answers = program(np.stack([column.ravel() for column in columns], axis=-1))
        each = [answers[:, k].reshape(shape) for k in range(answers.shape[1])]
        if not shape:
            each = [float(answer) for answer in each]
        return each[0] if self._single else each


def _names(signature: inspect.Signature) -> list[str]:
    names = []
    for parameter in signature.parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise TypeError(
                f"a compiled function takes a fixed number of scalars, got {parameter}; write one "
                "parameter for each"
            )
        names.append(parameter.name)
    if not names:
        raise TypeError("a compiled function takes at least one scalar, this one takes none")
    return names
