"""What a node is to its reader, and where it belongs: in which layer and neuron, or else in which
function and line of source.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from engine.core import origins
from engine.core.value import Value

Address = tuple[str, ...]  # from coarse to fine


def modules(
    nodes: Sequence[Value], known: Mapping[Value, Address] | None = None
) -> dict[Value, Address]:
    """The layer and the neuron of every node that has one.

    They are taken from labels of parameters, such as `L0.N3.w2`.

    Arguments:
        nodes: parents before their consumers.
        known: those of parameters, where they are known otherwise.
    """
    found = {**(known or {})}
    named = found or any("." in (node.label or "") for node in nodes if not node.parents)
    for node in nodes if named else ():
        if node not in found and (address := _module(node, found)):
            found[node] = address
    return found


def addresses(
    nodes: Sequence[Value], known: Mapping[Value, Address] | None = None
) -> dict[Value, Address]:
    """The address of every node: its layer and neuron, or else its function and line of source.

    Arguments: as for `modules`.
    """
    found = modules(nodes, known)
    sources: dict[tuple[int, int], Address] = {}  # as many as there are lines, not nodes
    for node in nodes:
        key = id(node._code), node._at
        if node not in found and (node._code is None or key not in sources):
            sources[key] = _source(node)
        if node not in found:
            found[node] = sources[key]
    return found


def _module(node: Value, found: Mapping[Value, Address]) -> Address:
    """The layer and the neuron of a node; () if it has none.

    A node that uses parameters belongs where all of them belong. Any other node belongs where those
    of its parents belong that were made by the same code. So an activation belongs to its neuron,
    and a loss belongs nowhere.
    """
    if not node.parents:
        *steps, _ = (node.label or "").split(".")
        return tuple([".".join(steps[: i + 1]) for i in range(len(steps))])[:2]
    own = {found[p] for p in node.parents if not p.parents and p in found}
    if not own:
        own = {found.get(p, ()) for p in node.parents if p.parents and _together(node, p)}
    if not own:
        return ()
    first, *others = own
    shared = [name for i, name in enumerate(first) if all(o[i : i + 1] == (name,) for o in others)]
    return tuple(shared)


def _together(a: Value, b: Value) -> bool:
    same = a._code is b._code
    if same or a._code is None or b._code is None:
        return same
    place = origins.place_of(a) if a._code.co_filename == b._code.co_filename else None
    return place is not None and place.library


def _source(node: Value) -> Address:
    """The function and the line that made a node, or else its operation."""
    origin = origins.place_of(node)
    if origin is None:
        return every(node)
    place, _, _ = str(origin).rpartition(":")
    # a comprehension belongs to the function around it, as Python has it from 3.12 on
    around = re.sub(r"(\.<locals>)?\.<(\w+comp|genexpr)>", "", origin.function)
    if origin.library:  # whose lines say nothing to its users: mse_loss(), or the Layer of a method
        owner, _, name = around.partition(".")
        return (owner if name else f"{owner}()",) if place.startswith("nn/") else every(node)
    function = "" if around == "<module>" else f" {around}()"
    return f"{place}{function}", str(origin)


def every(node: Value) -> Address:
    """The address of all nodes that are made by the same operation."""
    return (f"every {node.op.name if node.op else 'leaf'}",)


def kinds_of(
    outputs: Iterable[Value],
    nodes: list[Value],
    parameters: set[Value] | None,
    inputs: set[Value] | None,
) -> dict[Value, str]:
    """What each node is to its reader.

    Arguments:
        parameters: by default the leaves that were made by the constructor of an object.
        inputs: by default all other leaves, if there are parameters.
    """
    leaves = [node for node in nodes if not node.parents]
    if parameters is None:
        parameters = {leaf for leaf in leaves if _belongs_to_an_object(leaf)} - (inputs or set())
    if inputs is None:  # in a graph with parameters all other leaves are inputs
        inputs = set(leaves) if not parameters.isdisjoint(leaves) else set()
    kinds = dict.fromkeys(nodes, "operation")
    for leaf in leaves:
        kinds[leaf] = "parameter" if leaf in parameters else "input" if leaf in inputs else "leaf"
    return kinds | dict.fromkeys(outputs, "output")


def _belongs_to_an_object(leaf: Value) -> bool:
    if leaf._code is None:  # unpickled, say: then only a name can tell, like L0.N3.w2
        return "." in (leaf.label or "")
    return "__init__" in leaf._code.co_qualname
