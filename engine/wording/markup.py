"""Text for a notebook: rows of cells as a table of HTML, and a picture that scales to its cell."""

import sys
from collections.abc import Sequence
from html import escape
from urllib.parse import quote

_FITS = "max-width: 100%; height: auto"
_TURNS = "this.outerHTML = decodeURIComponent(this.src.slice(this.src.indexOf(',') + 1))"


def table(rows: Sequence[Sequence[str]], right: int) -> str:
    """Rows of cells as a table; the first row is its head.

    Arguments:
        right: the columns from this number on are flush right.

    >>> table([["name", "data"], ["<x>", "2"]], right=1).count("&lt;x&gt;</td>")
    1
    """
    lines = []
    for i, row in enumerate(rows):
        tag, cells = "td" if i else "th", []
        for k, cell in enumerate(row):
            style = f"text-align: {'right' if k >= right else 'left'}; padding: 0.2em 0.6em"
            cells.append(f'<{tag} style="{style}">{escape(cell)}</{tag}>')
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table>{''.join(lines)}</table>"


def picture(svg: str, said: str, inline: bool = True) -> str:
    """A picture as a part of a page, no wider than its place there.

    It is an image, which a page shows that trusts nobody (a notebook from elsewhere). On any other
    it turns into a part of the page when it is loaded, and shows details under the mouse.

    Arguments:
        said: what those hear who cannot see it. inline: whether it turns into a part of the page.

    >>> picture('<?xml version="1.0"?><svg width="9pt"/>', "a line", inline=False)[:14]
    '<img alt="a li'
    """
    svg = svg[svg.index("<svg") :].replace("<svg", f'<svg style="{_FITS}"', 1)
    if inline and "marimo" in sys.modules:  # which trusts pictures, and lets none turn into others
        return svg
    turn = f' onload="{_TURNS}"' if inline else ""
    source = f"data:image/svg+xml,{quote(svg.strip(), safe='')}"
    return f'<img alt="{escape(said)}" style="{_FITS}"{turn} src="{source}">'
