"""A player as one file of HTML. What drives the page is here; what it shows comes from its room."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from html import escape
from math import isfinite
from pathlib import Path
from string import Template
from typing import Any

from engine.outfile import Target, write


def page(
    room: Path,
    files: Sequence[str],
    data: Mapping[str, Any],
    path: Target = None,
    *,
    unit: str,
    speeds: Sequence[float],
    speed: float,
    parts: Mapping[str, str],
    pictures: str = "",
    **words: str,
) -> str:
    """Return a page that plays what `data` holds; or write it to `path`, and return that.

    A content security policy allows the page's own script and style, and nothing else.

    Arguments:
        room: the folder that has the files.
        files: the inside of the page, its style, and its scripts in order.
        data: what the scripts find as `run`. JSON has no nan and inf: see `json_float`.
        unit: the word for a position in the page's address and on its buttons, such as "step".
        speeds: how many positions a second one can choose. speed: the one that is chosen at first.
        parts: HTML for the places that the inside of the page names.
        pictures: what writes pictures instead of a page, if it is not a method of a Value.
        words: texts for the places that the frame names. title: what a tab of the browser shows.
            name: what is played. count: how much of it there is. first: the word for the first
            position, on its button.
    """
    here = Path(__file__).parent
    inside, style, *scripts = ((room / file).read_text(encoding="utf-8") for file in files)
    own = [here / f"shell.{kind}" for kind in ("html", "css", "js")]
    frame, shared, script = (path.read_text(encoding="utf-8") for path in own)
    style, script = shared + style, "".join([script, *scripts])
    text = Template(frame).substitute(
        {name: escape(word) for name, word in words.items()},
        unit=unit,
        Unit=unit.capitalize(),
        speeds="\n      ".join(_option(each, each == speed) for each in speeds),
        inside=Template(inside).substitute(parts),
        data=as_json(data),
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
    )
    return write("to_html", "html", path, text, pictures)


def as_json(data: Mapping[str, Any]) -> str:
    r"""JSON that can stand inside a script element: nothing in it opens or closes a tag.

    >>> as_json({"name": ["</script>"]})
    '{"name":["\\u003c/script>"]}'
    """
    return json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", r"\u003c")


def json_float(x: float) -> float | str:
    """A float for JSON. One that is not finite becomes a text that JavaScript's Number() reads.

    >>> json_float(0.5), json_float(float("-inf"))
    (0.5, '-Infinity')
    """
    return x if isfinite(x) else "NaN" if x != x else "Infinity" if x > 0 else "-Infinity"


def _option(speed: float, chosen: bool) -> str:
    words = "½" if speed == 0.5 else f"{speed:g}"
    return f'<option value="{speed:g}"{" selected" * chosen}>{words} a second</option>'


def _hash(text: str) -> str:
    """The hash by which a content security policy allows a script or style in the page."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
