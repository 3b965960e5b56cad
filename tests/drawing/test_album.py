"""Pictures are arranged as they were when somebody looked at them. Where another arrangement is
meant, `python -m tests.drawing.album` writes the album anew: look at what has changed.
"""

import pytest

from tests.drawing.album import FILE, album, entries

PAGES = FILE.read_text(encoding="utf-8").removesuffix("\n").removeprefix("== ").split("\n== ")
KEPT = {page.partition("\n")[0]: page.splitlines()[1:] for page in PAGES}


@pytest.fixture(scope="module")
def now() -> dict[str, list[str]]:
    return album()


@pytest.mark.parametrize("name", [*entries(), "numbers", "styles"])
def test_it_is_drawn_as_it_was(name: str, now: dict[str, list[str]]) -> None:
    assert now[name] == KEPT[name]
