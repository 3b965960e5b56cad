"""Makes a function of a step out of an expression that was typed at the debugger's prompt.

Python parses the text. Only arithmetic, comparisons and names are taken from the syntax tree: what
was typed is never executed. The function never raises: a division by zero gives inf or nan.
"""

import ast
import operator
import re
from collections.abc import Callable
from functools import partial
from math import inf, isfinite, isinf, isnan, nan
from typing import Any, NamedTuple

from engine.core.numerics import divide
from engine.core.operation import floats
from engine.core.value import Value
from engine.stepping.steps import Step
from engine.wording.terminal import OPERATORS, Mistake, parsed

LONGEST = 250  # characters: the tree is never too deep for recursion, and no number overflows

Find = Callable[[str], Value | None]  # the node of a name
Hint = Callable[[str], str]  # what a message adds about a name that is not known


class Read(NamedTuple):
    """An expression: its kind ("number", "node" or "text"), and its value at a step."""

    kind: str
    at: Callable[[Step], Any]


FIELDS = {name: Read("node", operator.attrgetter(name)) for name in ("node", "parent")}
FIELDS["edge"] = Read("number", lambda step: step.index + 1)  # as the debugger counts them
_FLOATS = ("index", "position", "upstream", "local", "contribution", "before", "after")
FIELDS |= {name: Read("number", operator.attrgetter(name)) for name in _FLOATS}
_KNOWN: tuple[Callable[..., Any], ...] = (abs, isfinite, isinf, isnan, max, min)
FUNCTIONS = {function.__name__: function for function in _KNOWN}
_TAKES_MORE = {"max", "min"}
_NUMBERS = {"inf": inf, "nan": nan}
_OF_A_NODE: dict[str, tuple[str, Callable[[Value], Any]]] = {
    "data": ("number", lambda node: node.data),
    "grad": ("number", lambda node: node.grad),
    "op": ("text", lambda node: node.op.name if node.op else ""),
    "label": ("text", lambda node: node.label or ""),
}
_ARITHMETIC = OPERATORS | {
    ast.Div: lambda a, b: divide(float(a), float(b)),
    ast.Mod: lambda a, b: a % b if b else nan,
    ast.Pow: lambda a, b: floats.pow(float(a), float(b)),
    ast.Not: operator.not_,
}
del _ARITHMETIC[ast.FloorDiv]
_COMPARISONS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Is: operator.eq,  # nodes are equal by identity
    ast.IsNot: operator.ne,
    ast.In: lambda a, many: a in many,
    ast.NotIn: lambda a, many: a not in many,
}


def read(source: str, find: Find, hint: Hint = lambda name: "") -> Read:
    """Read an expression over the fields of a step and the nodes that `find` knows by name.

    Raises Mistake, with the place in the source, for what it does not understand.

    >>> w = Value(3.0, "w")
    >>> condition = read("abs(contribution) > 2 and parent is w", {"w": w}.get)
    >>> [condition.at(step) for step in (w * 2.0).backward_steps()]
    [False]
    >>> [condition.at(step) for step in (w * 4.0).backward_steps()]
    [True]
    """
    source = source.strip()
    if len(source) > LONGEST:
        raise Mistake(f"that is too long for a condition, which has at most {LONGEST} characters")
    try:
        tree = parsed(source)
    except Mistake:
        if found := re.search("(?<![=<>!])=(?!=)", source):
            message = "= sets a variable, which cannot be done here; == compares"
            raise Mistake(message, source, *found.span()) from None
        raise
    return _Reader(source, find, hint).read(tree)


def _call(function: Callable[..., Any], *parts: Callable[[Step], Any]) -> Read:
    """A function of numbers, where each part gives one of the numbers."""
    return Read("number", lambda step: function(*[part(step) for part in parts]))


def _either(decisive: bool, *values: Any) -> Any:
    """`or` and `and`: the first value whose truth is the decisive one, or else the last."""
    return next((value for value in values if bool(value) is decisive), values[-1])


