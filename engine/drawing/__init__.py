"""From a graph of Values to a picture: DOT text, then Graphviz, then SVG.

    >>> from engine import Value
    >>> from engine.drawing import to_dot
    >>> x = Value(3.0, label="x")
    >>> y = x * x
    >>> y.backward()
    >>> [line.strip() for line in to_dot(y, legend=False).splitlines() if "->" in line]
    ['n0 -> n1 [label=3 class="edge" id="n1-0"]', 'n0 -> n1 [label=3 class="edge" id="n1-1"]']

The files, from the bottom up: `view` chooses the nodes to draw, and `groups` collapses large graphs
into boxes. `style` gives shapes and colours, `captions` what is written on them, and `wrapping`
breaks what would be too wide. `drawn` draws all of it into a `canvas`, which `picture` hands to
users. `layout` runs Graphviz, with or without the program `dot`, or what `use_layout` names.
`text_tree` writes a graph as text. `latex` and `explain` come from the rooms for words and for
explanations.
`import engine` never imports this room.
"""

# ruff: noqa: F403 (what that file says is public, is)
import typing as _typing

from engine.lazy import lazy as _lazy

_HOMES = {
    "engine.drawing.canvas": ["Picture"],
    "engine.drawing.layout": ["LayoutError", "use_layout"],
    "engine.drawing.picture": ["draw", "to_dot", "to_png", "to_svg"],
    "engine.drawing.text_tree": ["tree"],
    "engine.explain.explanation": ["explain"],
    "engine.wording.latex": ["latex"],
}
__all__ = [name for names in _HOMES.values() for name in names]

if _typing.TYPE_CHECKING:  # which cannot follow a table
    from engine.drawing.canvas import Picture as Picture
    from engine.drawing.layout import LayoutError as LayoutError
    from engine.drawing.layout import use_layout as use_layout
    from engine.drawing.picture import *
    from engine.drawing.text_tree import tree as tree
    from engine.explain.explanation import explain as explain
    from engine.wording.latex import latex as latex
else:
    __getattr__, __dir__ = _lazy(__name__, _HOMES)
