"""The backward pass as plain Python: one line per edge, in the user's own names.

The program needs nothing of ours, gives the gradients that `backward()` gives, to the bit, and can
be stepped through with any debugger, since it has neither loops nor calls.
"""

import builtins
import linecache
import re
import weakref
from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from os import PathLike
from pathlib import Path
from types import FunctionType
from typing import Any

from engine.core import ops
from engine.core.graph import topological
from engine.core.modes import numeric_mode, recording
from engine.core.operation import Operation
from engine.core.origins import place_of
from engine.core.value import Value
from engine.stepping.run import Run
from engine.wording.names import identifiers
from engine.wording.notation import PLAIN, Term
from engine.wording.numbers import shorten

__all__ = ["to_source", "unroll"]

WIDE = 64  # operands; past that a derivative is not written out
_OPERAND = re.compile("\0(y|[0-9]+)\0")  # stands for an operand (or y) until its name is known
_serial = count(1)


def to_source(run: Run, path: str | PathLike[str] | None = None) -> str:
    """The pass of a run as a Python program that runs by itself, written to `path` if one is given.

    First all nodes with their data, then a line for each edge, and at the end the gradients that
    were there before are added and all are printed.

    >>> x, w = Value(0.5, "x"), Value(4.0, "w")
    >>> y = x * w
    >>> print(to_source(y.trace_backward()))
    '''...
    x.grad += 4.0 * y.grad                        # y = x * w, d y / d x = w...
    w.grad += 0.5 * y.grad                        # y = x * w, d y / d w = x...
    """
    names = identifiers(reversed(run.nodes))
    source = "\n".join([*_begin(run, names), *_edges(run, names), *_end(run, names)])
    if path is not None:
        Path(path).write_text(source, encoding="utf-8", newline="\n")
    return source


def unroll(run: Run) -> FunctionType:
    """The same, compiled: a function to step through with a debugger, though there is no file.

    `pdb.runcall(unroll(run))`, or `s` at a call of it, stops at its first line. Its nodes are in
    its `__globals__`. It changes no gradient of the graph.

    >>> x = Value(3.0, "x")
    >>> backward = unroll((x * x).trace_backward())
    >>> backward()
    >>> backward.__globals__["x"].grad
    6.0
    """
    source = to_source(run)
    # debuggers take only an absolute path for a place to stop at
    path = next(p for i in _serial if not (p := Path.cwd() / f"backward-{i}.py").exists())
    file = str(path)
    code = compile(source, file, "exec", dont_inherit=True).replace(co_name="backward")
    linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
    function = FunctionType(code, {"__name__": "backward", "__builtins__": builtins})
    weakref.finalize(function, linecache.cache.pop, file, None)
    return function


# --- the program ---------------------------------------------------------------------------------
def _begin(run: Run, names: dict[Value, str]) -> list[str]:
    root = names[run.root]
    lines = [
        f"'''Backpropagation from {root}, unrolled: run it, or step through it in a debugger.'''",
        "",
        "from math import inf, nan",
        "from types import SimpleNamespace as Node",
        "",
        "# What the forward pass computed.",
    ]
    start = 0.0 if any(run._earlier) else None
    for node, earlier in zip(reversed(run.nodes), reversed(run._earlier), strict=True):
        if node.op is ops.CONSTANT and node is not run.root:
            continue
        grad = earlier if start is None else start  # as backward() has it: 0, with its sign
        line = f"{names[node]} = Node(data={node.data!r}, grad={grad!r})"
        lines.append(_commented(line, _made(node, names) if node.parents else _place(node)))
    return [*lines, "", "# Each node hands its gradient on, times a derivative.", *_seed(run, root)]


def _seed(run: Run, root: str) -> list[str]:
    return [_commented(f"{root}.grad = {run.seed!r}", "the gradient of the output itself")]


def _edges(run: Run, names: dict[Value, str]) -> list[str]:
    lines = []
    last: Value | None = None
    for step in run:
        node, x = step.node, names[step.parent]
        if node is not last:
            last, y, made, place = node, names[node], _formula(node, names, 30), _place(node)
            slopes = _slopes(node)
        slope = _filled(slopes[step.position], node, names) if slopes else ""
        about = f"{made}, d {y} / d {x} = {slope}" if slope else made
        lines.append(_commented(f"{x}.grad += {step.local!r} * {y}.grad", f"{about}{place}"))
    return lines


