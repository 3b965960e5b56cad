"""Hooks: functions that see or change the gradient of a node in the middle of a backward pass.

Hooks are kept beside the graph. A pass asks once whether there are any. Without hooks it pays
nothing more.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar
from weakref import ref

from engine.core.node import Node, as_float

N = TypeVar("N", bound=Node)
Hook = Callable[[float], float | None]
HOOKS: "dict[ref[Node], dict[RemovableHandle, Hook]]" = {}  # by the node, in their order


class RemovableHandle:
    """What `register_hook` gives: `remove()` takes the hook off its node again."""

    def __init__(self, node: Node, hook: Hook) -> None:
        if not callable(hook):
            got = f"a hook is a function of the gradient, got {type(hook).__name__}"
            raise TypeError(f"{got}; give one like lambda grad: 0.5 * grad")
        known = ref(node) in HOOKS
        self._key = ref(node) if known else ref(node, HOOKS.pop)
        HOOKS.setdefault(self._key, {})[self] = hook

    def remove(self) -> None:
        """Take the hook off. To call it again does no harm."""
        HOOKS.get(self._key, {}).pop(self, None)


def has_hooks(nodes: Iterable[Node]) -> bool:
    """Whether any of these nodes has a hook."""
    return bool(HOOKS) and any(HOOKS.get(ref(node)) for node in nodes)


def call_hooks(node: Node, grad: float) -> float:
    """The gradient of a node as its hooks leave it."""
    for hook in [*HOOKS.get(ref(node), {}).values()]:
        found = hook(grad)
        grad = grad if found is None else as_float(found)
    return grad


def visited(order: Sequence[N]) -> Iterable[N]:
    """The order of a backward pass. Before it comes to a node, the hooks of the node are called."""
    return _hooked(order) if has_hooks(order) else order


def _hooked(order: Sequence[N]) -> Iterable[N]:
    for node in order:
        node.grad = call_hooks(node, node.grad)
        yield node
