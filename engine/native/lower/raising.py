"""Scalar code raised to what it stands for: sums of products to `dot`, formulas to their rows.

A rule is a row of RULES. It looks at an instruction and at what that is made of, and answers with
an expression for the same number: equal in exact arithmetic, and never less accurate. Nothing is
computed twice for it, since a rule takes in only what nobody else reads. Additions keep the order
in which they were written.

At the end of the range of doubles, a result may be finite where a step on the way overflowed. It
may also be infinite or nan where what was written is not: products with weights, say, are added up
by themselves, and that may overflow. Program then computes it again as it was written.
"""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Callable
from math import frexp
from typing import Any

from engine.native.lower.plan import Tape
from engine.native.lower.sums import SUMS, Expression, Written, raised_sum


def raise_tape(tape: Tape, totals: bool) -> Tape:
    """The tape with what the rules find in its place, and without what nobody reads any more.

    Arguments:
        totals: the outputs are to be added up over the rows.
    """
    written, found = Written(tape, totals), dict[int, Expression]()
    ops = {op.partition("@")[0] for op in set(tape.ops)}  # behind an @: a row without a formula
    there = ops.union(tape.numbers.values())
    rules = {op: [rule for needs, rule in RULES[op] if needs <= there] for op in ops & {*RULES}}
    for i in reversed(range(len(tape.ops))):
        if i in written.wanted:
            for rule in rules.get(tape.ops[i], ()):
                if (expression := rule(written, i)) is not None:
                    found[i] = expression
                    written.want(expression)
                    break
            else:
                written.wanted.update(tape.args[i])
    return _rewritten(tape, written.wanted, found)


def _rewritten(tape: Tape, wanted: set[int], found: dict[int, Expression]) -> Tape:
    new, at = Tape(), [-1] * len(tape.ops)

    def put(expression: Expression) -> int:
        if expression.__class__ is int:
            return at[expression]
        if expression.__class__ is float:
            return new.const(expression)
        inside = [at[x] if x.__class__ is int else put(x) for x in expression[1:]]
        return new.put(expression[0], tuple(inside))

    new.called = tape.called
    new.written = tape if found else None
    for i, op in enumerate(tape.ops):
        if i in tape.position:
            at[i] = new.leaf(op, tape.position[i])
        elif i not in wanted:
            continue
        elif i in found:
            at[i] = put(found[i])
            if (name := _main(found[i])) != op and name in RAISED:
                new.raised[name] += 1
        elif args := tape.args[i]:
            at[i] = new.keep(op, tuple(map(at.__getitem__, args)))
        else:
            at[i] = new.const(tape.numbers[i])
    new.outputs = [at[i] for i in tape.outputs]
    return new


def _main(expression: Expression) -> str:
    """The operation of an expression, or of what it adds something to."""
    while expression.__class__ is tuple and expression[0] in ("add", "sub"):
        expression = expression[1]
    return str(expression[0]) if expression.__class__ is tuple else ""


# --- formulas -------------------------------------------------------------------------------------
# What is written by hand, and the row that it is. The rows keep their digits in both tails, and do
# not overflow on the way.
FORMULAS = {
    "1 / (1 + exp(-x))": "sigmoid(x)",
    "(1 + exp(-x)) ** -1": "sigmoid(x)",
    "exp(x) / (1 + exp(x))": "sigmoid(x)",
    "x / (1 + exp(-x))": "silu(x)",
    "x * (1 / (1 + exp(-x)))": "silu(x)",
    "x * sigmoid(x)": "silu(x)",
    "log(1 + exp(x))": "softplus(x)",
    "log1p(exp(x))": "softplus(x)",
    "(exp(x) - exp(-x)) / (exp(x) + exp(-x))": "tanh(x)",
    "(exp(2 * x) - 1) / (exp(2 * x) + 1)": "tanh(x)",
    "(1 - exp(-2 * x)) / (1 + exp(-2 * x))": "tanh(x)",
    "2 * sigmoid(2 * x) - 1": "tanh(x)",
    "exp(x) - 1": "expm1(x)",
    "log(1 + x)": "log1p(x)",
    "1 + erf(x)": "2 * normal_cdf(1.4142135623730951 * x)",
    "x ** 2": "x * x",
    "x ** -1": "1 / x",
}
GELUS = "0.5 * x * (1 + {})", "x * (0.5 * (1 + {}))", "0.5 * (x * (1 + {}))", "x * (1 + {}) / 2"
ROOTS = "x / 1.4142135623730951", "x * 0.7071067811865475", "x * 0.7071067811865476"
CUBES = "0.044715 * x ** 3", "0.044715 * (x * x * x)", "0.044715 * x * x * x"
TANHS = [f"tanh(0.7978845608028654 * (x + {cube}))" for cube in CUBES]
FORMULAS |= {whole.format(f"erf({x})"): "gelu(x)" for whole in GELUS for x in ROOTS}
FORMULAS |= {whole.format(part): "gelu_tanh(x)" for whole in GELUS for part in TANHS}
RAISED = {"dot", "sum", *[row.partition("(")[0] for row in FORMULAS.values()]}  # in listings
EITHER = ("add", "mul")  # whose operands may stand in either order
OPERATORS = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.Pow: "pow"}