class _Reader:
    def __init__(self, source: str, find: Find, hint: Hint) -> None:
        self.source, self.find, self.hint = source, find, hint

    def read(self, tree: ast.expr) -> Read:
        """A piece of syntax as a Read. Only what is listed here is allowed."""
        written = ast.get_source_segment(self.source, tree)
        node = self.find(f"({written})") or self.find(f"{written}")
        if node is not None and isinstance(tree, ast.BinOp | ast.Call | ast.UnaryOp):
            return Read("node", lambda step: node)  # one that is called by its expression
        match tree:
            case ast.Constant(bool() | int() | float() as number):
                constant = number if isinstance(number, bool) else float(number)
                return Read("number", lambda step: constant)
            case ast.Constant(str(text)):
                return Read("text", lambda step: text)
            case ast.Name() | ast.Attribute() | ast.Subscript():
                return self._named(tree)
            case ast.BinOp(left, symbol, right) if type(symbol) in _ARITHMETIC:
                return _call(_ARITHMETIC[type(symbol)], self._number(left), self._number(right))
            case ast.UnaryOp(symbol, operand) if type(symbol) in _ARITHMETIC:
                return _call(_ARITHMETIC[type(symbol)], self._number(operand))
            case ast.BoolOp(symbol, operands):
                decisive = isinstance(symbol, ast.Or)
                return _call(partial(_either, decisive), *map(self._number, operands))
            case ast.Compare(left, symbols, rights):
                sides = zip([left, *rights], symbols, rights, strict=False)
                pairs = [self._pair(a, type(symbol), b) for a, symbol, b in sides]
                return _call(lambda *found: all(found), *pairs)
            case ast.Call(ast.Name(name), arguments, []) if name in FUNCTIONS:
                parts = [self._number(argument) for argument in arguments]
                if len(parts) < 2 if name in _TAKES_MORE else len(parts) != 1:
                    takes = "two numbers or more" if name in _TAKES_MORE else "one number"
                    raise self._mistake(tree, f"{name} takes {takes}, got {len(parts)}")
                return _call(FUNCTIONS[name], *parts)
        known = f"arithmetic, comparisons, and, or, not and {', '.join(FUNCTIONS)}"
        raise self._mistake(tree, f"a condition knows {known}; this is something else")

    def _mistake(self, tree: ast.expr, message: str) -> Mistake:
        return Mistake.at(tree, self.source, message)

    def _number(self, tree: ast.expr) -> Callable[[Step], Any]:
        kind, at = self.read(tree)
        if kind == "node":
            name = ast.unparse(tree)
            raise self._mistake(tree, f"{name} is a node; write {name}.grad or {name}.data")
        if kind != "number":
            raise self._mistake(tree, "this is a text, and a number is needed")
        return at

    def _named(self, tree: ast.expr) -> Read:
        """A field of the step, a node by its name, or an attribute of a node."""
        name = ast.unparse(tree).removeprefix("step.")
        if name in FIELDS:
            return FIELDS[name]
        if name in _NUMBERS:
            return Read("number", lambda step: _NUMBERS[name])
        node = self.find(name)  # L0.N3.w2 is one name, and so is xs[0]
        if node is not None:
            return Read("node", lambda step: node)
        if isinstance(tree, ast.Attribute) and (owner := self._node(tree.value)).kind == "node":
            if tree.attr not in _OF_A_NODE:
                known = ", ".join(_OF_A_NODE)
                raise self._mistake(tree, f"a node has {known} here, and no {tree.attr!r:.60}")
            kind, get = _OF_A_NODE[tree.attr]
            return Read(kind, lambda step: get(owner.at(step)))
        raise self._mistake(tree, f"there is no {name!r} here{self.hint(name)}")

    def _node(self, tree: ast.expr) -> Read:
        """A piece of syntax as a Read, where a text stands for the node of that name."""
        if not (isinstance(tree, ast.Constant) and isinstance(tree.value, str)):
            return self.read(tree)
        node = self.find(tree.value)
        if node is None:
            raise self._mistake(tree, f"no node is called {tree.value!r}{self.hint(tree.value)}")
        return Read("node", lambda step: node)

    def _pair(self, left: ast.expr, symbol: type[ast.cmpop], right: ast.expr) -> Any:
        """Two neighbours in a chain of comparisons, as a function of a step."""
        compare = _COMPARISONS[symbol]
        if issubclass(symbol, ast.Lt | ast.LtE | ast.Gt | ast.GtE):
            return _call(compare, self._number(left), self._number(right)).at
        others = right.elts if isinstance(right, ast.Tuple | ast.List | ast.Set) else [right]
        several = issubclass(symbol, ast.In | ast.NotIn)
        if several and others == [right]:
            raise self._mistake(right, "after `in` there are several, such as (w, b)")
        sides = [self.read(each) for each in (left, *others)]
        if any(side.kind == "node" for side in sides):
            sides = [self._node(each) for each in (left, *others)]
        kinds = dict.fromkeys(side.kind for side in sides)
        if len(kinds) > 1:
            unlike = " and a ".join(kinds)
            raise self._mistake(left, f"a {unlike} are never the same; say what of the node")
        if several:
            return _call(lambda a, *many: compare(a, many), *[side.at for side in sides]).at
        return _call(compare, *[side.at for side in sides]).at
