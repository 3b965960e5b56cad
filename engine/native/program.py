"""Program: a recorded graph, run over many rows of inputs at the speed of the machine."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, Literal, cast, get_args
from weakref import ref

from engine.choices import pick
from engine.core.copies import rebuild
from engine.core.graph import describe
from engine.core.inputs import declared
from engine.core.modes import MODE, numeric_mode
from engine.core.operation import rows
from engine.core.value import Value, epoch
from engine.native.assembly import WORTH
from engine.native.decisions import check_decisions
from engine.native.library import Compiled, compiled_tape, pack
from engine.native.lower.instructions import record_tape
from engine.native.lower.listing import Listing
from engine.native.needs import numpy
from engine.native.rows import as_rows, as_vector, check_out, explain_row
from engine.native.threads import later, run_shards, shard_size

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

addressof: Callable[[Any], int] = ctypes.addressof
buffer: Callable[[Any], Any] = ctypes.c_char.from_buffer
Reduce = Literal["mean", "sum"]


@dataclass(frozen=True)
class Stats:
    """What became of a graph.

    Attributes:
        nodes: instructions of the program, each of which stands for one or more equal nodes.
        blocks: loops and pieces of straight code that they make.
        flops: additions and multiplications in a row's products, one more for each other
            instruction.
        bytes: of workspace while it runs, however many rows there are.
        compile_time: seconds of lowering and compiling; 0 where a program of the same structure was
            compiled before in this process (`cached`).
    """

    nodes: int
    blocks: int
    flops: int
    bytes: int
    compile_time: float
    cached: bool


class Program:
    """A graph lowered to machine code: its outputs, for each of many rows of its inputs.

    Arguments:
        inputs: the leaves that change from row to row.
        outputs: the Values to compute; gradients are Values too (`engine.gradient`).
        parameters: leaves that are read anew at every call. All other leaves are constants, with
            the data that they have now (`constants` lists them). What Python decided on them, or
            computed from their `.data`, after `engine.inputs` is an error; see there what is not.
        reduce: "mean" or "sum" over the rows, instead of an output for each.
        rows: on about how many rows it will run in all. For few of them, code that runs faster is
            not worth the time that it takes to compile; when there are more, it is compiled then,
            while calls go on. The same holds for many calls with one row. The bits stay.
        exact: compute what is written, step by step, so that sums have the bits that the engine
            gives them. Else sums of products, and formulas written by hand, become the fastest
            operation that is as accurate (`listing()` tells which).

    Calling it takes rows, of shape (N, number of inputs): an array, a list of rows, a frame with a
    column for each input's label. It gives an array of shape (N, number of outputs), or, where it
    reduces, one of shape (number of outputs,). `parameters=` gives other numbers than those that
    the parameters hold, `out=` an array of that shape to write to instead of a new one. It may be
    called in several threads at once; they do run side by side.

    Outputs alone are judged: what is infinite or nan on the way to them, as in a branch that a row
    does not take, is no error. Such a branch hands on exactly nothing, with one exception that
    keeps layers fast: where a factor of a sum of products in it is infinite, the derivative by the
    other factor is nan.

    Unless it is exact, a sum may be added up in parts. Where one of them overflows (past 1e308) and
    what was written does not, an output that is infinite or nan is computed again as it was
    written; a comparison of such a sum may take the other branch.

    Raises:
        NumericError: in strict mode, an output is infinite or nan; the message names the row, and
            the node that made it.
        ValueError, TypeError: rows or parameters of another shape, or no real numbers.
        ImportError: llvmlite or numpy is missing (the extra `fast`).

    >>> from engine import Value, gradient
    >>> x, w = Value(0.0, "x"), Value(3.0, "w")
    >>> square = (w * x) ** 2
    >>> program = Program(inputs=[x], outputs=[square, gradient(square, w)], parameters=[w])
    >>> program([[1.0], [2.0]]).tolist()
    [[9.0, 6.0], [36.0, 24.0]]
    >>> w.data = 1.0
    >>> program([[2.0]]).tolist()
    [[4.0, 8.0]]
    """

    def __init__(
        self,
        inputs: Sequence[Value],
        outputs: Sequence[Value],
        parameters: Sequence[Value] = (),
        reduce: Reduce | None = None,
        rows: float = inf,
        exact: bool = False,
    ) -> None:
        self.inputs: list[Value] = _leaves("inputs", inputs)
        self.parameters: list[Value] = _leaves("parameters", parameters)
        self.outputs: list[Value] = _values("outputs", outputs)
        if both := set(self.inputs) & set(self.parameters):
            raise ValueError(
                f"{describe(both.pop())} is an input and a parameter; it can be one of them"
            )
        if reduce is not None:
            pick(dict.fromkeys(get_args(Reduce)), reduce, "reduce")
        self.reduce, self._rows, self._exact = reduce, rows, exact
        check_decisions(self.inputs, self.parameters, self.outputs)
        tape, constants = record_tape(
            self.inputs, self.parameters, self.outputs, exact, totals=reduce is not None
        )
        self.constants: list[Value] = constants
        if missing := [describe(node) for node in constants if ref(node) in declared]:
            raise ValueError(f"{missing[0]} is an input that is not among inputs=; add it")
        self._tape, self._plain = tape, cast("Program | None", None)
        self._alone: Compiled | None = None  # code for a row alone, once there were many such calls
        self._compile(rows)
        self._ones = WORTH / max(self._compiled.assembly.flops, 1)
        self._width, self._many = len(self.inputs), len(self.outputs)
        self._labels = [x.label or f"input {i}" for i, x in enumerate(self.inputs)]
        self._held: tuple[int, Any, int] = (-1, None, 0)
        np = numpy()
        self._array, self._float, self._empty = np.ndarray, np.dtype("float64"), np.empty

    def _compile(self, rows: float) -> None:
        self._compiled: Compiled = compiled_tape(self._tape, self.reduce, rows)
        self._left = self._compiled.assembly.good_for
        found, totals = self._compiled.assembly, len(self.outputs) if self.reduce else 0
        # so many rows make a shard, at least
        self.shard: float = shard_size(found.flops, totals, found.block)

    def _hurry(self) -> None:
        """Have faster code compiled: there were many rows."""
        self._left = inf
        later(partial(self._compile, inf))

    def _compile_alone(self) -> None:
        self._alone = compiled_tape(self._tape, self.reduce, inf, alone=True)

    def _row(self) -> Compiled:
        """Code for one row."""
        self._ones -= 1.0
        if self._ones < 0.0:
            self._ones = inf
            later(self._compile_alone)
        return self._alone or self._compiled

    def __call__(
        self, rows: Any, parameters: Any = None, out: NDArray[float64] | None = None
    ) -> NDArray[float64]:
        """The outputs of all rows (or their reduction)."""
        if (
            type(rows) is not self._array
            or (rows.dtype is not self._float and rows.dtype != self._float)
            or rows.ndim != 2
            or rows.shape[1] != self._width
            or not rows.flags.c_contiguous
        ):
            rows = as_rows(rows, self._labels)
        many, (down, right) = len(rows), rows.strides
        shape = (self._many,) if self.reduce else (many, self._many)
        if out is None:
            out = self._empty(shape)
        else:
            check_out(out, shape, rows, parameters)
        if not many:
            return _of_no_rows(self.reduce, out)
        if parameters is not None:
            theta = as_vector(parameters, len(self.parameters))
            at = _address(theta)
        else:  # as they are now: read again when any leaf was changed
            then, theta, at = self._held
            if then != epoch():
                theta, at = self._read()
        try:  # as _address does, without its call
            place = addressof(buffer(rows))
        except (TypeError, ValueError):
            place = rows.ctypes.data
        self._left -= many
        if self._left < 0.0:
            self._hurry()
        # another thread may put a faster one there meanwhile
        compiled = self._compiled if many > 1 else self._row()
        if many >= 2.0 * self.shard:
            odd = run_shards(compiled, self.shard, rows, theta, out)
        else:  # as `run_shards` does, without its calls
            free, run = compiled.idle, compiled.run
            try:
                space = free.pop()
            except IndexError:  # all are in use
                space = compiled.workspace()
            odd = run(pack(place, down, right, many, at, addressof(buffer(out)), space[0], many))
            free.append(space)
        if odd:
            self._judge(rows, theta, out)
        return out

    def _judge(self, rows: Any, theta: Any, out: Any) -> None:
        """What is infinite or nan, again as it was written; an error if it is so still."""
        np = numpy()
        if self._tape.written:
            if self._plain is None:
                made = object.__new__(Program)
                vars(made).update(vars(self), _tape=self._tape.written)
                made._compile(len(rows))
                self._plain = made  # whole, as another thread may take it at once
            with numeric_mode("ieee"):
                plain = self._plain(rows, theta)
            np.copyto(out, plain, where=np.isnan(out) | np.isinf(out) & np.isfinite(plain))
        if MODE.get() != "ieee" and not np.isfinite(out).all():
            explain_row(self, rows, theta)

    def _read(self) -> tuple[Any, int]:
        """The parameters as they are now, and where."""
        now = epoch()
        theta = numpy().array([p._data for p in self.parameters], dtype="float64")
        self._held = now, theta, _address(theta)
        return self._held[1:]

    @property
    def stats(self) -> Stats:
        """Its size, and what compiling took."""
        compiled, found = self._compiled, self._compiled.assembly
        size = len(self._tape.ops), len(found.kernels), found.flops, 8 * found.doubles
        return Stats(*size, compiled.seconds, cached=not compiled.seconds)

    @property
    def source(self) -> str:
        """The LLVM IR."""
        return self._compiled.assembly.text()

    def listing(self) -> str:
        """What is computed in which order, to be read."""
        return Listing(self._tape, self._labels, self.parameters).write(
            self._compiled.assembly.kernels
        )

    def __repr__(self) -> str:
        counts = f"{self._width} inputs, {self._many} outputs, {len(self.parameters)} parameters"
        return f"Program({counts}{f', reduce={self.reduce!r}' if self.reduce else ''})"

    def __reduce__(self) -> tuple[Any, ...]:
        # each output that pickle met alone would list its whole graph again
        above = rebuild(Value, 0.0, 0.0, rows.sum, tuple(self.outputs), None, 0)
        given = self.inputs, self.outputs, self.parameters, self.reduce, self._rows, self._exact
        return _unpickled, (above, *given)


def _unpickled(above: Value, *arguments: Any) -> Program:
    return Program(*arguments)


def _of_no_rows(reduce: Reduce | None, out: NDArray[float64]) -> NDArray[float64]:
    if reduce == "mean":
        raise ValueError("the mean over no rows is undefined; give at least one row")
    out[...] = 0.0
    return out


def _address(array: Any) -> int:
    try:  # a third of what array.ctypes.data takes
        return addressof(buffer(array))
    except (TypeError, ValueError):  # read-only, or not in one piece
        address: int = array.ctypes.data
        return address


def _values(name: str, nodes: Sequence[Any]) -> list[Value]:
    listed = hasattr(nodes, "__iter__") and getattr(nodes, "shape", None) != ()
    if isinstance(nodes, Value) or not listed:
        raise TypeError(f"{name} is a list of Values, got {nodes!r:.60}; write {name}=[...]")
    found = list(nodes)
    for node in found:
        if not isinstance(node, Value):
            raise TypeError(f"{name} takes Values, got {type(node).__name__} {node!r:.60}")
    if name == "outputs" and not found:
        raise ValueError("a Program needs at least one output, got none")
    return found


def _leaves(name: str, nodes: Sequence[Any]) -> list[Value]:
    found = _values(name, nodes)
    for node in found:
        if node.op is not None:
            raise ValueError(
                f"{name} are leaves, got {describe(node)}, which was computed; take .detach() of "
                "it and build the expression on that"
            )
    if len(set(found)) != len(found):
        raise ValueError(f"{name} has a Value twice; name each once")
    return found
