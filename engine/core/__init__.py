"""The core: a table of operations, nodes that record them, and the sweeps through a graph."""

__all__: list[str] = []
