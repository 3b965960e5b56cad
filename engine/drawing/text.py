"""Words in a picture: numbers that are short and honest, labels that stay text."""

import re

import graphviz

__all__ = ["number", "plain"]

# XML 1.0 cannot hold these at all, not even escaped; a tab or a return would be lost in layout.
_UNDRAWABLE = re.compile("[\x00-\x09\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def number(x: float) -> str:
    """Write a float in few characters without telling a lie about it.

    A float that six digits hold exactly is written exactly. Any other is rounded to four digits
    (five or six from a thousand on) and keeps its trailing zeros, which say that it was rounded.

    >>> [number(x) for x in (3.0, -0.5, 0.1 + 0.2, 1e-06, 2 / 3, 12345.678, float("inf"))]
    ['3', '-0.5', '0.3000', '1e-06', '0.6667', '12345.7', 'inf']
    """
    short = f"{x:.6g}"
    if float(short) == x or x != x:
        return min(short, repr(x), key=len)  # repr is the shorter for the smallest floats of all
    return f"{x:.1f}" if 1e3 <= abs(x) < 1e6 else f"{x:#.4g}"


def plain(label: str) -> str:
    r"""Escape a text so that Graphviz draws it as it is, whatever it holds.

    Backslashes and `<...>` are markup in DOT, and Graphviz also reads HTML entities everywhere.
    Line breaks stay line breaks. Characters that XML cannot hold are drawn as their symbols.

    >>> print(plain("a < b & c"), plain("one" + chr(10) + "two"))
    a < b &amp; c one\ntwo
    """
    shown = _UNDRAWABLE.sub(_symbol, label).replace("&", "&amp;")
    # A line without a character would be left out, hence the blank.
    lines = [line.replace("\\", r"\\") or "\xa0" for line in shown.split("\n")]
    text: str = graphviz.nohtml(r"\n".join(lines))  # without it <...> would be HTML
    return text


def _symbol(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)  # the block "Control Pictures" mirrors ASCII
    return "\u2421" if code == 0x7F else "\ufffd"
