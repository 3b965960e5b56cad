"""From a plan to a module of LLVM: a function for each kernel, and one that calls them.

section      what all kernels share: the tape, and where its results are kept
products     matrix products, and what is done at once with their results
outers       outer products added up over rows: the gradients of weights
embedding    rows of parameters chosen by an index, and their gradients
maps         one operation on many results, and instructions written out one by one
interpreted  instructions read from a table, where there are too many to write out
io           rows in, results out
driver       the function that calls the kernels, one block of rows after another
assemble     all functions as one module
"""

__all__: list[str] = []
