"""Shortcuts to the rooms above: what can be asked of a Value that is done elsewhere.

Each opens at first use, so that `import engine` takes none of it along, and any of these rooms can
be taken away without the core noticing.
"""

from __future__ import annotations

from contextlib import closing
from os import PathLike
from typing import TYPE_CHECKING, Any

from engine.core.node import Node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.stepping import ForwardStep, Run, Step

__all__ = ["Shortcuts"]


class Shortcuts(Node):
    """Pictures of a node, and walks through its passes."""

    __slots__ = ()

    def to_svg(self: Any, path: str | PathLike[str] | None = None, **how: Any) -> str:
        """The graph below as SVG, written to `path` if one is given. Options: engine.drawing.draw.

        >>> from engine import Value
        >>> "data 6" in (Value(2.0, "x") * 3).to_svg()
        True
        """
        from engine import drawing

        return drawing.to_svg(self, path, **how)

    def to_png(self: Any, path: str | PathLike[str] | None = None, **how: Any) -> bytes:
        """The graph below as PNG. Options: engine.drawing.draw."""
        from engine import drawing

        return drawing.to_png(self, path, **how)

    def to_dot(self: Any, **how: Any) -> str:
        """The graph below as DOT text, which needs no layout program."""
        from engine import drawing

        return drawing.to_dot(self, **how)

    def _repr_svg_(self: Any) -> str | None:
        from engine import drawing

        return drawing.draw(self)._repr_svg_()

    def backward_steps(self: Any, seed: float = 1.0) -> Iterator[Step]:
        """`backward()`, one edge at a time: see engine.stepping.backward_steps.

        >>> from engine import Value
        >>> [step.contribution for step in (Value(3.0) * 2).backward_steps()]
        [2.0]
        """
        from engine import stepping

        return stepping.backward_steps(self, seed)

    def forward_steps(self: Any) -> Iterator[ForwardStep]:
        """What was computed, one node at a time: see engine.stepping.forward_steps."""
        from engine import stepping

        return stepping.forward_steps(self)

    def trace_backward(self: Any, seed: float = 1.0) -> Run:
        """A backward pass to walk in both directions: see engine.stepping.Run."""
        from engine import stepping

        return stepping.Run(self, seed)

    def to_html(self: Any, path: str | PathLike[str] | None = None, **how: Any) -> str:
        """A page that plays the passes: see engine.stepping.player. Leaves all gradients alone.

        >>> from engine import Value
        >>> "<svg" in (Value(2.0, "x") * 3).to_html()
        True
        """
        from engine import stepping

        with closing(stepping.Run(self)) as run:
            return run.to_html(path, **how)
