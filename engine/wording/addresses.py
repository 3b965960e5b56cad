"""Where a node belongs: in which layer and neuron, or else in which function and line of source."""

from collections.abc import Mapping, Sequence

from engine.core import origins
from engine.core.value import Value

__all__ = ["Path", "addresses"]

Path = tuple[str, ...]


def addresses(nodes: Sequence[Value]) -> dict[Value, Path]:
    """The address of every node, from coarse to fine."""
    modules: dict[Value, Path] = {}
    for node in nodes:
        path = _module(node, modules)
        if path:
            modules[node] = path
    sources: dict[tuple[int, int], Path] = {}  # as many as there are lines, not nodes
    for node in nodes:
        key = id(node._code), node._at
        if node not in modules and (node._code is None or key not in sources):
            sources[key] = _source(node)
        if node not in modules:
            modules[node] = sources[key]
    return modules


def _module(node: Value, modules: Mapping[Value, Path]) -> Path:
    """The layer and the neuron of a node.

    Those that its parameters agree on; without parameters, those of its operands where the same
    piece of code made both: so an activation belongs to its neuron, and a loss to nobody.
    """
    if not node.parents:
        *steps, _ = (node.label or "").split(".")
        return tuple([".".join(steps[: i + 1]) for i in range(len(steps))])[:2]
    own = {modules[p] for p in node.parents if not p.parents and p in modules}
    if not own:
        own = {modules.get(p, ()) for p in node.parents if p.parents and _together(node, p)}
    if not own:
        return ()
    first, *others = own
    shared = [name for i, name in enumerate(first) if all(o[i : i + 1] == (name,) for o in others)]
    return tuple(shared)


def _together(a: Value, b: Value) -> bool:
    if a._code is None or b._code is None:
        return a._code is b._code
    if a._code is b._code:
        return True
    return a._code.co_filename == b._code.co_filename and getattr(
        origins.place_of(a), "library", False
    )


def _source(node: Value) -> Path:
    """The function and the line that made a node, or else its operation."""
    origin = origins.place_of(node)
    if origin is None:
        return (f"every {node.op.name if node.op else 'leaf'}",)
    place, _, _ = str(origin).rpartition(":")
    function = "" if origin.function == "<module>" else f" {origin.function}()"
    return f"{place}{function}", str(origin)
