"""A lowered program, to be read."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, groupby, pairwise
from typing import Any

from engine.core.value import Value
from engine.native.lower import plan
from engine.native.lower.plan import Args, Tape
from engine.native.needs import numpy
from engine.source.text import counted

FEW = 4  # matrices that are named where they are multiplied as one
SHOWN = 8  # instructions of a chunk, and operands of an instruction; the others are "..."
MORE = " more such"
PERIOD = 64  # kernels of a turn of what repeats, at most


def _such(line: str, many: int) -> str:
    """The first of so many of a kind."""
    return f"{line}, and {many - 1}{MORE}" if many > 1 else line


def _runs(forms: Sequence[Any]) -> Iterator[tuple[int, int, int]]:
    """What repeats at least three times in a row: where it begins, its length, and how often."""
    first, many = 0, len(forms)
    while first < many:
        period, times, spare = 1, 1, 0
        for length in range(1, min(PERIOD, (many - first) // 3) + 1):
            end = first + length
            while end < many and forms[end] == forms[end - length]:
                end += 1
            found, more = divmod(end - first, length)
            if found > 2 and found * length > period * times:
                period, times, spare = length, found, more
        # a turn may begin at any of its kernels, and begins with a product where there is one
        ahead = [form[0] is plan.Product for form in forms[first : first + spare + 1]]
        for _ in range(ahead.index(True) if True in ahead else 0):
            yield first, 1, 1
            first += 1
        yield first, period, times
        first += period * times


def _turns(turns: Sequence[Sequence[plan.Kernel]]) -> str:
    """What the turns of a loop are, by what they read of one another."""
    reads = [set(chain(*[kernel.reads for kernel in turn])) for turn in turns]
    writes = [set(chain(*[kernel.writes for kernel in turn])) for turn in turns]
    if not any(map(set.isdisjoint, writes, reads[1:])):
        return "turns, each on what the one before found"
    written = set[int]().union(*writes)
    alone = all(read & written <= own for read, own in zip(reads, writes, strict=True))
    return "places" if alone else "turns"


@dataclass
class Listing:
    """Writes kernels, a few lines each; v12 is the twelfth instruction."""

    tape: Tape
    inputs: Sequence[str]
    parameters: Sequence[Value]
    _rows: dict[int, int] = field(default_factory=dict)  # of the matrix that each comes out of

    def write(self, kernels: Sequence[plan.Kernel]) -> str:
        """All of them, and first what was raised from formulas written by hand."""
        found = self.tape.raised.most_common()
        raised = ", ".join(f"{op} ({many})" for op, many in found)
        lines = [f"raised: {raised}"] if raised else []
        if self.tape.raised.keys() - {"dot", "sum"}:
            lines.append("(finite, too, where a step on the way overflows as it was written)")
        for kernel in kernels:
            if isinstance(kernel, plan.Product):
                for ids in (kernel.ys, *[step.ids for step in kernel.steps]):
                    self._rows |= {i: k % len(kernel.weights) for k, i in enumerate(ids)}
        entries = [[*self._lines(kernel)] for kernel in kernels]
        for first, period, times in _runs([*map(self._form, kernels, entries)]):
            shown = [line for entry in entries[first : first + period] for line in entry]
            if times > 1 and (len(shown) > 1 or MORE in shown[0]):
                turns = [kernels[first + k * period :][:period] for k in range(times)]
                lines.append(f"loop over {times} {_turns(turns)}; the first:")
                lines += [f"  {line}" for line in shown]
            else:
                lines += [_such(line, times) for line in shown]
        return "\n".join(lines)

    def _lines(self, kernel: plan.Kernel) -> Iterator[str]:
        np = numpy()
        match kernel:
            case plan.Product():
                name = self._matrix(kernel.weights) if kernel.kind == "param" else "computed"
                rows, columns = kernel.weights.shape
                down, right = [abs(np.diff(kernel.weights, axis=k)).max(initial=0) for k in (0, 1)]
                turned = 0 < down < right
                weights = f"{name}{'.T' if turned else ''} ({rows} x {columns})"
                bias = "" if kernel.bias is None else " + bias"
                ys, xs = self._list(kernel.ys[:rows]), self._list(kernel.xs[:columns])
                yield _such(f"{ys} = {weights} @ {xs}{bias}", kernel.times)
                yield from (f"  {line}" for line in self._steps(kernel))
            case plan.Map():
                yield from self._steps(kernel)
            case plan.Gather():
                many, size = kernel.positions.T.shape
                table = f"{self._matrix(kernel.positions)} ({many} x {size})"
                yield f"{self._list(kernel.ys)} = row {self._name(kernel.index)} of {table}"
            case plan.Scatter():
                table = f"totals ({len(kernel.a)} x {kernel.into.shape[1]})"
                yield f"{table} at {self._name(kernel.index)} += {self._list(kernel.a)}"
            case plan.Outer():
                a, b = next(kernel.pairs)
                other = "" if b == (plan.ONE,) else f" outer {self._list(b)}"
                totals = f"totals ({len(a)} x {len(b)}) += {self._list(a)}{other}"
                yield _such(totals, kernel.times)
            case plan.Chunk():
                lines = [*self._steps(kernel)]
                yield from lines[:SHOWN]
                interpreted = isinstance(kernel, plan.Interpreted)
                if interpreted or len(lines) > SHOWN:
                    how = ", interpreted: the program has too many such" if interpreted else ""
                    yield f"... ({len(kernel.ids)} instructions in all{how})"

    def _matrix(self, at: Any) -> str:
        """What labels such as W[0][1] and L0.N0.w1 begin with, if that is one name or a few."""
        labels = [self.parameters[k].label or "" for k in at.flat]
        names = dict.fromkeys([re.split(r"[\[.]", label)[0] for label in labels])
        if len(names) > FEW or not all(names):
            return "params"
        return f"[{', '.join(names)}]" if len(names) > 1 else names.popitem()[0]

    def _steps(self, kernel: plan.Map | plan.Chunk) -> Iterator[str]:
        for _, some in groupby(kernel.steps, self._alike):
            first, *others = some
            scores = "" if others else self._scores(first)
            yield scores + _such(self._step(first), 1 + len(others))

    def _form(self, kernel: plan.Kernel, lines: Sequence[str]) -> Any:
        """What is the same where kernels do the same elsewhere: all but their names and numbers."""
        text = re.sub(r"(?<=[A-Za-z_])\d+|(?<=\[)\d+(?=\])", "", "\n".join(lines))
        steps = tuple(map(self._alike, getattr(kernel, "steps", ())))
        return type(kernel), steps, re.sub(r"\[[^][]*\]", "", text.replace("[]", ""))

    def _alike(self, step: plan.Apply) -> Any:
        """What steps have in common that do the same."""
        constants = [self.tape.numbers.get(column[0]) for column in step.columns]
        return step.op, len(step.ids), tuple(map(len, step.columns)), tuple(constants)

    @cached_property
    def _softmaxes(self) -> dict[int, int]:
        """For each number under a softmax, perhaps after a scale or a bias: the maximum or the sum
        that it has in common with the others.
        """
        ops, args, found = self.tape.ops, self.tape.args, dict[int, int]()
        logged = {args[i][0] for i, op in enumerate(ops) if op == "log1p"}
        for i in [i for i, op in enumerate(ops) if op in ("share", "div")]:
            top, under = args[i]
            if ops[top] == "exp_difference" and logged.isdisjoint(args[under]):
                x, under = args[top]
            elif ops[top] == "exp" and top in self._added(under):
                (x,) = args[top]
            else:
                continue
            while ops[x] in ("add", "sub", "mul", "div"):
                varying = [arg for arg in args[x] if self.tape.varying[arg]]
                if len(varying) != 1:
                    break
                (x,) = varying
            found[x] = under
        return found

    def _added(self, i: int) -> set[int]:
        """What is added up, with the additions on the way."""
        found, new = {i}, [i]
        while new:
            if self.tape.ops[i := new.pop()] in ("add", "sum"):
                new += {*self.tape.args[i]} - found
                found.update(self.tape.args[i])
        return found

    def _scores(self, step: plan.Apply) -> str:
        """Whether they are the scores of attention: dots of queries and keys, which come out of
        products with matrices; those of one query are under one softmax.
        """
        half, odd = divmod(len(step.columns), 2)
        long = len(step.columns[0]) != len(step.ids)  # each takes many numbers out of each column
        if step.op != "dot" or odd or long or not self._rows.keys() >= {*chain(*step.columns)}:
            return ""
        sides = step.columns[:half], step.columns[half:]
        pairs = zip(*[zip(*columns, strict=True) for columns in sides], strict=True)
        groups: dict[Any, list[set[Args]]] = defaultdict(list)
        for i, pair in zip(step.ids, pairs, strict=True):
            groups[self._softmaxes.get(i)].append({*pair})
        whole = Counter(self._softmaxes.values())
        if any(whole[under] != len(group) for under, group in groups.items()):
            return ""
        # a query that sees one key alone may be either of the two: it comes where the others do
        places = [
            [tuple(map(self._rows.get, x)) for x in set.intersection(*g)] for g in groups.values()
        ]
        heads = {found[0] for found in places if len(found) == 1}
        queries = Counter([tuple(x for x in found if x in heads) for found in places])
        if {*map(len, queries)} != {1}:
            return ""
        each, keys = [
            " to ".join(map(str, sorted({min(counts), max(counts)})))
            for counts in (queries.values(), [*map(len, groups.values())])
        ]
        query = "query" if each == "1" else "queries"
        return f"attention scores ({counted(len(heads), 'head')} x {each} {query} x {keys} keys): "

    def _step(self, step: plan.Apply) -> str:
        if {*map(len, (step.ids, *step.columns))} == {1}:
            alone = self._list([*chain(*step.columns)])[1:-1]
            return f"{self._name(step.ids[0])} = {step.op}({alone})"
        operands = [
            self._name(column[0]) if len(set(column)) == 1 else self._list(column)
            for column in step.columns
        ]
        return f"{self._list(step.ids)} = {step.op}({', '.join(operands)})"

    def _list(self, ids: Sequence[int]) -> str:
        """All names; a few and "..."; or the first and the last, where they are in order."""
        if len(ids) > 3 and len({b - a for a, b in pairwise(ids)}) == 1:
            return f"[{self._name(ids[0])} .. {self._name(ids[-1])}]"
        names = [self._name(i) for i in ids[:SHOWN]]
        return f"[{', '.join(names + ['...'] * (len(ids) > SHOWN))}]"

    def _name(self, i: int) -> str:
        match self.tape.ops[i]:
            case "const":
                return f"{self.tape.numbers[i]:.6g}"
            case "input":
                return self.inputs[self.tape.position[i]]
            case "param":
                position = self.tape.position[i]
                return self.parameters[position].label or f"p{position}"
        return f"v{i}"
