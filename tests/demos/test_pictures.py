"""The pictures in the README are those that `python -m demos.pictures` makes today."""

import html
import re
from collections.abc import Callable

import pytest

from demos.pictures import FOLDER, PICTURES
from engine import Value
from engine.drawing import to_dot


@pytest.mark.parametrize(("name", "make"), PICTURES.items())
def test_a_committed_picture_is_current(name: str, make: Callable[[], Value]) -> None:
    dot = (FOLDER / f"{name}.dot").read_text(encoding="utf-8")
    assert dot == to_dot(make()), "run python -m demos.pictures"
    svg = (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    drawn = [html.unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", svg)]
    for label in re.findall(r'label="([^"]*)"', dot):
        for line in label.split("\\n"):
            assert line in drawn, line


def test_no_other_picture_is_kept() -> None:
    kept = {path.name for path in FOLDER.iterdir()}
    assert kept == {f"{name}.{kind}" for name in PICTURES for kind in ("dot", "svg")}
