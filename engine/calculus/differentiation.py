"""Derivatives as Values: each result is a graph again, and can be differentiated again.

`backward()` leaves numbers on nodes; the functions here leave the nodes alone and return.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, overload

from engine.calculus.sweeps import pullback, pushforward
from engine.core.modes import recording
from engine.core.operation import rows
from engine.core.value import Number, Value, constant, fresh_constant

__all__ = ["gradient", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"]

Scalar = Value | Number


@overload
def gradient(output: Value, inputs: Value) -> Value: ...
@overload
def gradient(output: Value, inputs: list[Value]) -> list[Value]: ...
@overload
def gradient(output: Value, inputs: Mapping[Any, Any] | Sequence[Any]) -> Any: ...
def gradient(output: Value, inputs: Any) -> Any:
    """The derivative of an output by each input, as Values that can be differentiated in turn.

    Arguments:
        output: the Value to differentiate.
        inputs: a Value below it, or Values in lists, tuples and dictionaries, which may lie in each
            other; results count too, not only leaves.

    Returns:
        A Value for a Value, a list for a list or a tuple, else what was given with a derivative in
        the place of each Value. 0 where the output does not depend on the input.

    Raises:
        NumericError: in strict mode, the gradient of an input, or of a node on the way to it, is
            infinite or nan, as in `backward()`.

    >>> x = Value(2.0, "x")
    >>> dy = gradient(x**3, x)
    >>> dy.data, gradient(dy, x).data
    (12.0, 12.0)
    >>> w = {"slope": Value(2.0), "offset": Value(1.0)}
    >>> {name: d.data for name, d in gradient(w["slope"] * 3 + w["offset"], w).items()}
    {'slope': 3.0, 'offset': 1.0}
    """
    if not isinstance(inputs, Value | Mapping | Sequence):
        _check("inputs", inputs)
    values: list[Any] = []
    mapped(values.append, inputs)
    found = iter(vjp([output], values, [1.0]))
    return mapped(lambda _: next(found), [*inputs] if type(inputs) is tuple else inputs)


def value_and_grad(
    function: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[..., tuple[Any, Any]]:
    """A function that gives the value of another and its gradient: `value, grad = both(*args)`.

    The name and the arguments are JAX's.

    Arguments:
        function: gives one Value; with has_aux a pair, of it and of anything else.
        argnums: the position of the argument to differentiate by, or several.
        has_aux: the pair comes back where else the value does: `(value, aux), grad`.

    Each argument that is differentiated by is a number, a Value, or lists, tuples and dictionaries
    of them. The gradient has its shape, one in a tuple for each of several positions. The
    derivative by a number is a float, that by a Value is a Value, which can be differentiated
    again. The value is a float where all of them are numbers.

    >>> both = value_and_grad(lambda w, x: w["slope"] * x + w["offset"])
    >>> both({"slope": 2.0, "offset": 1.0}, 3.0)
    (7.0, {'slope': 3.0, 'offset': 1.0})
    """
    positions = (argnums,) if isinstance(argnums, int) else tuple(argnums)

    @wraps(function)
    def both(*args: Any, **named: Any) -> tuple[Any, Any]:
        if not all(-len(args) <= i < len(args) for i in positions):
            expected = f"value_and_grad by the arguments {positions}"
            remedy = "give those to differentiate by without their names"
            raise TypeError(f"{expected}, got a call with {len(args)} by position; {remedy}")
        given: list[Any] = []
        mapped(given.append, [args[i] for i in positions])
        chosen = {i % len(args): mapped(_lifted, args[i]) for i in positions}
        lifted = [chosen.get(i, arg) for i, arg in enumerate(args)]
        with recording:
            result = function(*lifted, **named)
            output, aux = result if has_aux else (result, None)
            if not isinstance(output, Value | int | float):
                expected = "value_and_grad takes a function that gives one Value"
                remedy = "add up several, e.g. with engine.sum"
                raise TypeError(f"{expected}, got {type(output).__name__}; {remedy}")
            found = gradient(constant(output), [chosen[i % len(args)] for i in positions])
        graphs = [isinstance(each, Value) for each in given]
        wanted = iter(graphs)
        grads = mapped(lambda d: d if next(wanted) else d.data, found)
        value = output if any(graphs) else constant(output).data
        grad = grads[0] if isinstance(argnums, int) else tuple(grads)
        return (value, aux) if has_aux else value, grad

    return both


def _lifted(each: Any) -> Value:
    return each if isinstance(each, Value) else Value(each)


def vjp(
    outputs: Sequence[Value], inputs: Sequence[Value], cotangents: Sequence[Scalar]
) -> list[Value]:
    """The vector-Jacobian product: for each input, the sum over outputs of cotangent * derivative.

    Raises:
        ValueError: there are not as many cotangents as outputs.

    >>> x, y = Value(2.0), Value(3.0)
    >>> [g.data for g in vjp([x * y, x + y], [x, y], [1.0, 10.0])]
    [13.0, 12.0]
    """
    _check("outputs", outputs)
    _check("inputs", inputs)
    _same_length("cotangents", cotangents, "outputs", outputs)
    seeds: dict[Value, Any] = {}
    for output, cotangent in zip(outputs, cotangents, strict=True):
        number = cotangent if isinstance(cotangent, Value) else constant(cotangent).data
        seeds[output] = seeds[output] + number if output in seeds else number
    return [_as_value(g) for g in pullback(seeds, inputs)]


@overload
def jvp(outputs: Value, tangents: Mapping[Value, Scalar]) -> Value: ...
@overload
def jvp(outputs: Sequence[Value], tangents: Mapping[Value, Scalar]) -> list[Value]: ...
def jvp(outputs: Value | Sequence[Value], tangents: Mapping[Value, Scalar]) -> Value | list[Value]:
    """The Jacobian-vector product, by forward mode: how outputs move when inputs move.

    Arguments:
        outputs: a Value or a sequence of them.
        tangents: how far each input moves; inputs that are not named stay where they are. A result
            may be named too: it then moves as it is told, whatever it was computed from.

    What a branch leaves out does not move, so that sqrt(relu(x)) stays at 0 where x < 0, though the
    root has an infinite derivative there. A tangent of 0 is a number like any other: times an
    infinite derivative it is nan, which is an error in strict mode.

    >>> x, y = Value(2.0), Value(3.0)
    >>> jvp(x * y, {x: 1.0, y: 0.5}).data
    4.0
    """
    several = [outputs] if isinstance(outputs, Value) else outputs
    _check("outputs", several)
    _check("tangents", tangents, Mapping)
    moves = {x: t if isinstance(t, Value) else constant(t).data for x, t in tangents.items()}
    results = [_as_value(m) for m in pushforward(several, moves)]
    return results[0] if isinstance(outputs, Value) else results


def hvp(output: Value, inputs: Sequence[Value], vector: Sequence[Scalar]) -> list[Value]:
    """The Hessian of the output times a vector, without the Hessian: two sweeps.

    >>> x, y = Value(2.0), Value(3.0)
    >>> [h.data for h in hvp(x * x * y, [x, y], [1.0, 0.0])]
    [6.0, 4.0]
    """
    _check("inputs", inputs)
    _same_length("vector", vector, "inputs", inputs)
    with recording:  # the vector is held still, even where it was computed from the inputs
        partials = vjp([output], inputs, [1.0])
        still = [constant(v).data for v in vector]
        along = constant(rows.dot(*partials, *still) if partials else 0.0)
    return vjp([along], inputs, [1.0])


def jacobian(outputs: Sequence[Value], inputs: Sequence[Value]) -> list[list[Value]]:
    """The derivative of each output (row) by each input (column).

    >>> x, y = Value(2.0), Value(3.0)
    >>> [[d.data for d in row] for row in jacobian([x * y, x - y], [x, y])]
    [[3.0, 2.0], [1.0, -1.0]]
    """
    _check("outputs", outputs)
    _check("inputs", inputs)
    return [vjp([output], inputs, [1.0]) for output in outputs]


def hessian(output: Value, inputs: Sequence[Value]) -> list[list[Value]]:
    """The second derivatives of an output by each pair of inputs.

    >>> x, y = Value(2.0), Value(3.0)
    >>> [[d.data for d in row] for row in hessian(x * x * y, [x, y])]
    [[6.0, 4.0], [4.0, 0.0]]
    """
    _check("inputs", inputs)
    with recording:
        partials = vjp([output], inputs, [1.0])
    return jacobian(partials, inputs)


def _as_value(result: Any) -> Value:
    return result if isinstance(result, Value) else fresh_constant(result)


def _check(name: str, nodes: Any, kind: Any = Sequence) -> None:
    if not isinstance(nodes, kind):
        of, one = ("list", "[x]") if kind is Sequence else ("dict", "{x: 1.0}")
        remedy = f"{of}(...)" if hasattr(nodes, "__iter__") else one
        raise TypeError(f"{name} is a {of} of Values, got {type(nodes).__name__}; write {remedy}")
    for node in nodes:
        if not isinstance(node, Value):
            several = isinstance(node, Sequence) and not isinstance(node, str)
            give = "one of them, or take jacobian(...)" if several else "the Value itself"
            got = f"{type(node).__name__} {node!r:.60}"
            raise TypeError(f"{name} takes Values of the graph, got {got}; give {give}")


def _same_length(name: str, xs: Sequence[Any], other: str, ys: Sequence[Any]) -> None:
    if len(xs) != len(ys):
        expected = f"{name} takes one number for each of the {other}"
        raise ValueError(f"{expected}, got {len(xs)} for {len(ys)}")


def mapped(change: Callable[[Any], Any], given: Any) -> Any:
    """What `change` makes of each item, in dictionaries, lists and tuples like those given.

    They may lie in each other. Anything else is an item.

    >>> mapped(str, {"w": [[1, 2], [3]], "b": (4, 5)})
    {'w': [['1', '2'], ['3']], 'b': ('4', '5')}
    """
    if isinstance(given, Value):  # of which there are many
        return change(given)
    if isinstance(given, Mapping):
        return {key: mapped(change, item) for key, item in given.items()}
    if isinstance(given, Sequence) and not isinstance(given, (str, bytes)):
        items = [mapped(change, item) for item in given]
        if hasattr(given, "_fields"):  # a named tuple
            return type(given)(*items)
        return tuple(items) if isinstance(given, tuple) else items
    return change(given)
