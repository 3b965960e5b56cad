"""A browser for notebooks; see tests/drawing/browser.py."""

from tests.drawing.browser import browser, page

__all__ = ["browser", "page"]
