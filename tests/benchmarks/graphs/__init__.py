"""A map of graphs as people write them in scalars. Of each, what it takes to compile and what a row
takes, alone and among many; with its derivatives, which are held equal first.

JAX, where it is there, has its arrays written by hand and its loops as `scan`. CasADi is given the
scalars, differentiates them itself, and takes part where there is one row.
"""

from tests.benchmarks.graphs.measure import GRAPHS, measure_graphs

__all__ = ["GRAPHS", "measure_graphs"]
