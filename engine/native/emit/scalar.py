"""What is not written as vectors alone: calls per lane, branches, functions of their own.

A scalar function is known by its address, which stands in the text as a number: so the text is of
this process alone, and whoever compiles it keeps the function alive.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import cache, wraps
from inspect import unwrap
from math import inf, nan
from threading import current_thread, main_thread
from typing import Any

from engine.core.operation import Operation
from engine.native.emit.function import Body, Loop
from engine.native.emit.vector import Mask, Vector, select

FEW = 6  # operands of a call that is written once for each lane


def callback(function: Callable[..., float], inputs: int) -> tuple[int, Any]:
    """The address of a C function that calls a Python one, and what to keep alive with it.

    The C function takes doubles and gives a double, and may be called from any thread, with or
    without the interpreter's lock. Where the function raises, it answers inf for OverflowError and
    nan for anything else; in strict mode the engine then computes the row again, and raises.

    Arguments:
        function: floats to a float. inputs: how many.

    >>> address, keep = callback(lambda x: 1.0 / x, 1)
    >>> keep(4.0), keep(0.0), address > 0
    (0.25, nan, True)
    """

    @wraps(function)
    def total(*args: float) -> float:
        try:
            return float(function(*args))
        except OverflowError:
            return inf
        except BaseException as error:  # nothing can be raised through machine code
            if not isinstance(error, Exception) and current_thread() is main_thread():
                raise  # to `surfaced`
            return nan

    keep = ctypes.CFUNCTYPE(ctypes.c_double, *[ctypes.c_double] * inputs)(total)
    address = ctypes.cast(keep, ctypes.c_void_p).value
    assert address is not None
    return address, keep


def surfaced(run: Callable[..., Any]) -> Callable[..., Any]:
    """Machine code that calls Python, and then raises what a signal raised there, as Ctrl-C does.

    ctypes would drop it, and the function's answer would be whatever stood in memory.
    """

    def whole(*given: Any) -> Any:
        if current_thread() is not main_thread():  # which alone handles signals
            return run(*given)
        raised, before = list[Any](), sys.unraisablehook

        def hook(it: Any) -> None:
            (raised.append if "ctypes callback" in str(it.err_msg) else before)(it)

        sys.unraisablehook = hook
        try:
            found = run(*given)
        finally:
            sys.unraisablehook = before
        for it in raised:
            raise it.exc_value
        return found

    return whole


def c_function(row: Operation) -> tuple[int, Any] | None:
    """The address of C's function for a row whose own is one of `math` that calls it; else None.

    A call takes a tenth of the time, and answers where that of `math` would raise.
    """
    function = unwrap(row.function)
    if row.own or function.__module__ != "math":
        return None
    try:
        found = getattr(ctypes.CDLL(None), function.__name__)
    except (AttributeError, OSError, TypeError):  # a system that keeps them elsewhere
        return None
    return ctypes.cast(found, ctypes.c_void_p).value or 0, found


permanent = cache(callback)  # for functions of the engine: as long as the process lives


def per_lane(body: Body, address: int | str, *args: Vector) -> Vector:
    """A scalar C function of doubles, by its address or a pointer, called once for each lane."""
    kinds, lanes = ", ".join(["double"] * len(args)), body.lanes
    pointer = address if isinstance(address, str) else f"inttoptr (i64 {address} to ptr)"
    call = f"call double ({kinds}) {pointer}"
    if len(args) > FEW:
        given, answers = body.room(len(args) * lanes), body.room(lanes)
        for k, arg in enumerate(args):
            body.store(arg, given, k * lanes)
        with Loop(body, 0, lanes) as lane:
            numbers = [body.scalar(given, body.add(lane.i, k * lanes)) for k in range(len(args))]
            one = body.fresh(f"{call}({', '.join(f'double {x}' for x in numbers)})")
            body.store_scalar(one, answers, lane.i)
        return body.load(answers, 0)
    found = []
    for k in range(lanes):
        passed = ", ".join(f"double {arg.lane(k)}" for arg in args)
        found.append(body.new(f"{call}({passed})"))
    return body.vector_of(found)


def rarely(test: Mask, otherwise: Callable[[], Vector], usual: Vector) -> Vector:
    """In each lane otherwise() where the test holds, else usual.

    It branches: otherwise() is computed for the vectors that have such a lane, and for no other.
    """
    return test.body.choose(test.any(), lambda: select(test, otherwise(), usual), lambda: usual)


def outlined(name: str, formula: Callable[..., Vector], *args: Vector) -> Vector:
    """A formula as a function of the module's own, called here: for what is long or branches.

    Arguments:
        name: of the function; one name stands for one formula.
        formula: Vector to Vector; it may open blocks, which an expression in a row may not.
    """
    body = args[0].body
    inner = Body(body.lanes)
    names = [f"%x{i}" for i in range(len(args))]
    result = formula(*(Vector(inner, given) for given in names))
    inner.do(f"ret {body.vector} {result.name}")
    label, vector = f"@engine.{name}.v{body.lanes}", body.vector
    head = f"define internal {vector} {label}({', '.join(f'{vector} {x}' for x in names)})"
    body.declared |= inner.declared | {"\n".join([f"{head} nounwind {{", *inner.text(), "}"])}
    passed = ", ".join(f"{vector} {arg.name}" for arg in args)
    return Vector(body, body.new(f"call {vector} {label}({passed})"))
