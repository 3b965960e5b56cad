"""Files that users name: the suffix says what is in them."""

import os
from pathlib import Path
from typing import TypeAlias, TypeVar

File: TypeAlias = str | os.PathLike[str]
Target: TypeAlias = File | None
Content = TypeVar("Content", str, bytes)
# What writes the files of a suffix; with any other, a file may hold anything.
WRITERS = {kind: f"value.to_{kind}(path)" for kind in ("svg", "png", "html")}
RENDERED = ["dot", "pdf", "jpg", "jpeg", "gif", "eps", "ps"]
WRITERS |= dict.fromkeys(RENDERED, "draw(value).render(outfile=path)")
WRITERS["py"] = "run.to_source(path)"


def named(path: File, who: str) -> str:
    """The name of a file, which a user gave. Raises TypeError where it is none."""
    try:
        name = os.fspath(path)
        if isinstance(name, str) and b"\0" not in os.fsencode(name):
            return name
    except (TypeError, UnicodeError):
        pass
    raise TypeError(
        f"{who} takes the name of a file, a str or a Path, got {type(path).__name__} "
        f"{path!r:.60}; give one such as 'out/file'"
    )


def write(who: str, kind: str, path: Target, content: Content, pictures: str = "") -> Content | str:
    """Write a file and return its path; where no path is given, return the content.

    Raises ValueError where the suffix is of another kind.

    Arguments:
        who: what the user called. kind: the suffix of what it writes.
        pictures: what writes files of other kinds there, if not the methods of a Value.

    >>> write("to_svg", "svg", "y.png", "<svg/>")
    Traceback (most recent call last):
    ValueError: to_svg writes .svg files, got y.png; give it that suffix, or use value.to_png(path)
    """
    if path is None:
        return content
    path = named(path, who)
    suffix = Path(path).suffix.lower()[1:]
    if suffix in WRITERS and suffix != kind:
        got = f"{who} writes .{kind} files, got {path}"
        raise ValueError(f"{got}; give it that suffix, or use {pictures or WRITERS[suffix]}")
    Path(path).write_bytes(content.encode() if isinstance(content, str) else content)
    return path
