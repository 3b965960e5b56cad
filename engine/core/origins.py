"""Where a node came from: the line and the expression that made it, and the variable it went to.

A node keeps the code that was running when it was made and the number of the instruction, which
costs next to nothing. The two are read when somebody asks (engine/source).
"""

from engine.core.node import ITEM, Node
from engine.source.naming import written
from engine.source.origin import Origin as Origin
from engine.source.origin import line_of, origin_of
from engine.source.text import composed, number, shorten


def place_of(node: Node) -> Origin | None:
    """The place where a node was made; None for a number in an expression and after unpickling.

    >>> from engine import Value
    >>> x = Value(2.0)
    >>> y = x * 3 + 1
    >>> place_of(y).name, place_of(y).function
    ('y', '<module>')
    """
    item, at = divmod(node._at, ITEM)
    return origin_of(node._code, at, item - 1 if item else None) if node._code else None


def _written(node: Node) -> tuple[str | None, str]:
    """The variable and the expression in the user's source that stand for this node alone."""
    item, at = divmod(node._at, ITEM)
    if node._code is None or node.label == "":
        return None, ""
    return written(node._code, at, item - 1 if item else None, node.op)


def name_of(node: Node) -> str | None:
    """The name of a node: its label, or else the variable that its user first stored it in.

    A node in a list, as `ps = softmax(xs)` gives one, is named by the list and its index.

    >>> from engine import Value, softmax
    >>> x, w = Value(2.0, "input"), Value(-3.0)
    >>> n = x * w
    >>> ps = softmax([x, w])
    >>> name_of(x), name_of(w), name_of(n), name_of(ps[1]), name_of(x + w)
    ('input', 'w', 'n', 'ps[1]', None)
    """
    return _written(node)[0] if node.label is None else node.label


def called(node: Node) -> str:
    """What a node is called in every view: its label, its variable, or else its expression.

    The expression is the user's. Where that made more nodes than this one, where the library made
    the node, and where no source can be read, it is put together from the names of the parents.

    >>> from engine import Value
    >>> x, w = Value(2.0), Value(-3.0)
    >>> called(x), called(x * 3.0), called((x + w).tanh()), called(Value(0.5))
    ('x', '(x * 3.0)', '(x + w).tanh()', 'Value(0.5)')
    """
    return name_of(node) or shorten(expression(node))


def expression(node: Node, deep: int = 2) -> str:
    """How a node was made, with the parentheses that it needs within another expression."""
    op, parents, digits = node.op, node.parents, number(node._data)
    if op is None or not parents or deep < 0:
        return "…" if parents else digits if op else f"Value({digits})"
    if text := _written(node)[1]:
        return text
    last = parents if len(parents) < 4 else parents[-1:]  # of a neuron, the bias
    below = [name_of(each) or expression(each, deep - 1) for each in last]
    return composed(op, below if last is parents else ["…", *below])


def source_of(node: Node) -> str:
    """The line of source that made a node, without its indent; "" if it cannot be read.

    >>> from engine import Value
    >>> y = Value(2.0) * 3.0
    >>> source_of(y)
    'y = Value(2.0) * 3.0'
    """
    origin = place_of(node)
    return line_of(node._code, origin.line).strip() if origin and node._code else ""
