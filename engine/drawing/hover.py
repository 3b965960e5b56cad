"""The text that appears where the mouse rests: full precision, formula and line of source."""

from engine.core.origins import place_of
from engine.core.value import Value
from engine.drawing.view import View
from engine.wording.names import operation, short_name, shorten


def about_node(node: Value, seen: View) -> str:
    """The formula of a node, its numbers in full and where it was made, in lines.

    >>> from engine.drawing.view import view
    >>> x = Value(0.1, "x")
    >>> y = x * 3
    >>> print(about_node(y, view(y)))
    y = x × 3.0
    data 0.30000000000000004
    grad 0.0
    made in <doctest engine.drawing.hover.about_node[2]>:1 by x * 3
    """
    lines = [f"data {node.data!r}", f"grad {node.grad!r}"]
    operands = [_short(parent, seen) for parent in node.parents]
    formula = operation(node.op, operands) if node.op and operands else ""
    head = " = ".join(filter(None, [seen.name(node), formula]))
    origin = place_of(node)
    if origin is not None:
        code = f" by {shorten(origin.code, 200)}" if origin.code else ""
        lines.append(f"made in {origin}{code}")
    return "\n".join(filter(None, [head, *lines]))


def _short(node: Value, seen: View) -> str:
    named = seen.name(node) if node in seen.outputs else ""
    return shorten(named) or short_name(node)


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
    result, source = _short(node, seen), _short(parent, seen)
    return (
        f"local derivative of {result} by {source}: {local!r}\n"
        f"hands on {node.grad!r} × {local!r} = {node.grad * local!r} to the gradient of {source}"
    )
