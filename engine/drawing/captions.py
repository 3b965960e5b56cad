"""What is written on nodes, boxes and arrows, and what they say where the mouse rests."""

import re
from collections import Counter
from collections.abc import Sequence
from math import isfinite

from engine.core.origins import place_of, source_of
from engine.core.value import Value
from engine.drawing.groups import INPUTS
from engine.drawing.style import flags
from engine.drawing.view import View
from engine.wording.names import LONGEST, counted, middle, number, operation, safe, shorten

WIDTH = 24  # of an expression in a node


# --- what is written -----------------------------------------------------------------------------
def words(node: Value, seen: View) -> list[str]:
    """The name of a node, and its operation unless that is to be read in the name."""
    name, expression = seen.name(node), seen.says_how(node)
    if not node.parents or (expression and len(name) <= WIDTH):
        return [name]
    return [seen.name(node, WIDTH) if expression else name, seen.made(node)]


def numbers(node: Value, seen: View, handed: float | None = None) -> list[str]:
    """The lines that say a node's data and its gradient, or what one use of it adds to that."""
    data = f"data {number(node.data)}"
    if not seen.swept:
        return [data]
    if handed is not None:
        return [data, f"grad += {number(handed)}"]
    alarm = " !" if not isfinite(node.grad) or "exploding" in flags(node, seen) else ""
    return [data, f"grad {number(node.grad)}{alarm}"]


def summary(name: str, nodes: Sequence[Value], seen: View) -> list[str]:
    """The lines of a box: its name, what is in it, and how large the gradients in it are."""
    held = Counter(node.op.name for node in nodes if node.op is not None and node.parents)
    most = held.most_common(3 if len(held) > 3 else 4)
    made = [f"{count:,} {op}" for op, count in most]
    made += [f"{held.total() - sum(count for _, count in most):,} more"] * (len(held) > len(most))
    lines = [middle(name), _source(name, nodes[0]), _leaves(name, nodes, seen), ", ".join(made)]
    lines.append(f"{len(nodes):,} values")
    if seen.swept:
        bad = sum("nonfinite" in flags(node, seen) for node in nodes)
        largest = number(max(abs(node.grad) for node in nodes))
        lines.append(f"{bad:,} not finite !" if bad else f"|grad| ≤ {largest}")
    return [line for line in lines if line]


def _source(name: str, node: Value) -> str:
    """The line of source that a box is named by."""
    origin = place_of(node)
    return shorten(source_of(node)) if origin and str(origin) == name else ""


def _leaves(name: str, nodes: Sequence[Value], seen: View) -> str:
    """How many neurons, parameters, inputs and other leaves are in a box."""
    leaves = [node for node in nodes if not node.parents]
    if name == INPUTS:
        return _samples(leaves, seen)
    inner = [(leaf.label or "").removeprefix(f"{name}.") for leaf in leaves]
    units = {steps.partition(".")[0] for steps in inner if "." in steps}
    counts = {"neuron": len(units)} if all(re.fullmatch(r"N\d+", each) for each in units) else {}
    counts |= Counter(seen.kinds[leaf] for leaf in leaves)
    return ", ".join(counted(count, kind) for kind, count in counts.items() if count)


def _samples(inputs: Sequence[Value], seen: View) -> str:
    """How many samples there are: those inputs belong together that one operation takes first."""
    taken: dict[Value, Value] = {}
    wanted = set(inputs)
    for node in seen.nodes:
        taken |= {p: node for p in node.parents if p in wanted and p not in taken}
    sizes = Counter(Counter(taken.values()).values())
    single = sizes.pop(1, 0) if len(sizes) > 1 else 0
    ((size, samples),) = sizes.items() if len(sizes) == 1 else [(1, 1)]
    if samples == 1 or size == 1:
        return ""
    others = f", {counted(single, 'other')}" if single else ""
    return f"{samples:,} samples of {counted(size, 'input')}{others}"


# --- where the mouse rests -----------------------------------------------------------------------
def about_node(node: Value, seen: View) -> str:
    """The formula of a node, its numbers in full and where it was made, in lines.

    >>> from engine.drawing.view import view
    >>> x = Value(0.1, "x")
    >>> y = x * 3
    >>> print(about_node(y, view(y)))
    y = x × 3
    data 0.30000000000000004
    grad 0.0
    made in <doctest engine.drawing.captions.about_node[2]>:1 by x * 3
    """
    lines = [f"data {node.data!r}", f"grad {node.grad!r}"]
    operands = [seen.name(parent) for parent in node.parents]
    formula = operation(node.op, operands) if node.op and operands else ""
    head = f"{seen.name(node)} = {formula}" if formula else seen.name(node)
    if len(node.label or "") > LONGEST:
        lines.insert(0, f"label {safe(str(node.label), 10_000)}")
    origin = place_of(node)
    if origin is not None:
        code = f" by {shorten(origin.code, 200)}" if origin.code else ""
        lines.append(f"made in {origin}{code}")
    return "\n".join([head, *lines])


def about_edge(node: Value, parent: Value, local: float | None, seen: View) -> str:
    """What an arrow says: the local derivative, and how much of the gradient goes along it.

    >>> from engine.drawing.view import view
    >>> x = Value(0.1, "x")
    >>> y = x * 3
    >>> y.backward()
    >>> print(about_edge(y, x, 3.0, view(y)))
    local derivative of y by x: 3.0
    hands on 1.0 × 3.0 = 3.0 to the gradient of x
    """
    if local is None:
        return "a number that takes no gradient"
    result, source = seen.name(node), seen.name(parent)
    hands = f"hands on {node.grad!r} × {local!r} = {node.grad * local!r} to the gradient of"
    return f"local derivative of {result} by {source}: {local!r}\n{hands} {source}"
