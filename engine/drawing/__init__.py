"""From a graph of Values to a picture: DOT text, then Graphviz, then SVG.

    >>> from engine import Value
    >>> from engine.drawing import to_dot
    >>> x = Value(3.0, label="x")
    >>> y = x * x
    >>> y.backward()
    >>> [line.strip() for line in to_dot(y).splitlines() if "->" in line]
    ['n0 -> n1', 'n0 -> n1']

`draw` says what is in the picture, `layout` says how it gets drawn on a machine with or without
the program `dot`, `text` says how numbers and labels are written. `import engine` never imports
this room.
"""

from engine.drawing.layout import LayoutError
from engine.drawing.picture import draw, to_dot, to_png, to_svg

__all__ = ["LayoutError", "draw", "to_dot", "to_png", "to_svg"]
