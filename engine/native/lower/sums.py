"""Chains of additions as one instruction or as a few: `dot` for products, `sum` for many terms."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import Any

from engine.native.lower.blocks import kind
from engine.native.lower.plan import Tape

LEAST = 8  # terms of a sum that is one instruction
MIXED = 4  # products with weights that are taken out of a mixed sum
DEPTH = 64  # additions that are written again one by one
SUMS = {"add", "sub", "dot"}
# What is never -0, as a term of a sum whose zeros were left out.
UNSIGNED = {"const", "abs", "exp", "relu", "sigmoid", "softplus", "equal", "step", "share"}

# An instruction by its number, a constant, or an operation on other expressions: ("mul", 7, 0.5).
Expression = Any


class Written:
    """A tape as it was written, as rules look at it.

    Attributes:
        readers: how many read an instruction; an output has one more.
        wanted: what has to be computed, as far as the rules have come.
        kept: additions that stay as they are.
        totals: outputs that are added up over the rows. relu: by what it takes, where it is.
    """

    def __init__(self, tape: Tape, totals: bool) -> None:
        self.tape = tape
        self.readers: Counter[int] = Counter([*chain.from_iterable(tape.args), *tape.outputs])
        self.totals: set[int] = set(tape.outputs if totals else ())
        self.wanted: set[int] = set(tape.outputs)
        self.kept: set[int] = set()
        self._parts = dict[int, set[int]]()
        found = [i for i, op in enumerate(tape.ops) if op == "relu"]
        self.relu: dict[int, int] = {tape.args[i][0]: i for i in found}

    def want(self, expression: Expression) -> None:
        """What an expression reads has to be computed."""
        for each in expression[1:] if expression.__class__ is tuple else (expression,):
            if each.__class__ is int:
                self.wanted.add(each)
            elif each.__class__ is tuple:
                self.want(each)

    def gated(self, i: int, total: bool) -> tuple[int, int] | None:
        """The factors of a product that need not stand behind its condition.

        It need not where one factor does already, and is 0 where the condition fails; and where
        the other one is part of the sum whose sign is the condition: were it nan, that would be nan
        too. (If it is infinite, the product may be nan, and Program computes it as it was written.)
        In a total, a factor may be the condition itself: so a row adds to its place in a table.
        """
        ops, args, numbers = self.tape.ops, self.tape.args, self.tape.numbers
        if ops[i] != "select" or numbers.get(args[i][2]) != 0.0:
            return None
        test, product, _ = args[i]
        if total and ops[test] == "equal":
            return product, test
        if ops[product] == "mul" and self.readers[product] == 1:
            for a, b in (args[product], args[product][::-1]):
                zero = args[a][2] if ops[a] == "select" and args[a][0] == test else -1
                if numbers.get(zero) == 0.0 and b in self._within(test):
                    return a, b
        return None

    def _within(self, test: int) -> set[int]:
        """What a sum is made of, if its sign is the test."""
        if test not in self._parts:
            step = self.tape.ops[test] == "step"
            terms = _Chain(self, self.tape.args[test][0]).terms() if step else []
            self._parts[test] = {x for term in terms for x in term[1:] if x.__class__ is int}
        return self._parts[test]


# --- sums -----------------------------------------------------------------------------------------
# What a sum adds up, one of these:
#   ("plus", term), ("minus", what is subtracted)
#   ("param", product, weight, factor), ("uniform", ...): the weight is the same for all rows
#   ("product", product, factor, factor): any other product
Term = tuple[Any, ...]


def raised_sum(written: Written, i: int) -> Expression | None:
    """A chain of additions as one instruction, or as a few."""
    tape, op, args = written.tape, written.tape.ops[i], written.tape.args[i]
    if i in written.kept or (op == "dot" and all(map(tape.varying.__getitem__, args))):
        return None
    if op == "dot" and (n := len(args) // 2) > 1:
        ws, xs, bias = args[:n], args[n : 2 * n], args[2 * n :]
        if tape.varying[ws[0]]:
            ws, xs = xs, ws
        if {tape.ops[w] for w in ws + bias} == {"param"} and all(map(tape.varying.__getitem__, xs)):
            return None if ws == args[:n] else ("dot", *ws, *xs, *bias)  # most are like that
    chain = _Chain(written, i)
    terms = chain.terms()
    some = [term for term in terms if term[0] != "plus" or tape.numbers.get(term[1]) != 0.0]
    products = Counter([term[0] for term in some if len(term) == 4])
    answer = None
    if products.total() >= (1 if op == "dot" or len(some) < len(terms) else 2):
        answer = _dots(tape, some, products, len(some) == len(terms))
    else:
        plus = [_name(tape, term[1]) for term in some if term[0] == "plus"]
        if op != "dot" and UNSIGNED.isdisjoint(plus):
            some = terms  # 0 + -0 is 0
        if op == "dot" or len(some) < len(terms) or len(some) >= LEAST:
            answer = _added(some)
    if answer is None or answer == (op, *args):
        written.kept.update(chain.additions)
        return None
    return answer


class _Chain:
    """Additions that end in one.

    One operand of an addition may be such a chain itself, if nobody else reads it. The other one is
    a term, so that partial sums are those that were written.
    """

    def __init__(self, written: Written, i: int) -> None:
        self.written, self.tape, self.end = written, written.tape, i
        self.varying = self.tape.varying[i]
        self.additions = list[int]()

    def terms(self) -> list[Term]:
        """What is added up, in its order."""
        terms, ops, at = list[Term](), self.tape.ops, self.end
        readers, varying = self.written.readers, self.tape.varying
        while at >= 0:
            self.additions.append(at)
            op, args = ops[at], self.tape.args[at]
            if op == "dot":
                n = len(args) // 2
                pairs = [*zip(args[:n], args[n : 2 * n], strict=True)]
                terms += [self._product(("mul", *pair), *pair) for pair in reversed(pairs)]
                args = args[2 * n :]  # a dot starts with its bias
            minus = op == "sub"
            at = -1
            for x in args[: 1 if minus else 2]:
                if ops[x] in SUMS and readers[x] == 1 and varying[x] == self.varying:
                    at = x
                    break
            for x in args[::-1]:
                if x != at:
                    terms.append(self._term(x, minus))
                minus = False
        return terms[::-1]

    def _term(self, x: int, minus: bool) -> Term:
        written = self.written
        if written.readers[x] == 1:
            op, args = self.tape.ops[x], self.tape.args[x]
            factors = args if op == "mul" else None
            if op == "select":
                total = written.readers[self.end] == 1 and self.end in written.totals
                factors = written.gated(x, total)
            if op == "pow" and self.tape.numbers.get(args[1]) == 2.0:
                factors = args[0], args[0]
            if factors:
                return self._product(x, factors[0], factors[1], minus)
        return "minus" if minus else "plus", x

    def _product(self, whole: Expression, a: int, b: int, minus: bool = False) -> Term:
        """The term of a product, its weight first if it has one."""
        tape = self.tape
        if tape.varying[a] and not tape.varying[b]:
            a, b = b, a
        if tape.ops[a] == "param" and self.varying and tape.varying[b] and not minus:
            return "param", whole, a, b
        one, fixed = tape.numbers.get(a), not tape.varying[a]
        if one is not None and abs(one) == 1.0:
            return self._term(b, minus != (one < 0.0))
        # what is the same for all rows is computed once; and x*y - y*x is 0 as both are rounded
        if tape.varying[b] != self.varying or (minus and not fixed):
            return "minus" if minus else "plus", whole
        where = "product"
        if fixed and self.varying and one is None:
            where = "uniform" if minus else kind(tape, a)
        return (where, ("neg", whole), ("neg", a), b) if minus else (where, whole, a, b)


def _dots(tape: Tape, terms: list[Term], products: Counter[str], biased: bool) -> Expression | None:
    """A `dot` of all products; where there are several with weights, one of those by themselves.

    Arguments:
        biased: whether the sum may start with a term that is no product.
    """
    total = products.total()
    apart = [k for k in ("param", "uniform") if products[k] >= min(total, MIXED)]
    groups = dict[str, list[Term]]()
    for term in terms:
        if len(term) == 4:
            groups.setdefault(term[0] if term[0] in apart else "product", []).append(term)
    early = terms[: 2 if total == 1 and terms[0][0] != "minus" else 1]
    bias = next((t for t in early if t[0] == "plus" and t[1].__class__ is int), None)
    wheres = {"product"} if bias is None else {"product", kind(tape, bias[1])}
    if not biased or len(groups) > 1 or wheres.isdisjoint(groups):
        bias = None
    parts: list[Term] = []
    for term in reversed(terms):  # each dot stands where the last of its products stood
        if term is bias:
            continue
        if len(term) < 4:
            parts.append(term)
        elif group := groups.pop(term[0] if term[0] in apart else "product", None):
            _, wholes, a, b = zip(*group, strict=True)
            dot = ("dot", *a, *b, *(() if bias is None else bias[1:]))
            # 0 + a*b is a dot too
            product = len(group) == 1 and biased and not bias
            parts.append(("plus", wholes[0] if product else dot))
    return _added(parts[::-1])


def _added(terms: list[Term]) -> Expression | None:
    """The sum of terms as they are, or None where they are too many to be written again."""
    if len(terms) >= LEAST and all(term[0] != "minus" for term in terms):
        return "sum", *[term[1] for term in terms]
    if len(terms) > DEPTH:
        return None
    answer: Expression = None
    for where, whole, *_ in terms:
        if answer is None:
            answer = ("neg", whole) if where == "minus" else whole
        else:
            answer = ("sub" if where == "minus" else "add", answer, whole)
    return answer


def _name(tape: Tape, expression: Expression) -> str:
    """The operation of an expression."""
    return str(expression[0] if expression.__class__ is tuple else tape.ops[expression])
