"""The functions that `engine` exports, each a row of the table: a page for each kind.

A new row goes into one of these files. Its function and its method are made from it, and
`methods.pyi` tells type checkers of the method. Native code, pictures and derivatives of any order
read the row.
"""

__all__: list[str] = []
