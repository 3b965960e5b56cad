"""The pictures in the README are those that `python -m demos.pictures` makes today."""

import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("sklearn", reason="pip install gradwalk[demos]")

from demos.pictures import FOLDER, PHOTOGRAPH, PICTURES, save


def contents(svg: Path) -> tuple[list[str], Counter[str], list[str]]:
    """The words, how many there are of each element, and what they are called: all but the places,
    in which layout programs and fonts differ, and the version of matplotlib.
    """
    elements = [*ET.parse(svg).iter()]
    words = ["".join(e.itertext()).strip() for e in elements if e.tag.endswith(("text", "title"))]
    tags = Counter(e.tag for e in elements if e.tag.endswith(("}g", "}text", "}title")))
    words = [word for word in words if not word.startswith("Matplotlib v")]
    return sorted(words), tags, sorted(e.get("class", "") for e in elements)


@pytest.mark.parametrize("name", PICTURES)
def test_a_committed_picture_is_current(name: str, tmp_path: Path) -> None:
    for made in save(name, tmp_path):
        kept = FOLDER / made.name
        if made.suffix == ".dot":
            assert kept.read_bytes() == made.read_bytes(), "run python -m demos.pictures"
        else:
            assert contents(kept) == contents(made), "run python -m demos.pictures"


def test_no_other_picture_is_kept(tmp_path: Path) -> None:
    made = {path.name for name in PICTURES for path in save(name, tmp_path)}
    measured = {"speed.svg", "scaling.svg"}  # by the benchmarks, with --plot FILE
    assert {path.name for path in FOLDER.iterdir()} == made | measured | {PHOTOGRAPH}
