"""The README has four screens at most, as GitHub shows it in a window 1,280 pixels wide."""

from typing import Any

from tests.drawing.browser import browser
from tests.project.newcomer import screens_of_readme
from tests.project.sources import ROOT

__all__ = ["browser"]

SCREENS, LINES = 4.0, 200  # of the README, and of its source


def test_the_readme_has_at_most_four_screens(browser: Any) -> None:
    assert (ROOT / "README.md").read_text(encoding="utf-8").count("\n") <= LINES
    assert screens_of_readme(browser) <= SCREENS
