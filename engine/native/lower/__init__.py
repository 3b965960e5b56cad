"""From a graph to a plan: what is to be computed, in which order, and where it is kept.

    plan          the tape of numbered instructions, and the kinds of kernels
    instructions  the nodes of a recorded graph as instructions on a tape
    raising       scalar code raised to what it stands for; in sums, chains of additions
    blocks        instructions that repeat and can be loops: products, maps, totals over the rows
    lowering      these and all other instructions as kernels in order, and slots for the results
    listing       kernels as text that people can read

Nothing here writes code. It asks `math` which operations have a formula, and what they cost.
"""

__all__: list[str] = []
