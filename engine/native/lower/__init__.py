"""From a graph to a plan: what is to be computed, in which order, and where it is kept.

    tape      numbered instructions, each of which is there once
    instructions  the nodes of a recorded graph as instructions
    trace     the float function of a row as instructions, where it is made of other rows
    blocks    instructions that repeat and can be loops: matrix products, maps, embeddings
    totals    sums over the rows as loops: outer products and scatters
    plan      all of these and the remaining instructions as kernels, in an order that works
    storage   the slot of a workspace in which each result is kept
    listing   a plan as text that people can read

Nothing here writes code. It asks `math` which operations have a formula, and what they cost.
"""

__all__: list[str] = []