def _parsed(node: Any) -> Expression:
    """A formula as an expression, with names for what it is of."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.BinOp(left=a, op=op, right=b):
            name, parts = OPERATORS[type(op)], [_parsed(a), _parsed(b)]
            if name in EITHER:  # what is more than a name first: it says soonest that it is not so
                parts.sort(key=lambda part: part.__class__ is str)
            return name, *parts
        case ast.Call(func=ast.Name(id=name), args=args):
            return name, *map(_parsed, args)
        case ast.UnaryOp(operand=ast.Name() as x):
            return "neg", _parsed(x)
    return float(ast.literal_eval(node))


def _matched(tape: Tape, i: int, pattern: Expression, known: dict[Any, int]) -> dict[Any, int]:
    """What the names of a pattern stand for, and each instruction that it takes in by itself;
    nothing where it does not match.
    """
    if pattern.__class__ is float:
        return known if tape.numbers.get(i) == pattern else {}
    if pattern.__class__ is str:
        return known | {pattern: i} if known.get(pattern, i) == i else {}
    op, *parts = pattern
    if tape.ops[i] == op or tape.ops[i].startswith(f"{op}@"):  # a row without a formula
        args = tape.args[i]
        for order in (args, args[::-1]) if op in EITHER else (args,):
            found = known | {i: i}
            for arg, part in zip(order, parts, strict=True):
                if not (found := _matched(tape, arg, part, found)):
                    break
            else:
                return found
    return {}


def _formula(pattern: Expression, row: Expression) -> Rule:
    """The rule that what matches a pattern is a row, if nobody else reads what is in between."""

    def put(expression: Expression, known: dict[Any, int]) -> Expression:
        if expression.__class__ is tuple:
            return expression[0], *[put(each, known) for each in expression[1:]]
        return known[expression] if expression.__class__ is str else expression

    def rule(written: Written, i: int) -> Expression | None:
        found = _matched(written.tape, i, pattern, {})
        if not found:
            return None
        inside = [k for k in found if k.__class__ is int]
        reads = Counter([arg for k in inside for arg in written.tape.args[k]])
        alone = all(written.readers[k] == reads[k] for k in inside if k != i)
        return put(row, found) if alone else None

    return rule


def _needs(pattern: Expression) -> set[str | float]:
    """The operations and the constants in a pattern."""
    if pattern.__class__ is not tuple:
        return {pattern} if pattern.__class__ is float else set()
    return {pattern[0]}.union(*map(_needs, pattern[1:]))


# --- other rules ----------------------------------------------------------------------------------
def _ungated(written: Written, i: int) -> Expression | None:
    """select(test, a * b, 0) as a * b."""
    pair = written.gated(i, i in written.totals and written.readers[i] == 1)
    return ("mul", *pair) if pair else None


def _scaled(written: Written, i: int) -> Expression | None:
    """x / 2**k as x * 2**-k, to the bit."""
    x, by = written.tape.args[i]
    number = written.tape.numbers.get(by, 0.0)
    exact = abs(frexp(number)[0]) == 0.5 and 1e-300 < abs(number) < 1e300
    return ("mul", x, 1.0 / number) if exact else None


def _gate(written: Written, i: int) -> Expression | None:
    """The step of what relu takes, from what it gives: so what it takes need not be stored."""
    ops, args = written.tape.ops, written.tape.args[i]
    if ops[i] == "step":
        given = written.relu.get(args[0], i)
        return ("step", given) if given < i else None
    for step, other in (args, args[::-1]):
        if ops[step] == "step":
            given = written.relu.get(written.tape.args[step][0], i)
            return ("gate", other, given) if given < i else None
    return None


Rule = Callable[[Written, int], Expression | None]
# By operation: rules, and which operations and constants there have to be to find anything.
RULES = defaultdict[str, list[tuple[set[str | float], Rule]]](list)
for _texts in FORMULAS.items():
    _pattern, _row = [_parsed(ast.parse(text, mode="eval").body) for text in _texts]
    RULES[_pattern[0]].append((_needs(_pattern), _formula(_pattern, _row)))
for _op in SUMS:
    RULES[_op].append((set(), raised_sum))
RULES["select"].append((set(), _ungated))
RULES["div"].append((set(), _scaled))
RULES["mul"].append(({"step"}, _gate))
RULES["step"].append(({"relu"}, _gate))
