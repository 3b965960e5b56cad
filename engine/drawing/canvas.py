"""Picture: a `graphviz.Digraph` that needs no program `dot`.

Its SVG tells more where the mouse rests.
"""

import html
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import graphviz

from engine.core.value import Value
from engine.drawing.escape import plain
from engine.drawing.layout import LayoutError, render
from engine.drawing.style import EDGE, FRAME, GRAPH, NODE
from engine.wording.numbers import visible

__all__ = ["Picture"]

# Graphviz gives each element its id and, right after it, a title: the name of a node or an edge.
_TITLE = re.compile(r'(<g id="([^"]*)" class="[^"]*"[^>]*>\s*<title>)([^<]*)(?=</title>)')
_WHOLE = re.compile(r'(<g id="graph0"[^>]*>)(\s*<title>[^<]*</title>)?')


class Picture(graphviz.Digraph):  # type: ignore[misc]  # the package is untyped
    """A picture of a graph. It shows itself in a notebook; `pipe` and `render` need no `dot`.

    Attributes:
        ids: of each value, the id of the element that shows it or of the box that it is in. The
            arrow from its parent at position k has this id with -k, as in n3-0.
        titles: the text of each element's title, by its id.
        remedy: says what to do where the layout takes too long.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ids: dict[Value, str] = {}
        self.titles: dict[str, str] = {}
        self.remedy: Callable[[], str] = lambda: "draw a smaller part"
        self._frames: dict[str, Any] = {}

    # IPython's terminal would call this at each echo, and each call would run a layout. Notebooks,
    # which can show a picture, call _repr_svg_.
    _repr_mimebundle_ = None

    @classmethod
    def empty(cls, direction: str, ranksep: float) -> Self:
        """A picture of nothing yet."""
        attributes = {**GRAPH, "rankdir": direction, "ranksep": f"{ranksep:.1f}"}
        return cls(format="svg", graph_attr=attributes, node_attr=NODE, edge_attr=EDGE)

    def copy(self) -> Self:
        """A second picture with the same contents."""
        twin: Self = super().copy()
        twin.ids, twin.titles, twin.remedy = {**self.ids}, {**self.titles}, self.remedy
        return twin

    def beside(self, label: str) -> str:
        """The label of an arrow, with some space around it where the arrow runs up or down."""
        return label if self.graph_attr["rankdir"] in ("LR", "RL") else f"\xa0{label}\xa0"

    def frame(self, name: str) -> Any:
        """The frame of that name, new at the first call; nodes are drawn into it."""
        if name not in self._frames:
            self._frames[name] = graphviz.Digraph(
                f"cluster_{len(self._frames)}",
                graph_attr={**FRAME, "label": plain(name), "id": f"f{len(self._frames)}"},
            )
        return self._frames[name]

    def close_frames(self) -> None:
        """Add the frames to the picture, with all that was drawn into them."""
        for name, frame in self._frames.items():
            self.subgraph(frame)
            self.titles[frame.graph_attr["id"]] = name
        self._frames = {}

    def laid_out(self, format: str = "svg", timeout: float = 30.0) -> bytes:
        """The picture in one of Graphviz's formats.

        Raises LayoutError where the layout fails or takes longer than `timeout` seconds.
        """
        if format not in graphviz.FORMATS:
            raise ValueError(f"a format is one of Graphviz's, as svg, png or pdf, got {format!r}")
        if not isinstance(timeout, int | float) or not timeout >= 0:
            raise ValueError(f"timeout is a number of seconds from 0 on, got {timeout!r}")
        picture = render(self.source, format, timeout=timeout, remedy=self.remedy)
        if format != "svg":
            return picture
        titled = _TITLE.sub(self._title, picture.decode())
        return _WHOLE.sub(r"\1\n<title>computation graph</title>", titled).encode()

    def _title(self, match: re.Match[str]) -> str:
        text = self.titles.get(html.unescape(match[2]))
        return match[1] + (match[3] if text is None else html.escape(visible(text), quote=False))

    def _repr_svg_(self) -> str | None:
        """The picture for a notebook; None without a layout program, or if it takes long."""
        try:
            return self.laid_out(timeout=10.0).decode()
        except LayoutError:
            return None

    def pipe(
        self, format: str | None = None, *args: Any, encoding: str | None = None, **kwargs: Any
    ) -> Any:
        """The picture as bytes, or as text if an encoding is given, as in `graphviz`."""
        picture = self.laid_out(format or self.format)
        return picture if encoding is None else picture.decode(encoding)

    def render(
        self,
        filename: str | os.PathLike[str] | None = None,
        directory: str | os.PathLike[str] | None = None,
        view: bool = False,
        cleanup: bool = False,
        format: str | None = None,
        *,
        outfile: str | os.PathLike[str] | None = None,
        **kwargs: Any,
    ) -> str:
        """Save the source and the picture, as in `graphviz`; returns the picture's path."""
        wanted = None if outfile is None else Path(outfile)
        format = format or (wanted.suffix[1:] if wanted else self.format)
        picture = self.laid_out(format)
        if wanted and filename is None:
            filename = wanted.with_suffix(".gv")
        source = Path(self.save(filename, directory=directory))
        path = wanted or source.with_name(f"{source.name}.{format}")
        path.write_bytes(picture)
        if cleanup:
            source.unlink()
        if view:
            self._view(path, format, quiet=False)
        return str(path)
