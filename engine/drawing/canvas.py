"""Picture: a `graphviz.Digraph` that needs no program `dot`. `plain` escapes texts for it.

The SVG of a Picture shows details where the mouse rests.
"""

import html
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import graphviz
from graphviz import FORMATS

from engine.choices import similar
from engine.core.value import Value
from engine.drawing.layout import LayoutError, render
from engine.drawing.style import EDGE, FRAME, NODE
from engine.outfile import Target
from engine.wording.markup import picture
from engine.wording.names import visible

# Graphviz gives each element its id and, right after it, a title: the name of a node or an edge.
_TITLE = re.compile(r'(<g id="([^"]*)" class="[^"]*"[^>]*>\s*<title>)([^<]*)(?=</title>)')
_WHOLE = re.compile(r'(<g id="graph0"[^>]*>)(\s*<title>[^<]*</title>)?')


class Picture(graphviz.Digraph):  # type: ignore[misc]  # the package is untyped
    """A picture of a graph. It shows itself in a notebook; `pipe` and `render` need no `dot`.

    Attributes:
        ids: for each value, the id of its element in the SVG, or of the box that it is in. The
            arrow from its parent at position k has this id followed by -k, as in n3-0.
        titles: what each element says under the mouse, by its id.
        remedy: a function that says what to do when the layout takes too long.
        text: a function that gives what a terminal shows in its place.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"format": "svg", "node_attr": NODE, "edge_attr": EDGE} | kwargs)
        self.ids: dict[Value, str] = {}
        self.titles: dict[str, str] = {}
        self.remedy: Callable[[], str] = lambda: "draw a smaller part"
        self.text: Callable[[], str] = super().__repr__

    # IPython's terminal would call this at each echo, and each call would run a layout. Notebooks,
    # which can show a picture, call _repr_html_.
    _repr_mimebundle_ = None

    def __repr__(self) -> str:
        return self.text()

    def copy(self) -> Self:
        """A second picture with the same contents."""
        twin: Self = super().copy()
        twin.ids, twin.titles = {**self.ids}, {**self.titles}
        twin.remedy, twin.text = self.remedy, self.text
        return twin

    def frame(self, name: str, number: int) -> graphviz.Digraph:
        """A frame with a name, to be drawn into and then added as a `subgraph`."""
        self.titles[f"f{number}"] = name
        attributes = {**FRAME, "label": plain(name), "id": f"f{number}"}
        return graphviz.Digraph(f"cluster_{number}", graph_attr=attributes)

    def laid_out(self, format: str = "svg", timeout: float = 30.0) -> bytes:
        """The picture in one of Graphviz's formats.

        Raises LayoutError where the layout fails or takes longer than `timeout` seconds.
        """
        if format not in FORMATS:
            hint = "".join(f", did you mean {near!r}?" for near in similar(format, FORMATS, 1))
            raise ValueError(f"unknown format {format!r:.60}{hint or '; try svg, png, pdf, ...'}")
        if not isinstance(timeout, int | float) or not timeout >= 0:
            raise ValueError(f"timeout is a number of seconds from 0 on, got {timeout!r:.60}")
        picture = render(self.source, format, timeout=timeout, remedy=self.remedy)
        if format != "svg":
            return picture
        titled = _TITLE.sub(self._title, picture.decode())
        return _WHOLE.sub(r"\1\n<title>computation graph</title>", titled).encode()

    def _title(self, match: re.Match[str]) -> str:
        text = self.titles.get(html.unescape(match[2]))
        return match[1] + (match[3] if text is None else html.escape(visible(text), quote=False))

    def _repr_html_(self) -> str | None:
        """The picture for a notebook; None without a layout program, or if it takes long.

        It becomes a part of the page, since an image would show no details under the mouse.
        """
        try:
            return picture(self.laid_out(timeout=10.0).decode(), "computation graph")
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
        filename: Target = None,
        directory: Target = None,
        view: bool = False,
        cleanup: bool = False,
        format: str | None = None,
        *,
        outfile: Target = None,
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


def plain(label: str) -> str:
    r"""Escape a text so that Graphviz draws it as it is, whatever it holds.

    Backslashes and `<...>` are markup in DOT, and Graphviz also reads HTML entities everywhere.
    Line breaks stay line breaks. Characters that XML cannot hold are drawn as their symbols.

    >>> print(plain("a < b & c"), plain("one" + chr(10) + "two"))
    a < b &amp; c one\ntwo
    """
    shown = visible(label).replace("&", "&amp;")
    # A line without a character would be left out, hence the blank.
    lines = [line.replace("\\", r"\\") or "\xa0" for line in shown.split("\n")]
    text: str = graphviz.nohtml(r"\n".join(lines))  # without it <...> would be HTML
    return text
