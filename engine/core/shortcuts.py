"""Shortcuts to the rooms above: methods of Value whose work is done there.

Each room is loaded at first use, so `import engine` loads none of them, and the core works without
them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from engine.core.hooks import Hook, RemovableHandle
from engine.core.node import Node
from engine.outfile import File, Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.operations.methods import Methods
    from engine.stepping import ForwardStep, Run, Step
else:  # each row sets its own method on Value
    Methods = Node


class Shortcuts(Methods):
    """Hooks on a node, pictures of it, and walks through its passes."""

    __slots__ = ()

    def register_hook(self, hook: Hook) -> RemovableHandle:
        """Call a function in every backward pass, when this Value's gradient is complete.

        Arguments:
            hook: takes the gradient of that pass. What it returns, unless that is None, takes the
                gradient's place, here and for all that is below.

        `backward()`, its steps and its runs call hooks; `gradient` and native programs do not, and
        `fit` trains eagerly then. A copy of this Value has no hooks. Returns a handle: its
        `remove()` takes the hook off again.

        >>> from engine import Value
        >>> x = Value(3.0)
        >>> h = x * x
        >>> handle = h.register_hook(lambda grad: min(grad, 1.0))
        >>> (h * 10).backward(); h.grad, x.grad
        (1.0, 6.0)
        """
        return RemovableHandle(self, hook)

    def to_svg(self: Any, path: Target = None, **how: Any) -> str:
        """The graph below as SVG; or written to `path`, which is returned.

        Its options are those of engine.drawing.draw.

        >>> from engine import Value
        >>> "data 6" in (Value(2.0, "x") * 3).to_svg()
        True
        """
        from engine import drawing

        return drawing.to_svg(self, path, **how)

    @overload
    def to_png(self, path: None = None, **how: Any) -> bytes: ...
    @overload
    def to_png(self, path: File, **how: Any) -> str: ...
    def to_png(self: Any, path: Target = None, **how: Any) -> bytes | str:
        """The graph below as PNG; or written to `path`, which is returned. See `to_svg`."""
        from engine import drawing

        return drawing.to_png(self, path, **how)

    def to_dot(self: Any, **how: Any) -> str:
        """The graph below as DOT text, which needs no layout program."""
        from engine import drawing

        return drawing.to_dot(self, **how)

    def _repr_html_(self: Any) -> str | None:
        from engine import drawing

        return drawing.draw(self)._repr_html_()

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

    def to_html(self: Any, path: Target = None, **how: Any) -> str:
        """A page that plays the passes; or written to `path`, which is returned.

        See engine.stepping.player. It leaves all gradients alone.

        >>> from engine import Value
        >>> "<svg" in (Value(2.0, "x") * 3).to_html()
        True
        """
        from engine.stepping import player

        return player.to_html(self, path, **how)
