"""Plots look as they did when somebody looked at them. Where another look is meant,
`python -m tests.nn.drawing.album` writes the album anew: look at what has changed.
"""

import re

import pytest

pytest.importorskip("matplotlib", reason="pip install gradwalk[plot]")

import matplotlib

from tests.nn.drawing.album import FILE, PLOTS
from tests.nn.drawing.looks import lines_of

VERSION, *PAGES = re.split(r"\n(?! )", FILE.read_text(encoding="utf-8").rstrip("\n"))
KEPT = {plot.partition(":")[0]: plot.split("\n") for plot in PAGES}


def test_the_album_has_all() -> None:
    assert [*KEPT] == [*PLOTS]


@pytest.mark.skipif(
    f"matplotlib=={matplotlib.__version__}" != VERSION, reason=f"pip install {VERSION}"
)
@pytest.mark.parametrize("name", PLOTS)
def test_it_looks_as_it_did(name: str) -> None:
    assert [*lines_of(name, PLOTS[name]())] == KEPT[name]
