"""The text that appears where the mouse rests: full precision, formula and line of source."""

from engine.core.origins import name_of, place_of
from engine.core.value import Value
from engine.wording.names import short_name
from engine.wording.numbers import operation, shorten

__all__ = ["about_edge", "about_node"]


def about_node(node: Value) -> str:
    """The formula of a node, its numbers in full and where it was made, in lines.

    >>> x = Value(0.1, "x")
    >>> print(about_node(x * 3))
    x × 3.0
    data 0.30000000000000004
    grad 0.0
    made in <doctest engine.drawing.hover.about_node[1]>:1 by x * 3
    """
    lines = [f"data {node.data!r}", f"grad {node.grad!r}"]
    formula = operation(node.op, [short_name(p) for p in node.parents]) if node.parents else ""  # type: ignore[arg-type]
    named = name_of(node)
    head = " = ".join(part for part in (named, formula) if part)
    origin = place_of(node)
    if origin is not None:
        code = f" by {shorten(origin.code, 200)}" if origin.code else ""
        lines.append(f"made in {origin}{code}")
    return "\n".join([head, *lines] if head else lines)


def about_edge(node: Value, parent: Value, local: float | None) -> str:
    """What an arrow says: the local derivative, and how much of the gradient goes along it.

    >>> x = Value(0.1, "x")
    >>> y = x * 3
    >>> y.backward()
    >>> print(about_edge(y, x, 3.0))
    local derivative of y by x: 3.0
    hands on 1.0 × 3.0 = 3.0 to the gradient of x
    """
    if local is None:
        return "a number that takes no gradient"
    return (
        f"local derivative of {short_name(node)} by {short_name(parent)}: {local!r}\n"
        f"hands on {node.grad!r} × {local!r} = {node.grad * local!r} "
        f"to the gradient of {short_name(parent)}"
    )
