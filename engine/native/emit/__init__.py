"""The words of LLVM in which kernels and formulas are written; they know nothing of graphs.

function  a function that is being written, and its loops
vector    vectors of doubles, with the arithmetic of Python
indexes   positions in memory: known numbers, names, and sums of the two
scalar    what cannot be done in vectors: calls for each lane, branches
shuffles  numbers that change their lanes: sums across a vector, squares turned over
tiles     sums that stay in registers
"""

__all__: list[str] = []
