"""The backward pass as a Python program: one line for each edge, with the user's names.

The program imports nothing of this package and gives the gradients of `backward()` to the bit. It
has no loops and no calls, so any debugger can step through it line by line.
"""

import builtins
import linecache
import weakref
from itertools import count
from pathlib import Path
from types import FunctionType
from typing import Any

from engine.core.value import Value, is_constant
from engine.outfile import Target, write
from engine.stepping.run import Run
from engine.wording.names import identifiers, place, shorten
from engine.wording.notation import PLAIN, WIDE, Term, derivatives

__all__ = ["to_source", "unroll"]

Terms = dict[Value, Term]  # how each node is written: its name in the program, or its number
BEGIN = """
from math import inf, nan
from types import SimpleNamespace as Node

# What the forward pass computed."""
END = r"""
if __name__ == '__main__':
    shown = {k: v.grad for k, v in globals().items() if isinstance(v, Node)}
    print(*(f'{k}.grad = {grad!r}' for k, grad in shown.items()), sep='\n')
"""
_serial = count(1)


def to_source(run: Run, path: Target = None) -> str:
    """The pass of a run as a Python program that runs by itself; or written to `path`.

    With a path, it returns that.
    The program has a line for each node, with its data, and then a line for each edge. At the end
    it adds the gradients from before the run, and prints all gradients.

    >>> x, w = Value(0.5, "x"), Value(4.0, "w")
    >>> y = x * w
    >>> print(to_source(y.trace_backward()))
    '''...
    x.grad += 4.0 * y.grad                        # y = x * w, d y / d x = w...
    w.grad += 0.5 * y.grad                        # y = x * w, d y / d w = x...
    """
    numbers = {node for node in run.nodes if is_constant(node) and node is not run.root}
    names = identifiers(reversed(run.nodes))
    terms = {n: PLAIN.value(n.data) if n in numbers else Term(names[n], PLAIN) for n in names}
    source = "\n".join([*_begin(run, terms), *_edges(run, terms), *_end(run, terms)])
    return write("to_source", "py", path, source)


def unroll(run: Run) -> FunctionType:
    """The pass of a run as a function that a debugger can step through, though it has no file.

    The function is the program of `to_source`, compiled. `pdb.runcall(unroll(run))` stops at its
    first line; so does `s` at a call of it. Its nodes are in its `__globals__`. No gradient of the
    graph changes.

    >>> x = Value(3.0, "x")
    >>> backward = unroll((x * x).trace_backward())
    >>> backward()
    >>> backward.__globals__["x"].grad
    6.0
    """
    source = to_source(run)
    # an absolute path, since debuggers stop in no other file
    path = next(p for i in _serial if not (p := Path.cwd() / f"backward-{i}.py").exists())
    file = str(path)
    code = compile(source, file, "exec", dont_inherit=True).replace(co_name="backward")
    linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
    function = FunctionType(code, {"__name__": "backward", "__builtins__": builtins})
    weakref.finalize(function, linecache.cache.pop, file, None)
    return function


# --- the program ---------------------------------------------------------------------------------
def _begin(run: Run, terms: Terms) -> list[str]:
    root = terms[run.root].text
    how = "unrolled: run it, or step through it in a debugger."
    lines = [f"'''Backpropagation from {root}, {how}'''", *BEGIN.split("\n")]
    begun = run._reached if any(run._earlier) else ()  # these begin at 0, as in backward()
    for node, earlier in zip(reversed(run.nodes), reversed(run._earlier), strict=True):
        if is_constant(node) and node is not run.root:
            continue
        grad = 0.0 if node in begun else earlier
        line = f"{terms[node].text} = Node(data={node.data!r}, grad={grad!r})"
        lines.append(_commented(line, (_made(node, terms) if node.parents else "") + place(node)))
    seed = _commented(f"{root}.grad = {run.seed!r}", "the gradient of the output itself")
    return [*lines, "", "# Each node hands its gradient on, times a derivative.", seed]


def _edges(run: Run, terms: Terms) -> list[str]:
    lines = []
    last: Value | None = None
    for step in run:
        lines += _hooks(run, step.index, terms)
        node, x = step.node, terms[step.parent].text
        if node is not last:
            last, y, made, where = node, terms[node].text, _made(node, terms, 30), place(node)
            formulas = [_in_python(each) for each in derivatives(node, terms.__getitem__)]
        formula = formulas[step.position] if formulas else ""
        about = f"{made}, d {y} / d {x} = {formula}" if formula else made
        lines.append(_commented(f"{x}.grad += {step.local!r} * {y}.grad", f"{about}{where}"))
    return lines + _hooks(run, len(run), terms)


def _hooks(run: Run, position: int, terms: Terms) -> list[str]:
    found = [(terms[node].text, changed) for node, _, changed in run.hooked.get(position, ())]
    return [_commented(f"{name}.grad = {grad!r}", "as its hooks leave it") for name, grad in found]


def _end(run: Run, terms: Terms) -> list[str]:
    lines = []
    if any(run._earlier):
        lines += ["", "# What was in .grad before."]
        for node, earlier in zip(run.nodes, run._earlier, strict=True):
            wanted = earlier and node in run._reached and not is_constant(node)
            if wanted or node is run.root:
                lines.append(f"{terms[node].text}.grad += {earlier!r}")
    return [*lines, *END.split("\n")]


# --- its comments --------------------------------------------------------------------------------
def _commented(line: str, about: str) -> str:
    """A line of code with a comment behind it, in one line whatever the comment holds."""
    about = "".join(c if c.isprintable() else "?" for c in about).strip()
    return f"{line:<44}  # {about}" if about else line


def _made(node: Value, terms: Terms, width: int = 60) -> str:
    """How a node was made, in Python: `n = x * w`."""
    op: Any = node.op
    if len(node.parents) > WIDE:
        made = f"{op.name} of {len(node.parents):,} nodes"
    else:
        made = _in_python(PLAIN.apply(op, [terms[p] for p in node.parents]), width)
    return f"{terms[node].text} = {made}"


def _in_python(formula: Term | None, width: int = 60) -> str:
    return "" if formula is None else shorten(formula.text.replace("×", "*"), width)
