"""Native: recorded graphs at the speed of the machine. It needs the extra `fast`.

A recorded graph is a program, and all rows of a data set run through the same program. Here it
becomes machine code in which a vector holds several rows, and a layer is a loop. Read it in the
order in which a graph passes through:

    program   takes the graph, and is called with rows (`compiled` makes one of a function)
    library   assembles the text of a program, compiles it, and keeps what was compiled
    lower/    the graph as instructions, as blocks that repeat, as a plan of kernels
    kernels/  a function for each kernel, and the one that calls them
    math/     the formulas of the operations
    emit/     the words of LLVM in which kernels and formulas are written
    disk      keeps machine code from one process to the next, if asked to
    rows      reads the rows that a caller gives, and says which of them made a bad result

Each folder imports only those below it in this list, and `needs`, which loads the two packages.
"""

from engine.native.compiled import compiled
from engine.native.program import Program, Stats

__all__ = ["Program", "Stats", "compiled"]
