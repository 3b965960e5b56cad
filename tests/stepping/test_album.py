"""Stepping says what it said. Where other words are meant, `python -m tests.stepping.album` writes
them anew.
"""

import re

import pytest

from tests.stepping.album import FILE, PAGES, page

KEPT = {
    name: lines
    for name, *lines in (
        text.splitlines()
        for text in re.split("^== ", FILE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    )
}


@pytest.mark.parametrize("name", PAGES)
def test_it_says_what_it_said(name: str) -> None:
    assert page(name) == KEPT[name]


def test_the_pages_are_these() -> None:
    assert [*KEPT] == [*PAGES]
