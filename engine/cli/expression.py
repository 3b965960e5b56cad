"""Makes a graph of Values out of an expression that was typed.

Python parses the text. Only arithmetic is taken from the syntax tree: what was typed is never
executed.
"""

import ast
import functools
import math
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import engine
from engine.choices import similar
from engine.core.operation import TABLE
from engine.core.ops import CONSTANT
from engine.core.value import Value, constant
from engine.wording.terminal import OPERATORS, Mistake, parsed

CONSTANTS = {"pi": math.pi, "e": math.e, "inf": math.inf, "nan": math.nan}
Read = tuple[list[ast.expr], Callable[..., Any]]  # the operands, and what to do with their values


def evaluate(source: str, numbers: Mapping[str, Value] | None = None) -> Value:
    """The Value of an expression, with the graph that Python would have built.

    Arguments:
        numbers: the Values that names in the expression stand for.

    Raises Mistake if the expression is no arithmetic or cannot be computed.

    >>> x = Value(3.0, "x")
    >>> y = evaluate("x**2 + tanh(0)", {"x": x})
    >>> y.backward(); y.data, x.grad
    (9.0, 6.0)
    """
    source = " ".join(source.split())
    if not source:
        raise Mistake("the expression is empty; give one, such as 'x**2 + 3*x'")
    names = {**{name: constant(x) for name, x in CONSTANTS.items()}, **(numbers or {})}
    plan: list[tuple[ast.expr, Read]] = []
    waiting = [parsed(source)]
    for node in waiting:  # the list grows: operands come after what uses them
        operands, make = _read(node, source, names)
        plan.append((node, (operands, make)))
        waiting += operands
    _check_names([node for node in waiting if isinstance(node, ast.Name)], source, names)
    done: dict[ast.expr, Any] = {}
    for node, (operands, make) in reversed(plan):
        try:
            done[node] = make(*(done[operand] for operand in operands))
        except (TypeError, ValueError, ArithmeticError, IndexError) as error:
            raise Mistake.at(node, source, said(error)) from None
    result = done[waiting[0]]
    if not isinstance(result, Value):
        raise Mistake(f"a list of {len(result)} is no number; take e.g. sum([...])", source)
    return result


def _read(node: ast.expr, source: str, names: Mapping[str, Value]) -> Read:
    """The operands of a piece of syntax, and a function of their values.

    Only the syntax that is listed here is allowed; all else raises Mistake.
    """
    match node:
        case ast.Constant(number) if type(number) in (int, float):
            return [], lambda: constant(number)
        case ast.Name(name):
            return [], lambda: names[name]
        case ast.List(items) | ast.Tuple(items):
            return items, lambda *xs: list(xs)
        case ast.BinOp(left, symbol, right) if type(symbol) in ARITHMETIC:
            return [left, right], ARITHMETIC[type(symbol)]
        case ast.UnaryOp(symbol, operand) if type(symbol) in ARITHMETIC:
            return [operand], ARITHMETIC[type(symbol)]
        case ast.Call(ast.Name(name), items, keywords) if name in FUNCTIONS:
            return _call(FUNCTIONS[name], items, keywords)
        case ast.Call(ast.Attribute(operand, name), items, keywords) if name in FUNCTIONS:
            return _call(FUNCTIONS[name], [operand, *items], keywords)
    raise Mistake.at(node, source, _unread(node, names))


def _call(function: Callable[..., Any], items: list[ast.expr], keywords: list[ast.keyword]) -> Read:
    keys = [keyword.arg for keyword in keywords]

    def call(*values: Any) -> Any:
        named = zip(keys, values[len(items) :], strict=True)
        return function(*values[: len(items)], **{str(key): value for key, value in named})

    return [*items, *(keyword.value for keyword in keywords)], call


def _unread(node: ast.expr, names: Mapping[str, Value]) -> str:
    """The message for syntax that is not arithmetic."""
    match node:
        case ast.Call(ast.Name(name) | ast.Attribute(_, name)) if name not in names:
            near, known = " or ".join(similar(name, FUNCTIONS)), ", ".join(sorted(FUNCTIONS))
            hint = f"did you mean {near}?" if near else f"there are {known}"
            return f"no function is called {name}; {hint}"
        case ast.Call():
            return "a number cannot be called; a product is written with *"
        case ast.BinOp(_, ast.BitXor()):
            return "^ is not a power; write **"
    return "only numbers, names, + - * / // % **, lists and calls of functions can be computed"


def _check_names(used: Sequence[ast.Name], source: str, names: Mapping[str, Value]) -> None:
    used = sorted(used, key=lambda node: node.col_offset)
    missing = dict.fromkeys(node.id for node in used if node.id not in names)
    for node in used:
        if node.id in missing and node.id in FUNCTIONS:
            raise Mistake.at(node, source, f"{node.id} is a function; write {node.id}(...)")
    if missing:
        has = "has" if len(missing) == 1 else "have"
        shown = shlex.quote(source) if len(source) < 200 else "..."
        given = [f"{name}={x.data!r}" for name, x in names.items() if name not in CONSTANTS]
        command = " ".join(["python -m engine", shown, *given, *(f"{name}=1" for name in missing)])
        listed = ", ".join(missing)
        raise Mistake(f"{listed} {has} no number; add one, any one, like this:\n  {command}")


def said(error: Exception) -> str:
    """The text of an engine's error without the line and the mode, which mean nothing here."""
    return re.sub(r" at \S.*?:\d+(?=: )", "", str(error)).partition(" (or compute under")[0]


# --- what can be computed ------------------------------------------------------------------------
def _folding(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that gives a number where it gets only numbers.

    So `x * (1 / 3)` records one operation.
    """

    def fold(*values: Any) -> Any:
        result = function(*values)
        plain = all(isinstance(x, Value) and x.op is CONSTANT for x in values)
        return constant(result.data) if plain else result

    return fold


def _picking(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of a list and an index, whose index may be a Value that holds a whole number."""

    @functools.wraps(function)
    def pick(xs: Any, index: Any) -> Any:
        number = isinstance(index, Value) and index.op is CONSTANT and index.data.is_integer()
        return function(xs, int(index.data) if number else index)

    return pick


ARITHMETIC = {symbol: _folding(function) for symbol, function in OPERATORS.items()}


def _is_operation(name: str) -> bool:
    """Whether a public name is a function that takes numbers and records an operation."""
    named = name in TABLE or hasattr(getattr(engine, name), "op")
    return named and name not in ("where", "Value")  # `where` asks for a comparison


# Python's own are abs and, to a star import, `sum` and `round` too.
NAMES = [*filter(_is_operation, (*engine.__all__, "sum", "round"))]
FUNCTIONS: dict[str, Callable[..., Any]] = {name: getattr(engine, name) for name in NAMES}
FUNCTIONS |= {name: _picking(FUNCTIONS[name]) for name in ("softmax", "log_softmax")}
FUNCTIONS["abs"] = _folding(abs)
