"""The fixtures of this room."""

from tests.drawing.browser import browser, page

__all__ = ["browser", "page"]
