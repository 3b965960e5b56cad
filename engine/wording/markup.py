"""Text for a notebook: rows of cells as a table of HTML, and a picture that scales to its cell."""

from collections.abc import Sequence
from html import escape


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
            side = "right" if k >= right else "left"
            cells.append(f'<{tag} style="text-align: {side}">{escape(cell)}</{tag}>')
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table>{''.join(lines)}</table>"


def scaled(svg: str) -> str:
    """A picture as a part of a page, no wider than its place there.

    >>> scaled('<?xml version="1.0"?><svg width="9pt" height="6pt" viewBox="0 0 9 6"></svg>')
    '<svg style="max-width: 100%; height: auto" width="9pt" height="6pt" viewBox="0 0 9 6"></svg>'
    """
    inner = svg[svg.index("<svg") :].strip()
    return inner.replace("<svg", '<svg style="max-width: 100%; height: auto"', 1)