def _end(run: Run, names: dict[Value, str]) -> list[str]:
    lines = []
    if any(run._earlier):
        lines += ["", "# What was in .grad before."]
        for node, earlier in zip(run.nodes, run._earlier, strict=True):
            if node is run.root or (earlier and node.op is not ops.CONSTANT):
                lines.append(f"{names[node]}.grad += {earlier!r}")
    return [
        *lines,
        "",
        "if __name__ == '__main__':",
        "    shown = {k: v.grad for k, v in globals().items() if isinstance(v, Node)}",
        "    print(*(f'{k}.grad = {grad!r}' for k, grad in shown.items()), sep='\\n')",
        "",
    ]


def _commented(line: str, about: str) -> str:
    """A line with a comment behind it, out of which nothing breaks."""
    about = "".join(c if c.isprintable() else "?" for c in about).strip()
    return f"{line:<44}  # {about}" if about else line


def _place(node: Value) -> str:
    origin = place_of(node)
    return "" if origin is None else f"  {origin}"


def _made(node: Value, names: dict[Value, str]) -> str:
    return _formula(node, names) + _place(node)


# --- formulas ------------------------------------------------------------------------------------
def _formula(node: Value, names: dict[Value, str], width: int = 60) -> str:
    """How a node came about: `n = x * w`."""
    op: Any = node.op
    if len(node.parents) > WIDE:
        return f"{names[node]} = {op.name} of {len(node.parents):,} nodes"
    return f"{names[node]} = {_filled(_template(op, _numbers(node)), node, names, width)}"


def _filled(template: str, node: Value, names: dict[Value, str], width: int = 60) -> str:
    known = {str(i): names[p] for i, p in enumerate(node.parents) if p in names}
    known["y"] = names[node]

    def named(match: re.Match[str]) -> str:
        return known.get(match[1], "?")  # an operation's own name may hold anything

    return shorten(_OPERAND.sub(named, template), width)


def _numbers(node: Value) -> tuple[float | None, ...]:
    """The operands that are numbers of the source; a formula is the same for all other ones."""
    return tuple([p.data if p.op is ops.CONSTANT else None for p in node.parents])


@lru_cache(maxsize=1024)
def _template(op: Operation, numbers: tuple[float | None, ...]) -> str:
    operands = [
        Term(f"\0{i}\0", PLAIN) if x is None else PLAIN.value(x) for i, x in enumerate(numbers)
    ]
    return _in_python(_apply(op, operands).text)


def _slopes(node: Value) -> Sequence[str]:
    """The formulas of a node's derivatives; none where they are not to be had."""
    op: Any = node.op
    if len(node.parents) > WIDE and op is not ops.dot:
        return ()
    if op.numeric is op.partials and not op.slopes:  # of the user's own, which may look at numbers
        return _derived(op, _numbers(node), node.data, *[p.data for p in node.parents])
    return _known(op, _numbers(node))


@lru_cache(maxsize=1024)
def _known(op: Operation, numbers: tuple[float | None, ...]) -> Sequence[str]:
    return _derived(op, numbers, 1.0, *[1.0 if x is None else x for x in numbers])


def _derived(op: Any, numbers: Sequence[float | None], y: float, *xs: float) -> Sequence[str]:
    """What the partials of a row make of stand-ins for the operands is a graph, and is read."""
    out = Value(y)
    inputs = [Value(x) if n is None else n for n, x in zip(numbers, xs, strict=True)]
    terms = {each: Term(f"\0{i}\0", PLAIN) for i, each in enumerate(inputs) if numbers[i] is None}
    terms[out] = Term("\0y\0", PLAIN)
    try:
        with numeric_mode("ieee"), recording:
            slopes = op.partials(out, *inputs)
    except ArithmeticError:  # of an operation of one's own
        return ()
    return [_in_python(_read(slope, terms)) for slope in slopes]


def _read(slope: Any, terms: dict[Any, Term]) -> str:
    if not isinstance(slope, Value):
        return "" if slope is None else PLAIN.value(float(slope)).text
    for each in topological(slope):
        if each not in terms:
            operands = [terms[parent] for parent in each.parents]
            made = each.op if each.op is not None and operands else None
            terms[each] = _apply(made, operands) if made else PLAIN.value(each.data)
    return terms[slope].text


def _apply(op: Operation, operands: Sequence[Term]) -> Term:
    try:
        return PLAIN.apply(op, operands)
    except ValueError:  # a name of one's own that cannot be filled in
        return Term(f"{op.name}({', '.join(each.text for each in operands)})", PLAIN)


def _in_python(text: str) -> str:
    return text.replace("×", "*").replace("·", "*")
