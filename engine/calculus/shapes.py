"""Containers of Values: what is done to each Value comes back in the shape that was given."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["mapped"]


def mapped(change: Callable[[Any], Any], given: Any) -> Any:
    """What `change` makes of each item, in dictionaries, lists and tuples like those given.

    They may lie in each other. Anything else is an item.

    >>> mapped(str, {"w": [[1, 2], [3]], "b": (4, 5)})
    {'w': [['1', '2'], ['3']], 'b': ('4', '5')}
    """
    if isinstance(given, Mapping):
        return {key: mapped(change, item) for key, item in given.items()}
    if isinstance(given, Sequence) and not isinstance(given, (str, bytes)):
        items = [mapped(change, item) for item in given]
        if hasattr(given, "_fields"):  # a named tuple
            return type(given)(*items)
        return tuple(items) if isinstance(given, tuple) else items
    return change(given)
