"""Deep graphs are freed without recursion, also where Python does not see to that.

Freeing a node frees its parents, and theirs, one within the other. CPython puts that off before it
runs out of stack. In a browser it does not know how much stack there is, so that a chain of some
thousand nodes would end the whole interpreter.
"""

from typing import Any

_held: list[Any] = []  # parents of nodes that are being freed
_freeing = False


def free(node: Any) -> None:
    """What the `__del__` of a node is there: the outermost call frees what all of them hand over.

    >>> class Link:
    ...     parents, __del__ = (), free
    >>> last = Link()
    >>> for _ in range(100_000):
    ...     link = Link()
    ...     link.parents, last = (last,), link
    >>> del link, last
    """
    global _freeing
    _held.append(getattr(node, "parents", ()))  # one that could not be made has none
    node.parents = ()
    if not _freeing:
        _freeing = True
        try:
            _free_all()
        finally:
            _freeing = False


def _free_all() -> None:
    while _held:
        _held.pop()
