"""Native: recorded graphs at the speed of the machine.

A recorded graph is a program, and the rows of a data set run through the same program. Here it is
lowered to LLVM: rows along the lanes of vectors, layers as loops. It needs the extra `fast`.
"""

from engine.native.compiled import compiled
from engine.native.program import Program, Stats

__all__ = ["Program", "Stats", "compiled"]
