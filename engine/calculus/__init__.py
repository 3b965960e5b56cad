"""Derivatives that are graphs: of any order, forwards and backwards, for every row of a program.

`differentiation` is what a user calls, `sweeps` carries graphs through a graph both ways, and
`conditions` keeps what a row does not come to out of its gradient.
"""

from engine.aliases import moved as _moved

__all__: list[str] = []

__getattr__ = _moved(__name__)
