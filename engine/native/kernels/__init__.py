"""From a plan to functions of LLVM: one for each kernel, and one that calls them.

section      what all kernels share; maps, chunks, and rows of parameters chosen by an index
products     matrix products
outers       outer products: the gradients of weights
interpreted  instructions read from a table, where there are too many to write out
driver       rows in, results out, and the kernels called for one block of rows after another
"""

__all__: list[str] = []
