"""The core: numbers that remember how they were made, and the sweep that gives their gradients.

To be read in this order: numerics (float functions that always answer), node (a node is data),
operation and ops (a rule of differentiation is a row), graph (the order), sweep (`backward`) and
value (operators that record). Behind them stand inputs, hooks, modes, nonfinite, origins, copies
and shortcuts. Powers, and the functions that `engine` exports, are rows too, in engine/operations.
"""

__all__: list[str] = []
