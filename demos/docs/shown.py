"""What pages show that is not written in them: the notebook, and the names of a package.

A page whose text is `notebook: PATH` is that notebook, with the outputs that are kept in it. The
directive `names` documents names of a package, and those that a module of it makes public.
"""

import html
import importlib
import inspect
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from docutils.nodes import Node
from docutils.utils.math.latex2mathml import tex2mathml
from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from demos.docs.figures import picture

__all__ = ["setup"]

CODE = re.compile(r"(`[^`]+`)")
HELD = re.compile(r'src="data:image/svg\+xml,([^"]+)"')  # a picture that is written as a link


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx of all this."""
    app.add_directive("names", Names)
    app.add_lexer("pdb", TextLexer)
    app.connect("source-read", read_notebook)
    app.connect("autodoc-process-docstring", to_rst, priority=400)  # before napoleon's sections
    app.connect("autodoc-process-docstring", add_picture, priority=600)
    return {"parallel_read_safe": False}


# --- the notebook --------------------------------------------------------------------------------
def read_notebook(app: Sphinx, name: str, source: list[str]) -> None:
    """Put a notebook in the place of a page that names one."""
    found = re.fullmatch(r"notebook: (\S+)\s*", source[0])
    if found:
        path = Path(app.srcdir, f"{name}.md").parent / found[1]
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        source[0] = "\n\n".join(part for cell in cells for part in parts(cell))


def parts(cell: Any) -> Iterable[str]:
    """A cell as Markdown: its text, or its code and what that showed."""
    text = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        yield text
        return
    yield f"```python\n{text}\n```"
    for output in cell["outputs"]:
        yield raw(shown(output.get("data", {"text/plain": output.get("text", "")})))


def shown(data: Any) -> str:
    """An output as HTML, in the first of the forms that a page can show."""
    said = {kind: "".join(text) for kind, text in data.items()}
    rich = said.get("text/html", "")
    held = HELD.search(rich)
    if svg := unquote(held[1]) if held else said.get("image/svg+xml"):
        return f'<div class="picture">{svg[svg.index("<svg") :]}</div>'
    if png := said.get("image/png"):
        image = f'<img alt="what the lines above draw" src="data:image/png;base64,{png.strip()}">'
        return f'<div class="picture">{image}</div>'
    if tex := said.get("text/latex"):
        formula = tex.replace("\\displaystyle", "").strip().strip("$")
        return f'<div class="formula">{tex2mathml(formula, as_block=True)}</div>'
    if rich:
        return f'<div class="output">{rich}</div>'
    return f'<pre class="output">{html.escape(said["text/plain"].rstrip())}</pre>'


def raw(text: str) -> str:
    """HTML, as a block of Markdown that holds it."""
    return f"~~~~{{raw}} html\n{text}\n~~~~"


# --- the reference -------------------------------------------------------------------------------
class Names(SphinxDirective):
    """Document names of a package: those on its lines, or all that a module there makes public."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[Node]:
        """Let autodoc do it, name by name."""
        home = self.arguments[0]
        package = importlib.import_module(home)
        blocks = [block(home, package, name) for name in listed(package, self.content)]
        return self.parse_text_to_nodes("```{eval-rst}\n" + "\n".join(blocks) + "\n```\n")


def listed(package: Any, lines: Iterable[str]) -> Iterable[str]:
    """The names of a package that some lines ask for."""
    for line in lines:
        if "." in line:
            yield from importlib.import_module(line).__all__
        else:
            yield from line.split()


def block(home: str, package: Any, name: str) -> str:
    """How autodoc is asked for a name. Of a table it would say what a dict is."""
    thing = getattr(package, name)
    if inspect.isclass(thing):
        return f".. autoclass:: {home}.{name}\n   :members:\n"
    if callable(thing):
        return f".. autofunction:: {home}.{name}\n"
    known = ", ".join(f"``{key}``" for key in thing)
    lines = [f"Its names are {known}.", *figure(f"{home}.{name}", thing)]
    return f".. py:data:: {home}.{name}\n\n" + "\n".join(f"   {line}" for line in lines) + "\n"


def to_rst(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Docstrings are plain text with code in backticks: make that what reStructuredText reads."""
    example = False
    for i, line in enumerate(lines):
        example = line.strip().startswith(">>>") or (example and bool(line.strip()))
        if not example:
            pieces = CODE.split(line)
            pieces[::2] = [re.sub(r"([*|\\]|_\b)", r"\\\1", piece) for piece in pieces[::2]]
            pieces[1::2] = [f"`{piece}`" for piece in pieces[1::2]]
            lines[i] = "".join(pieces)


def add_picture(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Show what a name is a name of."""
    lines += figure(name, thing)


def figure(name: str, thing: Any) -> list[str]:
    """A picture, where there is one, as reStructuredText."""
    svg = picture(name, thing)
    if svg is None:
        return []
    label = f'<svg role="img" aria-label="picture of {name}"'
    shape = svg[svg.index("<svg") :].replace("<svg", label, 1)
    lines = [line for line in shape.splitlines() if line.strip()]
    return [
        "",
        ".. raw:: html",
        "",
        *(f"   {line}" for line in ['<div class="picture">', *lines, "</div>"]),
    ]
