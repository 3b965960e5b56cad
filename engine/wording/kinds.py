"""What a node is to its reader: a parameter, an input, a leaf, an operation or an output."""

from collections.abc import Iterable

from engine.core.value import Value


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
