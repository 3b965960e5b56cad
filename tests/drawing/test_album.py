"""Pictures are arranged as they were when somebody looked at them. Where another arrangement is
meant, `python -m tests.drawing.album` writes the album anew: look at what has changed.
"""

import pytest

from tests.drawing.album import FILE, album, entries, page

PAGES = FILE.read_text(encoding="utf-8").removesuffix("\n").removeprefix("== ").split("\n== ")
KEPT = {page.partition("\n")[0]: page.splitlines()[1:] for page in PAGES}


# Each draws its own page, so that it is known which test runs a line.
@pytest.mark.parametrize("name", entries())
def test_it_is_drawn_as_it_was(name: str) -> None:
    assert page(name) == KEPT[name]


def test_the_album_has_these_pages_and_no_others() -> None:
    assert [*KEPT] == [*entries(), "styles"]


def test_styles_are_as_they_were() -> None:
    assert album()["styles"] == KEPT["styles"]
