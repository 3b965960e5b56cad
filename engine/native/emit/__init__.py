"""The words of LLVM in which kernels and formulas are written; they know nothing of graphs.

function  a function that is being written, its loops, and positions in memory
vector    vectors of doubles, with the arithmetic of Python, and sums across their lanes
scalar    what cannot be done in vectors: calls for each lane, branches
"""

__all__: list[str] = []
