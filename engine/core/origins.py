"""Where a node came from: the line and the expression that made it, and the variable it went to.

A node keeps the code that was running when it was made and the number of the instruction, which
costs next to nothing. The two are read when somebody asks (engine/source).
"""

import builtins

from engine.core.node import ITEM, Node
from engine.source.origin import Origin as Origin
from engine.source.origin import line_of, origin_of

ARITHMETIC = ("+", "-", "×", "/", "**", "%", "//")
ONE = {"abs", "divmod", "pow", "round"}  # builtins that call one method of ours
MANY = {*dir(builtins), "accumulate", "deque", "prod", "reduce", "starmap"} - ONE
MANY |= {"softmax", "log_softmax"}


def place_of(node: Node) -> Origin | None:
    """The place where a node was made; None for a number in an expression and after unpickling.

    >>> from engine import Value
    >>> x = Value(2.0)
    >>> y = x * 3 + 1
    >>> place_of(y).name, place_of(y).function
    ('y', '<module>')
    """
    if node._code is None:
        return None
    item, at = divmod(node._at, ITEM)
    return origin_of(node._code, at, item - 1 if item else None)


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
    if node.label is not None:
        return node.label
    origin = place_of(node)
    if origin is None or origin.library or origin.name is None:
        return None
    # Functions of Python's own and of NumPy may make many nodes by one call, as sum(map(tanh, xs))
    # does. All would get the name of the result: the last cannot be told from the others. softmax
    # makes some that are no item of its list.
    op, called = node.op, origin.called
    if called is None or called in ONE or node._at >= ITEM or (op and called == op.name):
        return origin.name
    within = called in MANY or (op is not None and op.symbol in ARITHMETIC)
    return None if within else origin.name


def source_of(node: Node) -> str:
    """The line of source that made a node, without its indent; "" if it cannot be read.

    >>> from engine import Value
    >>> y = Value(2.0) * 3.0
    >>> source_of(y)
    'y = Value(2.0) * 3.0'
    """
    origin = place_of(node)
    return line_of(node._code, origin.line).strip() if origin and node._code else ""
