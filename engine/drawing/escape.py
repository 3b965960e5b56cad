"""Escapes texts for DOT."""

import graphviz

from engine.wording.numbers import visible

__all__ = ["plain"]


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
