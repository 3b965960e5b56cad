"""From a graph of Values to a picture: DOT text, then Graphviz, then SVG.

    >>> from engine import Value
    >>> from engine.drawing import to_dot
    >>> x = Value(3.0, label="x")
    >>> y = x * x
    >>> y.backward()
    >>> [line.strip() for line in to_dot(y).splitlines() if "->" in line]
    ['n0 -> n1 [label=3 class="edge" id="n1-0"]', 'n0 -> n1 [label=3 class="edge" id="n1-1"]']

From below: `view` chooses what is seen, `groups` collapses what is too much, `style` and `hover`
say how it looks and what it says, `picture` draws it into a `canvas`, and `layout` runs Graphviz,
with or without the program `dot`. `text_tree` does without pictures. `latex` and `explain` come
from the rooms for words and for explanations. `import engine` never imports this room.
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from engine.lazy import lazy as _lazy

if _TYPE_CHECKING:
    from engine.drawing.canvas import Picture
    from engine.drawing.layout import LayoutError
    from engine.drawing.picture import draw, to_dot, to_png, to_svg
    from engine.drawing.text_tree import tree
    from engine.explain.explanation import explain
    from engine.wording.latex import latex

__all__ = [
    "LayoutError",
    "Picture",
    "draw",
    "explain",
    "latex",
    "to_dot",
    "to_png",
    "to_svg",
    "tree",
]

if not _TYPE_CHECKING:
    __getattr__ = _lazy(
        __name__,
        {
            "LayoutError": "engine.drawing.layout",
            "Picture": "engine.drawing.canvas",
            "draw": "engine.drawing.picture",
            "explain": "engine.explain.explanation",
            "latex": "engine.wording.latex",
            "to_dot": "engine.drawing.picture",
            "to_png": "engine.drawing.picture",
            "to_svg": "engine.drawing.picture",
            "tree": "engine.drawing.text_tree",
        },
    )
