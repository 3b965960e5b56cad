"""compiled: a function of scalars, run natively over numbers or whole arrays of them."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeAlias, TypeVar, overload

from engine.containers import table
from engine.core.graph import topological, uncollected
from engine.core.inputs import ControlFlowError
from engine.core.modes import NumericError, recording
from engine.core.ops import CONSTANT
from engine.core.value import Value, constant
from engine.native.decisions import recording_program
from engine.native.needs import numpy
from engine.native.program import Program
from engine.native.rows import as_array, as_floats
from engine.operations.branching import inputs

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[float64]
    Several: TypeAlias = Sequence[Value]
    OfNumbers: TypeAlias = "compiled[Concatenate[Value, ...], Given]"

P = ParamSpec("P")
Given = TypeVar("Given", covariant=True)
Shape: TypeAlias = tuple[int | None, ...]  # of each argument, how long its row is; None of a number


ALONE = "a number"


class compiled(Generic[P, Given]):
    """A function of scalars, recorded at its first call and from then on run as machine code.

    Arguments:
        function: takes a fixed number of Values and gives a Value, or a list or tuple of them. It
            is called once: what it decides with `if`, it decides for all calls, and on Values it
            cannot (ControlFlowError); `where` records a decision. Sets and dictionaries look for
            nodes and not for numbers: `x in {1.0}` is False, without an error. For a method,
            write `self.f = compiled(self.f)` in `__init__`.
        exact: as for Program: compute what is written, step by step. As a decorator,
            `@partial(compiled, exact=True)`.

    Called with numbers it gives a float (or a list of them), called with arrays, which broadcast,
    it gives arrays. Leaves that the function takes from elsewhere, such as a model's parameters,
    are read anew at every call. `program` is the Program, after the first call.

    A function that takes no single Value, since it loops over its argument, takes rows, which may
    have different lengths. Some of its arguments may be rows and others numbers. Called with one
    row it gives a float, called with a list of rows an array with the result of each. It is called
    once for each length; `programs[3,]` is the Program of rows of three numbers.

    Raises:
        ValueError, TypeError: a row is empty, holds something else than numbers, or has a length
            that the function does not take; the message names the row.
        NumericError: in strict mode, a result is infinite or nan; the message names the row.

    >>> from engine import sqrt
    >>> @compiled
    ... def length(x, y):
    ...     return sqrt(x * x + y * y)
    >>> length(3.0, 4.0)
    5.0
    >>> length([3.0, 6.0], [4.0, 8.0]).tolist()
    [5.0, 10.0]
    >>> @compiled
    ... def norm(xs):
    ...     return sqrt(sum(x * x for x in xs))
    >>> norm([[3.0, 4.0], [7.0], [2.0, 3.0, 6.0]]).tolist()
    [5.0, 7.0, 7.0]
    """

    def __init__(self, function: Callable[P, Given], *, exact: bool = False) -> None:
        if not callable(function):
            got = f"{type(function).__name__} {function!r:.60}"
            raise TypeError(f"compiled takes a function of scalars, got {got}; write @compiled")
        self.function: Callable[..., Any] = function
        self.exact: bool = exact
        functools.update_wrapper(self, function)
        try:
            self._signature = inspect.signature(function)
        except ValueError:
            got = f"{self._name}, of which Python does not say what it takes; use a lambda"
            raise ValueError(f"compiled takes a function of scalars, got {got}") from None
        self._names = _names(self._signature)
        self._takes_rows, self._forms = False, dict[Shape, str]()  # what it gives, in words
        self.programs: dict[Shape, Program] = {}

    @property
    def program(self) -> Program:
        """The Program of single numbers, compiled now where it was not before."""
        return self._program((None,) * len(self._names))

    def _program(self, shape: Shape) -> Program:
        """The Program of numbers, or of rows of these lengths."""
        if shape not in self.programs:
            rows = [
                inputs(*[name] if n is None else [f"{name}[{i}]" for i in range(n)])
                for name, n in zip(self._names, shape, strict=True)
            ]
            given = [row[0] if n is None else row for row, n in zip(rows, shape, strict=True)]
            with recording, recording_program, uncollected():
                named = dict(zip(self._names, given, strict=True))
                bound = inspect.BoundArguments(self._signature, named)
                found = self.function(*bound.args, **bound.kwargs)
            listed = isinstance(found, list | tuple)
            outputs = [constant(each) for each in (found if listed else [found])]
            leaves = [leaf for row in rows for leaf in row]
            held = set(leaves)
            parameters = [
                node
                for node in topological(*outputs)
                if not node.parents and node.op is not CONSTANT and node not in held
            ]
            self._forms[shape] = f"a list of {len(outputs)}" if listed else ALONE
            self.programs[shape] = Program(leaves, outputs, parameters, exact=self.exact)
        return self.programs[shape]

    def __get__(self, instance: object, owner: type) -> compiled[P, Given]:
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

    @overload
    def __call__(self: OfNumbers[Value], *numbers: float, **named: float) -> float: ...
    @overload
    def __call__(self: OfNumbers[Several], *numbers: float, **named: float) -> list[float]: ...
    @overload
    def __call__(self: OfNumbers[Value], *numbers: Any, **named: Any) -> Array: ...
    @overload
    def __call__(self: OfNumbers[Several], *numbers: Any, **named: Any) -> list[Array]: ...
    @overload
    def __call__(self, *numbers: Any, **named: Any) -> Any: ...
    def __call__(self, *numbers: Any, **named: Any) -> Any:
        """The function's answer, for one number each or for arrays."""
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
        given = [table(f"numbers {name}", x) for name, x in zip(self._names, numbers, strict=True)]
        if not self.programs:
            try:
                self.program  # noqa: B018  # which shows whether it takes numbers
            except (TypeError, ValueError) as error:
                if isinstance(error, ControlFlowError) or not any(map(_depth, given)):
                    raise
                self._takes_rows = True
        if self._takes_rows:
            return self._of_rows(given)
        np, needs = numpy(), f"{self._name} takes single numbers"
        arrays = [as_floats(as_array(x, needs), "arguments") for x in given]
        try:
            columns = np.broadcast_arrays(*arrays)
        except ValueError:
            shapes = ", ".join(str(each.shape) for each in arrays)
            raise ValueError(
                f"{self._name} takes arrays that broadcast, got {shapes}; give as many of each"
            ) from None
        answers = self.program(np.stack([column.ravel() for column in columns], axis=-1))
        found = answers.reshape(*columns[0].shape, answers.shape[-1])
        return self._results(found, self._forms[(None,) * len(given)])

    def _of_rows(self, given: Sequence[Any]) -> Any:
        """The results for one row, or for each of many. A row has an item for every argument."""
        alone = max(map(_depth, given)) < 2
        counts = {1} if alone else {len(x) for x in given if _depth(x)}
        if len(counts) > 1:
            raise ValueError(f"{self._name} takes as many of each argument, got {sorted(counts)}")
        columns = [[x] * max(counts) if alone or not _depth(x) else x for x in given]
        rows = [*zip(*columns, strict=True)]
        groups: dict[Shape, list[int]] = {}
        for i, row in enumerate(rows):
            groups.setdefault(tuple([len(x) if _depth(x) else None for x in row]), []).append(i)
        found: dict[int, Any] = {}
        for shape, places in groups.items():
            if 0 in shape:
                raise ValueError(f"row {places[0]} is empty; leave it out")
            chosen = [[y for x in rows[i] for y in (x if _depth(x) else [x])] for i in places]
            try:
                found |= zip(places, self._program(shape)(chosen), strict=True)
            except (TypeError, ValueError) as error:
                named = re.match(r"row (\d+)(.*)", str(error), re.DOTALL)
                i = places[int(named[1]) if named else 0]
                text = f"row {i}{named[2]}" if named else f"rows as long as row {i}: {error}"
                error.args = (text,)
                if isinstance(error, NumericError):
                    error.row = i
                raise
        forms = sorted({self._forms[shape] for shape in groups})
        if len(forms) > 1:
            raise ValueError(
                f"{self._name} gives {', '.join(forms)} for rows of several lengths; call it "
                "with those of one length at a time, or let it give as many for each"
            )
        answers = numpy().array([found[i] for i in range(len(rows))])
        return self._results(answers[0] if alone else answers, *forms)

    def _results(self, answers: Any, form: str) -> Any:
        """The results along the last axis of an array: arrays, or floats where it has no other."""
        each = [answers[..., k] for k in range(answers.shape[-1])]
        if answers.ndim == 1:
            each = [float(answer) for answer in each]
        return each[0] if form == ALONE else each


def _depth(x: Any) -> int:
    """0 for a number, 1 for a list of numbers, 2 for a list of lists."""
    if not hasattr(x, "__len__") or getattr(x, "shape", None) == ():
        return 0
    return 1 + any(hasattr(y, "__len__") for y in x)


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
